"""Orders that wait for the shipper, as files in the site's folder.

`journalguard rights` puts them there, whether or not a shipper is at work or Kafka can be reached; the
shipper sends each behind the events so far, and removes the file once Kafka has acknowledged it.
"""

import secrets
from pathlib import Path

import msgspec

from service.base.errors import CheckpointError
from service.base.files import write_atomically
from service.records.commands import Command

FOLDER = "orders"  # in the site's folder
_SUFFIX = ".order"


class CommandSpool:
    """One per process."""

    def __init__(self, site: Path) -> None:
        self._folder = site / FOLDER
        self._taken: dict[Path, None] = {}

    def put(self, command: Command) -> None:
        """Waits there from now on, also after a crash."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        write_atomically(self._folder / f"{secrets.token_hex(8)}{_SUFFIX}", msgspec.json.encode(command))

    def waiting(self) -> list[Command]:
        """All that no shipper has sent yet. Raises ``CheckpointError``."""
        return [_read(path) for path in self._paths()]

    def take(self) -> list[Command]:
        """Those that were not taken before. Raises ``CheckpointError``."""
        new = [path for path in self._paths() if path not in self._taken]
        self._taken.update(dict.fromkeys(new))
        return [_read(path) for path in new]

    def done(self) -> None:
        """All that were taken are acknowledged."""
        for path in self._taken:
            path.unlink(missing_ok=True)
        self._taken.clear()

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda path: (path.stat().st_mtime_ns, path))


def _read(path: Path) -> Command:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Command)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CheckpointError(f"{path}: is no order; remove it and run `journalguard rights` again") from None
