"""How a measure is described: its group, its counter, its words. The measures themselves: ``measures``."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

TEN_MINUTES, HOUR, SIX_HOURS, DAY, WEEK = TIMES = 600.0, 3600.0, 21600.0, 86400.0, 604800.0  # s


class MeasureGroup(IntEnum):
    """Kinds of evidence. Those of volume come first: see :data:`models.evidence.VOLUME_GROUPS`."""

    RATE = 0
    DAY = 1
    WEEK = 2
    SPREAD = 3
    TRAVEL = 4
    TARGETS = 5
    ERRORS = 6
    RHYTHM = 7
    NOVELTY = 8


class Signal(IntEnum):
    """What an event adds to counters; how much, :mod:`service.kernel.features` says."""

    DOCUMENT = 0
    REQUEST = 1
    MEGABYTES = 2
    ERROR = 3
    HOP = 4
    SWITCH = 5
    TWO_PLACES = 6
    SESSION_MOVED = 7
    LOGIN_FAILED = 8
    FAILED_THEN_OK = 9
    SPEED = 10  # the largest counts, not the sum
    NEW_NETWORK = 11
    YOUNG_NETWORK = 12
    JOINT = 13
    NEW_PLATFORM = 14
    HOSTING = 15
    ODD_HOUR = 16


class Counter(NamedTuple):
    """A fading sum of a signal."""

    signal: Signal
    seconds: float  # time constant, one of TIMES


@dataclass(frozen=True, slots=True)
class Measure:
    """How one measure is grouped, told, believed and counted."""

    group: MeasureGroup
    label: str  # head of the table's row
    unit: str
    said: str  # "{n}" is the observed value
    prior: tuple[float, float, float, float]  # reached by 1 in 2, 10, 100, 1,000 account-days, before data
    detection: str  # id of the detection that reads it, unless the policy's files say otherwise
    counter: Counter | None = None
    own: str = ""  # the measure whose daily maxima of the account's own it is compared with, as z
    trend: str = ""  # the measure whose slow rise it follows, summed over days
    since: int = 2  # version of the account's record that has it first; new ones go to the end
