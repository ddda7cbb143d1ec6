"""Takes what workers decided into the database, and takes verdicts back."""
