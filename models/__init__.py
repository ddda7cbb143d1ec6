"""Learning models. They know numbers only: neither events nor pseudonyms enter this room."""
