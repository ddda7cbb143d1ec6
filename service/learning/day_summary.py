"""What a day's accounts come to, as a record: see ``service.learning.aggregation``, which makes it.

By itself, since whoever reads what goes over Kafka needs it, and no compiler.
"""

from collections.abc import Mapping

import msgspec

from models.calibration import Candidate
from service.decision.reader_groups import Counts
from service.kernel.training_rows import Examples
from service.learning.usage_counts import UsageCounts


class InjectedAttacks(msgspec.Struct, frozen=True):
    """The accounts that were drawn, and what was seen of their thieves; nothing is seen of some."""

    drawn: bytes = b""  # u8 (n,): ascending keys
    thefts: Examples = Examples()


class Sample(msgspec.Struct, frozen=True):
    """Account-days for the trees, by ascending id."""

    ids: bytes = b""  # u8 (n,)
    peer_groups: bytes = msgspec.field(default=b"", name="circles")  # u1 (n,): index of the histogram
    calm: bytes = b""  # u1 (n,): evidence below the guard
    groups: bytes = b""  # f8 (n, G)


class DaySummary(msgspec.Struct, frozen=True):
    """One day of some of the site's accounts."""

    day: int
    active: int = 0  # accounts
    opened: int = 0  # alerts
    calm: int = 0  # accounts whose evidence stayed below the guard
    histograms: bytes = b""  # u4 (CIRCLES, COUNTED, BINS), zlib; empty for none
    seen: Mapping[str, tuple[bytes, bytes]] = {}  # table -> ascending keys u4, calm accounts with each u4
    candidates: tuple[Candidate, ...] = ()
    sample: Sample = Sample()
    usage: UsageCounts = msgspec.field(default=UsageCounts(), name="sights")
    groups: Counts = {}  # of readers
    promoted: int = 0  # day of the version of the models that was asked for, 0 for none
    known: int = 0  # accounts ever active
    injected: InjectedAttacks = msgspec.field(default=InjectedAttacks(), name="shadows")
    readers: Examples = Examples()  # account-days whose evidence passed the gate
    feedback: Examples = msgspec.field(default=Examples(), name="lessons")  # what analysts found alerts to be
