"""Lines in, checkpoints out, in one process: following, replaying and merging logs."""
