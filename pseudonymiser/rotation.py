"""Where a log was read up to, and how its files are found again after a rotation.

A file is known by device and inode and by a fingerprint of its first bytes. The fingerprint has 32 bits:
enough to tell the files of one folder apart, too few to confirm a guess of what the first line says.
"""

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from stat import S_ISREG

import msgspec

from pseudonymiser.errors import PseudonymiserError

HEAD = 1024  # bytes of a file that the fingerprint covers
SURE = 48  # bytes from which on a fingerprint alone tells files apart; an audit header has 42
COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".Z", ".zip")

Identity = tuple[int, int]  # device and inode

_NUMBERS = {"Y": r"\d{4}", "j": r"\d{3}", **dict.fromkeys("ymdHMS", r"\d{2}")}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# access.log.1, access.log-20261124, access.log-20261124-1700000000, access.log.2.old, access-20261124.log
_ROTATED = re.compile(r"[.-]\d{1,14}([.-]\d+)?")


class PatternError(PseudonymiserError):
    """Names of logs that cannot be followed; the text says why and what to write instead."""


class Position(msgspec.Struct, frozen=True):
    """How far one source was read: up to a line's start, or to the end of a finished file."""

    device: int
    inode: int
    offset: int  # bytes
    line: int  # lines before the offset
    head: int  # bytes that the fingerprint covers
    fingerprint: str
    name: str  # path by which the file was found
    written: int = 0  # time of the file's last write, ns; what is newer was written later

    def encode(self) -> bytes:
        """JSON."""
        return msgspec.json.encode(self)


def decode_position(data: bytes) -> Position:
    """The position that ``encode`` wrote. Raises ``msgspec.ValidationError`` on anything else."""
    return msgspec.json.decode(data, type=Position)


def fingerprint(head: bytes) -> str:
    """Fingerprint of a file's first bytes; "" for none."""
    return blake2b(head, digest_size=4).hexdigest() if head else ""


class Pattern:
    """Names made by strftime: ``/var/log/ezproxy/ezp%Y%m%d.log``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._glob = ""
        expression = ""
        seen: set[str] = set()
        for literal, code in re.findall(r"([^%]+)|%(.)", text):
            expression += re.escape(literal) if literal else self._code(code, seen)
            self._glob += literal or ("%" if code == "%" else "*" if self._glob[-1:] != "*" else "")
        if not seen & {"Y", "y"}:
            raise PatternError(
                f"{text}: has no year (%Y), so its files cannot be put in order; use * instead"
            )
        self._expression = re.compile(expression)

    def _code(self, code: str, seen: set[str]) -> str:
        if code == "%":
            return "%"
        digits = r"[A-Za-z]{3}" if code == "b" else _NUMBERS.get(code)
        if digits is None:
            known = ", ".join(f"%{name}" for name in ("b", *_NUMBERS))
            raise PatternError(f"{self.text}: %{code} is not known in names of logs; known are {known}")
        again = code in seen
        seen.add(code)
        return f"(?P={code})" if again else f"(?P<{code}>{digits})"

    def key(self, path: str) -> tuple[int, ...] | None:
        """Sorts names by the time they say; ``None`` for a name that is not of this pattern."""
        match = self._expression.fullmatch(path)
        if match is None:
            return None
        parts = match.groupdict()
        month = parts.pop("b", None)
        if month is not None and month.lower() not in _MONTHS:
            return None
        number = {code: int(value) for code, value in parts.items()}
        year = number.get("Y", 2000 + number.get("y", 0))
        ordinal = _MONTHS.index(month.lower()) + 1 if month else number.get("m", 0)
        return (year, ordinal, *(number.get(code, 0) for code in "djHMS"))

    def files(self) -> list[tuple[tuple[int, ...], str]]:
        """Key and path of the files that exist, oldest name first."""
        anchor = Path(self._glob).anchor
        found = (str(path) for path in Path(anchor or ".").glob(self._glob.removeprefix(anchor)))
        return sorted((key, path) for path in found if (key := self.key(path)) is not None)


def status_of(path: str) -> os.stat_result | None:
    """Of a plain file; ``None`` where there is none."""
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        return None
    return status if S_ISREG(status.st_mode) else None


def identity(status: os.stat_result | None) -> Identity:
    """Device and inode; zeros where there is no file."""
    return (status.st_dev, status.st_ino) if status else (0, 0)


def neighbours(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Plain, uncompressed files in the folder of ``path``, by name; of one moment between two renamings."""
    listed = _listing(path)
    while names_and_files(again := _listing(path)) != names_and_files(listed):
        listed = again
    yield from listed


def names_and_files(listed: Iterable[tuple[str, os.stat_result]]) -> list[tuple[str, Identity]]:
    """Which file has which name."""
    return [(path, identity(status)) for path, status in listed]


def _listing(path: str) -> list[tuple[str, os.stat_result]]:
    folder = Path(path).parent
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names are what is wanted
    except FileNotFoundError:
        return []
    paths = [str(folder / name) for name in names if not name.endswith(COMPRESSED)]
    return [(found, status) for found in paths if (status := status_of(found)) is not None]


def head_of(path: str, length: int = HEAD) -> bytes:
    """The first bytes of a file; none where it is gone or may not be read."""
    try:
        with Path(path).open("rb", buffering=0) as file:
            return file.read(length)
    except (FileNotFoundError, PermissionError):
        return b""


def is_rotated(name: str, base: str) -> bool:
    """Whether ``name`` is what a rotation makes of ``base``: ``access.log.1`` of ``access.log``."""
    stem, suffix = os.path.splitext(base)  # noqa: PTH122 - names, not paths
    for front, back in ((base, ""), (stem, suffix)):
        inside = len(name) > len(front) + len(back) and name.startswith(front) and name.endswith(back)
        if inside and _ROTATED.fullmatch(name[len(front) : len(name) - len(back)]):
            return True
    return False
