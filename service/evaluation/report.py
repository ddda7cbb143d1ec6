"""A report: figures of one or more parts with what they were made from; kept in a folder, the newest last.

Nothing in a report is about one reader: accounts are counted, groups below the minimum cell are pooled.
"""

from pathlib import Path

import msgspec

from models.evaluation.changes import Change
from models.evaluation.figures import Bin, Burden, DetectorSummary, Family, Load
from models.evaluation.groups import Burdens
from models.evaluation.intervals import Proportion
from models.evaluation.rarity import RarityCalibration
from service.base.errors import ReportError

VERSION = 1
MINIMUM_CELL = 10  # account-days of a group that may be told
PATTERN = "evaluation-*.json"


class NamedLoad(msgspec.Struct, frozen=True):
    """Alerts a day of one log."""

    name: str
    load: Load


class Heavy(msgspec.Struct, frozen=True):
    """Legitimate heavy readers of one kind, apart from the comparison of groups."""

    kind: str
    burden: Burden
    with_expected: Burden | None  # the same when analysts say "expected" to their alerts; None: not tried


class Part(msgspec.Struct, frozen=True):
    """Figures from one kind of source. What a source cannot tell is empty."""

    source: str  # "simulated", "background" or "site"
    title: str  # what it was made from, in words
    truth: str  # what alerts are judged by: "known thefts" or "verdicts"
    burden: Burden
    precision: Proportion
    loads: tuple[NamedLoad, ...]
    bins: tuple[Bin, ...] = ()
    families: tuple[Family, ...] = ()
    budgets: tuple[DetectorSummary, ...] = ()
    members: tuple[DetectorSummary, ...] = ()
    burdens: Burdens | None = None
    heavy: tuple[Heavy, ...] = ()
    rarity: tuple[RarityCalibration, ...] = ()


class PartChanges(msgspec.Struct, frozen=True):
    """A part against the same part of the report before."""

    source: str
    changes: tuple[Change, ...]


class Report(msgspec.Struct, frozen=True):
    """The whole file."""

    version: int
    made_at: str  # RFC 3339 UTC
    policy: str  # hash of the policies
    model: str
    budget: float
    minimum_cell: int  # account-days below which a group is not told
    parts: tuple[Part, ...]
    before: str = ""  # made_at of the report it is compared with
    changes: tuple[PartChanges, ...] = ()


def file_name(report: Report) -> str:
    """``evaluation-20261127T101500Z``, without an ending."""
    return "evaluation-" + report.made_at.replace("-", "").replace(":", "")


def listed(folder: Path) -> tuple[Path, ...]:
    """The reports of a folder, oldest first; none where there is no folder."""
    return tuple(sorted(folder.glob(PATTERN)))


def read(path: Path) -> Report:
    """Raises ``ReportError`` for what is no report of this version."""
    try:
        report = msgspec.json.decode(path.read_bytes(), type=Report)
    except OSError as error:
        raise ReportError(f"{path}: cannot be read ({error.strerror})") from None
    except msgspec.MsgspecError as error:
        raise ReportError(f"{path}: is no report ({error}); remove it, or make it again") from None
    if report.version != VERSION:
        raise ReportError(f"{path}: has version {report.version}, this release reads {VERSION}; remove it")
    return report


def newest(folder: Path) -> Report | None:
    """The last report of the folder that can be read."""
    for path in reversed(listed(folder)):
        try:
            return read(path)
        except ReportError:
            continue
    return None


def to_json(report: Report) -> bytes:
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"
