"""Tools without a domain: errors for operators, decoding of what was saved, whole files, locks, logs, retry."""
