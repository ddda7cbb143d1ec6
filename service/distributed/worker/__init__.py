"""Scores partitions: Faust app, partition state, changelog and transactions."""
