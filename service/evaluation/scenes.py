"""A scene: one log as events on disk, and the truth about it. Read once, then played by any number of trials.

The folder is temporary and the user's own. What is kept of a scene afterwards is counts.
"""

import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import zstandard

from models.evaluation.records import Theft
from service.evaluation.exposure import Groups
from service.records.events import AccessEvent

BATCH = 5_000  # events of a frame
_EVENTS, _SCENE = "events.zst", "scene.msgpack"
_LENGTH = struct.Struct("<I")


class Scene(msgspec.Struct, frozen=True):
    """What is known of a log besides its events."""

    title: str
    offset: int  # of the site from UTC, s, at the log's end
    first_day: int  # local days since 1970
    last_day: int
    warm_days: int  # days at the beginning that do not count
    accounts: tuple[str, ...]  # by number; pseudonyms under a key that is thrown away
    types: Mapping[int, str]  # user type or category by number, where known
    heavy: Mapping[int, str]  # legitimate heavy readers by number -> what they are
    thefts: tuple[Theft, ...]
    account_days: tuple[tuple[int, int, Groups], ...]  # number, local day, groups


class Writer:
    """Writes the events of a scene."""

    def __init__(self, folder: Path) -> None:
        descriptor = os.open(folder / _EVENTS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._pack = zstandard.ZstdCompressor(level=1)
        self._waiting: list[AccessEvent] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._waiting:
            self._flush()
        self._file.close()

    def write(self, events: Sequence[AccessEvent]) -> None:
        self._waiting += events
        if len(self._waiting) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        packed = self._pack.compress(msgspec.msgpack.encode(self._waiting))
        self._file.write(_LENGTH.pack(len(packed)) + packed)
        self._waiting = []


def read_events(folder: Path) -> Iterator[list[AccessEvent]]:
    """The events in order, a frame at a time."""
    unpack, decoder = zstandard.ZstdDecompressor(), msgspec.msgpack.Decoder(list[AccessEvent])
    with (folder / _EVENTS).open("rb") as file:
        while head := file.read(_LENGTH.size):
            yield decoder.decode(unpack.decompress(file.read(*_LENGTH.unpack(head))))


def save(folder: Path, scene: Scene) -> None:
    """Beside its events."""
    (folder / _SCENE).write_bytes(msgspec.msgpack.encode(scene))


def load(folder: Path) -> Scene:
    return msgspec.msgpack.decode((folder / _SCENE).read_bytes(), type=Scene)
