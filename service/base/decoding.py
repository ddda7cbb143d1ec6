"""Reading back what a checkpoint saved: any damage is one kind of error, which says what to do."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from service.base.errors import CheckpointError


@contextmanager
def decoding_guard(what: str) -> Iterator[None]:
    """Turns whatever a damaged or foreign blob raises into StateError."""
    try:
        yield
    except (msgspec.MsgspecError, ValueError, ArithmeticError, LookupError, EOFError, zlib.error) as error:
        raise CheckpointError(
            f"saved {what} cannot be read ({error}); restore the database from a backup, or start a new site"
        ) from error
