"""What differs between the databases that the store can lie in."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine

from alerts_api.storage.errors import StoreError

# A file of SQLite, or a URL of PostgreSQL: postgresql://…
DatabaseLocation = str | Path


class Backend(NamedTuple):
    """One open database."""

    place: str  # as messages name it
    engine: Engine
    reading: Mapping[str, Any]  # execution options of a transaction that reads
    writing: Mapping[str, Any]  # of one that writes
    take_turn: Callable[[Connection], None]  # first in a writing transaction: one writer at a time
    compact: Callable[[Connection], None]  # rewrites what rows were deleted from
    named: Callable[[BaseException], StoreError | None]  # the driver's error as ours; None for any other


def is_url(place: DatabaseLocation) -> bool:
    """Whether ``place`` is the URL of a server, not a file."""
    return isinstance(place, str) and "://" in place
