"""Everything that speaks HTTP: the application, its guards, HTML pages, JSON API and metrics."""
