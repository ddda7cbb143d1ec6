"""Where the shipper's lines come from: the site's logs or standard input. A raw topic is in ``rawtopic``."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pseudonymiser.rotation import decode_position, identity, is_rotated, neighbours, status_of
from pseudonymiser.tail import Tail, source_key
from service.distributed.lag import unread_bytes
from service.distributed.spool import Spool
from service.embedded import Growing


class Intake(Protocol):
    """Sources that ``service.embedded.Follow`` reads, and what the shipper asks of them besides."""

    def sources(self) -> Sequence[Growing]: ...

    def close(self) -> None: ...

    def acknowledged(self, positions: Mapping[str, bytes]) -> None:
        """Everything before ``positions`` is in Kafka, and they are saved."""

    def ended(self, positions: Mapping[str, bytes]) -> bool:
        """Whether nothing will ever come after ``positions``."""

    def lag_bytes(self, positions: Mapping[str, bytes]) -> int:
        """What lies behind ``positions`` at this moment. Called from other threads; raises ``OSError``."""


class LogFiles:
    """Logs that grow and rotate."""

    def __init__(
        self, logs: Sequence[str], audit_logs: Sequence[str], positions: Mapping[str, bytes]
    ) -> None:
        self._tail = Tail(logs, audit_logs, positions)

    def sources(self) -> Sequence[Growing]:
        return self._tail.sources()

    def close(self) -> None:
        self._tail.close()

    def acknowledged(self, positions: Mapping[str, bytes]) -> None:
        """Logs are the proxy's; nothing is done to them."""

    def ended(self, positions: Mapping[str, bytes]) -> bool:
        """Logs have no end."""
        return False

    def lag_bytes(self, positions: Mapping[str, bytes]) -> int:
        """Bytes of every source behind its position."""
        return sum(unread_bytes(key.partition(":")[2], position) for key, position in dict(positions).items())


class StandardInput(LogFiles):
    """Standard input by way of a spool, whose file is followed as a log, and the site's audit logs."""

    def __init__(self, spool: Spool, audit_logs: Sequence[str], positions: Mapping[str, bytes]) -> None:
        super().__init__([str(spool.path)], audit_logs, positions)
        self._spool = spool
        self._key = source_key(str(spool.path), audit=False)

    def close(self) -> None:
        super().close()
        self._spool.close()

    def acknowledged(self, positions: Mapping[str, bytes]) -> None:
        """Deletes what lies before the position."""
        if self._key not in positions:
            return
        saved = decode_position(positions[self._key])
        for path, status in list(neighbours(str(self._spool.path))):
            older = status.st_mtime_ns < saved.written and is_rotated(Path(path).name, self._spool.path.name)
            if older and identity(status) != (saved.device, saved.inode):
                os.unlink(path)  # noqa: PTH108 - a path as text

    def ended(self, positions: Mapping[str, bytes]) -> bool:
        """Whether standard input was closed and all of it acknowledged."""
        if not self._spool.finished or self._key not in positions:
            return False
        saved, status = decode_position(positions[self._key]), status_of(str(self._spool.path))
        same = identity(status) == (saved.device, saved.inode)
        return status is None or (same and status.st_size == saved.offset)
