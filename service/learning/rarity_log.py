"""How true stated rarities were lately: what every day's account-days made of the tables in force.

Counted at the close of a day, before its account-days go into the tables, and kept for four weeks.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.evaluation.rarity import ONE_IN, RarityCalibration, calibrations, tally, tally_scores
from models.scale import BINS, BINS_PER_E
from service.kernel.account_record import ACCOUNT
from service.kernel.measures import K, M
from service.kernel.peer_groups import LOCALITIES
from service.learning.aggregation import CLASSIFIERS, COUNTED, EVIDENCE
from service.learning.day_summary import DaySummary

KEPT_DAYS = 28
NAMES = (*(m.name for m in M), "EVIDENCE", "CLASSIFIERS", "SCORE")
# Counters that can be full, and the table of a record whose places they count.
PLACES = {
    M.NETWORKS_1D: "networks", M.OWNERS_1D: "owners", M.CITIES_1D: "cities", M.COUNTRIES_1D: "countries",
    M.ADDRESSES_1D: "addresses", M.SESSIONS_1D: "sessions", M.PLATFORMS_1H: "platforms",
    M.JOURNALS_1D: "journals",
}  # fmt: skip
_TOPS = np.full(K, BINS - 1)
for _measure, _table in PLACES.items():
    _TOPS[_measure] = int(BINS_PER_E * np.log1p(ACCOUNT[_table].shape[0]))
_ANY = np.array([BINS - 1])


class RarityLog(msgspec.Struct, frozen=True):
    """The tallies of the last days."""

    days: Mapping[int, bytes] = {}  # local day -> f8 (len(NAMES), len(ONE_IN), 2)

    def with_day(
        self,
        sums: DaySummary,
        counts: NDArray[np.uint32],
        table: NDArray[np.float32],
        tails: NDArray[np.float32],
        kept: int,
    ) -> "RarityLog":
        """With one more day, of counts (PEER_GROUPS, COUNTED, BINS).

        ``table`` (CLASSES, K, BINS) and ``tails`` (PEER_GROUPS, 3, BINS) were in force, and ``kept`` is how
        many of the day's scores are told at least.
        """
        found = np.zeros((len(NAMES), len(ONE_IN), 2))
        for n, of_class in enumerate(counts.reshape(-1, LOCALITIES, COUNTED, BINS).sum(axis=1)):
            found[:K] += tally(of_class[:K], table[n], _TOPS)
        for group, tail in zip(counts, tails, strict=True):
            for row in (EVIDENCE, CLASSIFIERS):
                found[row] += tally(group[row, None], tail[row - K, None], _ANY)[0]
        found[-1] = tally_scores([c.score for c in sums.candidates], sums.active, kept)[0]
        days = {day: one for day, one in self.days.items() if day > sums.day - KEPT_DAYS}
        return RarityLog(days | {sums.day: found.astype("<f8").tobytes()})

    @property
    def calibrations(self) -> tuple[RarityCalibration, ...]:
        """Over the days that are kept; empty before the first."""
        shape = len(NAMES), len(ONE_IN), 2
        tallies = [np.frombuffer(one, "<f8") for one in self.days.values()]
        fitting = [one.reshape(shape) for one in tallies if one.size == np.prod(shape)]
        return calibrations(NAMES, np.sum(fitting, axis=0)) if fitting else ()
