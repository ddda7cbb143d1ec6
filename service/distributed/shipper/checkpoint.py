"""The shipper's checkpoint: one file, replaced whole, that says where the logs are read up to.

It moves only when everything sent before is acknowledged, so after a crash some messages go out again, with
the same numbers, and none is left out.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from service.base.errors import CheckpointError
from service.base.files import write_atomically
from service.records.checkpoints import Checkpoint, SavedState

VERSION = 1

_LOST = (
    "take it from a backup; or delete it, and give this shipper in site.toml a number that none of the site "
    "ever had (shipper = …): then the logs are read again from their beginning, and counted again"
)


class _Place(msgspec.Struct, frozen=True):
    """What the file holds."""

    v: int
    serial: int  # of the checkpoint
    positions: dict[str, bytes]
    shared: dict[str, bytes]  # states of ingest and outbox
    counters: dict[str, int]
    last_event_time: int


class _Version(msgspec.Struct, frozen=True):
    v: int


class CheckpointFile:
    """The port to a store over one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shared: dict[str, bytes] = {}
        self.serial = 0  # of the newest checkpoint
        self.positions: Mapping[str, bytes] = {}  # of the newest checkpoint: acknowledged and saved

    def load(self) -> SavedState:
        """What the last checkpoint said. Raises ``CheckpointError`` where it cannot be understood."""
        place = self._read()
        self._shared = place.shared
        self.positions, self.serial = place.positions, place.serial
        return SavedState((), place.shared, place.positions, place.counters, place.last_event_time)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Takes what changed, to be written with the next ``commit``."""
        self._shared = {**self._shared, **checkpoint.changes.shared}

    def commit(self, checkpoint: Checkpoint) -> None:
        """Returns when the disk has it; only to be called when everything sent is acknowledged.

        Raises ``OSError``.
        """
        self.keep(checkpoint)
        place = _Place(
            v=VERSION,
            serial=self.serial + 1,
            positions=dict(checkpoint.positions),
            shared=self._shared,
            counters=dict(checkpoint.counters),
            last_event_time=checkpoint.last_event_time,
        )
        write_atomically(self._path, msgspec.msgpack.encode(place))
        self.positions, self.serial = place.positions, place.serial

    def close(self) -> None:
        """Nothing is held open."""

    def _read(self) -> _Place:
        try:
            data = self._path.read_bytes()
            version = msgspec.msgpack.decode(data, type=_Version).v
            if version == VERSION:
                return msgspec.msgpack.decode(data, type=_Place)
        except FileNotFoundError:
            return _Place(VERSION, 0, {}, {}, {}, 0)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CheckpointError(f"{self._path}: damaged ({error}); {_LOST}") from None
        raise CheckpointError(
            f"{self._path}: version {version} is not known; use the journalguard that wrote it"
        )
