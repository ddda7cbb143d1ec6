"""What a reader is told: a copy of what is held, and the documents of data protection."""
