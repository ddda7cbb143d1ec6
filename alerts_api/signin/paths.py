"""Where to go on after sign-in: a path of these pages, never an address somewhere else."""

from urllib.parse import urlsplit

_ENDS_NOWHERE = ("/signin", "/signout", "/api/", "/static/")  # not pages to come back to


def safe_path(text: str) -> str:
    """The path with its query, if it is one of ours; empty otherwise.

    >>> safe_path("/alerts/JG-1?events=2"), safe_path("//evil.example"), safe_path("https:evil.example")
    ('/alerts/JG-1?events=2', '', '')
    """
    if not text.startswith("/") or text.startswith("//") or len(text) > 500:
        return ""
    # Browsers take a backslash for a slash, and leave out line ends and tabs.
    if "\\" in text or not text.isprintable() or not text.isascii():
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    ours = not parts.scheme and not parts.netloc and not parts.path.startswith(_ENDS_NOWHERE)
    return text if ours else ""
