"""The ingest room: the only one that ever sees a name or an address, and the only one with keys."""
