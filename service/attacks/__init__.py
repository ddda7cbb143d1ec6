"""Synthetic thefts to learn from, as families and as rows for the kernel."""
