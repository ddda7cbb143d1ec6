"""What the pages are told of drift, and of how true stated rarities are: light records."""

import msgspec

from models.evaluation.rarity import RarityCalibration

NAME = "drift-report"  # among the shared blobs, JSON

NETWORKS, BYTES, PUBLISHER, BUSY, QUIET = "networks", "bytes", "publisher", "busy", "quiet"


class Cause(msgspec.Struct, frozen=True):
    """Something with a name that moved the measures."""

    kind: str
    since: int  # first local day on which it was seen, days since 1970
    last: int  # newest one
    what: str = ""  # of PUBLISHER: the platform
    usual: float = 0.0  # the figure that told of it, before and then
    seen: float = 0.0


class MovedFigure(msgspec.Struct, frozen=True):
    """The newest change of one daily figure."""

    name: str  # "measures/rate", "surprises/novelty", "evidence", "accounts"
    found: int  # local day on which it was seen
    since: int  # first day after it
    before: float  # mean of the days before and since, weekdays evened out
    after: float


class DriftReport(msgspec.Struct, frozen=True):
    """As of the close of ``day``; newest first."""

    day: int = 0
    moved: tuple[MovedFigure, ...] = ()
    causes: tuple[Cause, ...] = ()
    rarity: tuple[RarityCalibration, ...] = ()  # how true stated rarities were, over the last weeks
