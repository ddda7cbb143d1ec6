"""Packages that only some of what journalguard does stands on, by the extra that brings them."""

EXTRAS = {
    "demo": ("mmdb_writer", "netaddr", "zstandard"),
    "kafka": ("aiokafka", "cramjam", "faust", "kafka", "mode", "rocksdict"),
    "oidc": ("authlib", "httpx2", "joserfc"),
    "postgres": ("psycopg",),
}


def missing_extra(error: ImportError) -> str | None:
    """Tell the operator how to mend an import that failed; ``None`` where no extra brings the package.

    >>> missing_extra(ModuleNotFoundError(name="kafka.errors"))
    "this needs a package that is not installed (kafka): pip install 'journalguard[kafka]'"
    """
    package = (error.name or "").partition(".")[0]
    for extra, packages in EXTRAS.items():
        if package in packages:
            return (
                f"this needs a package that is not installed ({package}): pip install 'journalguard[{extra}]'"
            )
    return None
