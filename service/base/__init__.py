"""Tools without a domain: operators' errors, decoding of what was saved, locks, progress, memory."""
