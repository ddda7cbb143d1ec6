"""Reads logs on the ingest host and ships pseudonymous events."""
