"""The close of a local day, once for a site in one process and for partitions over Kafka.

Its order: the shard sums up the day (:func:`end_day`), the site learns it from all sums, then the shard
closes its accounts by the guards that were in force on the day and forgets those not seen for long
(:func:`begin_day`). Between the two a partition waits for the sums of the others.
"""

import msgspec
import numpy as np

from service.learning.day_summary import DaySummary
from service.learning.site_model import SiteModel
from service.pipeline.shard import Shard


class DayClose(msgspec.Struct, frozen=True):
    """A day that is over in a shard, and perhaps not yet in others."""

    day: int
    next_day: int
    after: int  # newest day that the site had learnt
    offset: int  # the site's from UTC when the next day began, s
    guards: bytes  # f8 (CLASSES,), in force during the day
    sums: DaySummary


def end_day(shard: Shard, site: SiteModel, day: int, next_day: int, offset: int) -> DayClose:
    """Sum up ``day``, now that events of ``next_day`` have come."""
    guards = site.guards.astype("<f8").tobytes()
    return DayClose(day, next_day, site.day, offset, guards, shard.summary(day, offset))


def begin_day(shard: Shard, closing: DayClose) -> None:
    """Begin the next day: the site has learnt the one that was closing."""
    guards = np.frombuffer(closing.guards, "<f8").astype(np.float64)
    shard.close(closing.day, closing.offset, guards)
    shard.retire(closing.next_day, closing.offset)
