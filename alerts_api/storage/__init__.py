"""The tables behind SQLAlchemy Core, on SQLite or PostgreSQL, and their migrations."""
