"""The compiled heart: (account record, event) -> (account record, measures, evidence). No I/O, no clock."""
