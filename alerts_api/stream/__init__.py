"""The store of a running stream, and the outbox of verdicts for the workers."""
