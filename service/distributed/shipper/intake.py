"""Where the shipper's lines come from: the site's logs or standard input. A raw topic is in ``rawtopic``."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pseudonymiser.rotation import Position, decode_position, identity, is_rotated, neighbours
from pseudonymiser.tail import Tail, source_key
from service.distributed.shipper.lag import unread_bytes
from service.distributed.shipper.spool import Spool
from service.runtime.runner import GrowingSource


class Intake(Protocol):
    """Sources that ``service.runtime.runner.FollowLoop`` reads, and what the shipper asks of them besides."""

    def sources(self) -> Sequence[GrowingSource]: ...

    def close(self) -> None: ...

    def acknowledged(self, positions: Mapping[str, bytes]) -> None:
        """Everything before ``positions`` is in Kafka, and they are saved."""

    def ended(self, positions: Mapping[str, bytes]) -> bool:
        """Whether nothing will ever come after ``positions``."""

    def lag_bytes(self, positions: Mapping[str, bytes]) -> float:
        """What lies behind ``positions`` at this moment, NaN where nobody can tell.

        Called from other threads, also before anything was read; raises ``OSError``.
        """


class LogFiles:
    """Logs that grow and rotate."""

    def __init__(
        self, logs: Sequence[str], audit_logs: Sequence[str], positions: Mapping[str, bytes]
    ) -> None:
        self._logs = tuple(logs), tuple(audit_logs)
        self._before = positions
        self._tail = Tail(logs, audit_logs, positions)

    def sources(self) -> Sequence[GrowingSource]:
        return self._tail.sources()

    def close(self) -> None:
        self._tail.close()

    def acknowledged(self, positions: Mapping[str, bytes]) -> None:
        """Logs are the proxy's; nothing is done to them."""

    def ended(self, positions: Mapping[str, bytes]) -> bool:  # noqa: ARG002 - as of every intake
        """Logs have no end."""
        return False

    def lag_bytes(self, positions: Mapping[str, bytes]) -> float:
        """Bytes of every source behind its position; of one without a position, all of it."""
        known = {**self._before, **positions}
        # A tail of its own, for the names alone: the other one belongs to the thread that reads.
        keys = [source.key for source in Tail(*self._logs, {}).sources()]
        return sum(unread_bytes(key.partition(":")[2], known.get(key)) for key in keys)


class StandardInput(LogFiles):
    """Standard input by way of a spool, whose file is followed as a log, and the site's audit logs."""

    def __init__(self, spool: Spool, audit_logs: Sequence[str], positions: Mapping[str, bytes]) -> None:
        path = str(spool.path)
        self._spool = spool
        self._key = source_key(path, audit=False)
        # Also files that were full before the first look at them are ours.
        begin = Position(0, 0, 0, 0, 0, "", path).encode()
        super().__init__([path], audit_logs, {self._key: begin, **positions})

    def close(self) -> None:
        super().close()
        self._spool.close()

    def acknowledged(self, positions: Mapping[str, bytes]) -> None:
        """Deletes the files before the one that the position is in."""
        if self._key not in positions:
            return
        saved = decode_position(positions[self._key])
        files = self._files()
        here = [identity(status) for _, status in files]
        if (saved.device, saved.inode) in here:
            for path, _ in files[: here.index((saved.device, saved.inode))]:
                os.unlink(path)  # noqa: PTH108 - a path as text

    def ended(self, positions: Mapping[str, bytes]) -> bool:
        """Whether standard input was closed and all of it acknowledged."""
        if not self._spool.finished or self._key not in positions:
            return False
        return not unread_bytes(str(self._spool.path), positions[self._key])

    def _files(self) -> list[tuple[str, os.stat_result]]:
        """The spool's files, oldest first."""
        current = self._spool.path
        files = [
            (path, status)
            for path, status in neighbours(str(current))
            if path == str(current) or is_rotated(Path(path).name, current.name)
        ]
        return sorted(files, key=lambda file: (file[0] == str(current), file[1].st_mtime_ns))
