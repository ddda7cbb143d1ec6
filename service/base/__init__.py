"""Tools without a domain: errors for operators, decoding, whole files, locks, logs, retry, progress."""
