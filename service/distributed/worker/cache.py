"""A partition's states on this machine's disk (RocksDB): a start need not read everything from Kafka.

Only a copy: written after a checkpoint is committed, thrown away whenever it is in doubt. The truth is the
changelog topic.
"""

import fcntl
import json
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from rocksdict import Options, Rdict, WriteBatch

from service.distributed.protocol.errors import CacheInUseError

POSITION = b"/position"  # no pseudonym begins so
TOO_OLD = (
    12 * 3600.0
)  # s; deletions are kept in a compacted topic for a day, then nobody would tell us of them


class Cache:
    """Keys and values of one partition, and the changelog's offset up to which they are complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._db = _open(folder)

    def position(self, log: str) -> int:
        """Offset from which ``log`` (an identity of the topic) must be read on; 0: from its beginning."""
        saved = self._db.get(POSITION)
        if saved is not None:
            place = json.loads(saved)
            if place["log"] == log and 0 <= time.time() - place["at"] < TOO_OLD:
                return int(place["offset"])
            self.clear()
        return 0

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Everything but the position, by key."""
        for key, value in self._db.items():
            if isinstance(key, bytes) and key != POSITION:
                yield key, value

    def write(self, changes: Mapping[bytes, bytes | None], log: str, offset: int) -> None:
        """Changes, complete before ``offset``, in one go; None deletes."""
        batch = WriteBatch(raw_mode=True)
        for key, value in changes.items():
            batch.delete(key) if value is None else batch.put(key, value)
        batch.put(POSITION, json.dumps({"log": log, "offset": offset, "at": time.time()}).encode())
        self._db.write(batch)

    def renew(self) -> None:
        """Writes everything anew: what was deleted stays in RocksDB's files for long."""
        young = self._folder.with_suffix(".new")
        shutil.rmtree(young, ignore_errors=True)
        fresh = _open(young)
        for key, value in self._db.items():
            fresh[key] = value
        fresh.close()
        self._db.close()
        shutil.rmtree(self._folder)
        young.rename(self._folder)
        self._db = _open(self._folder)

    def clear(self) -> None:
        """Forget everything."""
        self._db.close()
        shutil.rmtree(self._folder)
        self._db = _open(self._folder)

    def close(self, *, forget: bool = False) -> None:
        """``forget``: the partition goes to another worker; what is erased there must not stay here."""
        self._db.close()
        if forget:
            shutil.rmtree(self._folder)


def forget_others(folder: Path, mine: Collection[int]) -> None:
    """Delete the copies that a killed predecessor left of partitions that are not this worker's now.

    One that another process has open stays: it is told so when it opens the same (``CacheInUseError``).
    """
    kept = {folder_of(folder, partition) for partition in mine}
    for path in folder.glob("*"):
        if path not in kept and not _is_open(path):
            shutil.rmtree(path)


def folder_of(folder: Path, partition: int) -> Path:
    """Where a worker keeps its copy of a partition."""
    return folder / f"{partition:03d}"


def _is_open(folder: Path) -> bool:
    """RocksDB holds a lock on this file while it is open."""
    try:
        with (folder / "LOCK").open("r+b") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _open(folder: Path) -> Rdict:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    try:
        return Rdict(str(folder), options)
    except Exception as error:  # noqa: BLE001 - the library has but one class of errors
        if "lock" in str(error).lower():
            raise CacheInUseError(
                f"{folder}: another worker keeps its states here; give each worker of a host its own --name"
            ) from None
        shutil.rmtree(folder)  # damaged: it is only a copy
        folder.mkdir(mode=0o700)
        return Rdict(str(folder), options)
