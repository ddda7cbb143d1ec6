"""A site's folder and settings: how they are read, overridden, checked and first written."""
