"""What the site as a whole knows: peers' tables, prevalences, the models and the threshold.

Changed only at the close of a local day (:mod:`service.learning.site_learning`), so nothing an event does
depends on other accounts' events of the same day; saved by :mod:`service.learning.site_blobs`.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models import baselines, terms
from models.classifiers import Classifiers
from models.detectors import Trees
from models.ensemble import MemberScores
from models.evidence import CAP
from models.scale import BINS, BINS_PER_E
from service.attacks.families import FAMILIES
from service.decision.threshold import AlertThreshold
from service.kernel.account_record import BIN_UNIT
from service.kernel.context import C, context
from service.kernel.measure_types import MeasureGroup
from service.kernel.measures import GROUP_OF, OWN, G, K, M
from service.kernel.peer_groups import BELIEVED, CLASSES, LOCALITIES, PEER_GROUPS
from service.learning import drift
from service.learning.aggregation import CLASSIFIERS, COUNTED, TABLES
from service.learning.drift import Drift
from service.learning.model_versions import Version
from service.learning.rarity_log import RarityLog
from service.policy.model import Policy

TREES = COUNTED  # row of a histogram after those of a day's sums
ROWS = COUNTED + 1
MODEL = "ensemble-2"  # what scores; with the newest day it has learnt, its version
TERMS = terms.count(K, G, C)  # what the classifiers see of a moment
TREES_READY = 300.0  # account-days scored by the trees before their tail is used
_GROUP_OF = np.array(GROUP_OF)


class SiteModel:
    """The shared knowledge, as of the newest day that was learnt."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._prior = np.stack([baselines.prior_survival(q) for q in policy.prior])
        self.day = 0
        self.since = 0  # first day that was learnt
        self.branch = 0  # the version of the models that was promoted last
        self.versions: dict[int, Version] = {}  # by their newest day
        self.threshold = AlertThreshold(policy.alerts_per_day)
        self.trees = Trees([g.name.lower() for g in MeasureGroup])
        self.classifiers = Classifiers(
            FAMILIES, TERMS, terms.context_from(K, G), policy.training.thefts_weigh
        )
        self.changed: set[str] = set()  # names of the blobs that the next drain gives
        self.histograms: dict[int, NDArray[np.uint32]] = {}  # day -> (PEER_GROUPS, ROWS, BINS)
        self.known = 0  # accounts ever active, as of the newest day
        self.account_days = 0.0  # behind `shares`, fading
        self.shares: dict[str, dict[int, float]] = {t: {} for t in TABLES}  # faded account-days by key
        self.drift = Drift()
        self.rarity = RarityLog()
        self.home = 0  # key of the country most readers are in; 0 unknown
        self.rebuild()

    @property
    def version(self) -> str:
        """Version of the models in force: how far they have learnt, and on which promoted version."""
        return f"{MODEL}/{self.day}" + (f"/{self.branch}" if self.branch else "")

    def prevalence(self, table: str, key: int) -> float:
        """Share of the site's account-days with this network, owner, city or platform."""
        if not key or self.account_days < 1.0:
            return 0.0
        return self.shares[table].get(key, 0.0) / self.account_days

    def common(self, table: str) -> NDArray[np.uint32]:
        """Keys of networks, owners, cities or platforms that the site knows, the most common first."""
        shares = self.shares[table]
        return np.array(sorted(shares, key=lambda key: (-shares[key], key)), np.uint32)

    def find_home(self) -> None:
        """Take the country of most account-days for the site's own."""
        self.home = int(next(iter(self.common("countries").tolist()), 0))

    def rebuild(self) -> None:
        """Make tables, tails and moments anew from the histograms of the window."""
        peer_groups = np.zeros((PEER_GROUPS, ROWS, BINS), np.uint32)
        for day in self.histograms.values():
            peer_groups += day
        counts = peer_groups.reshape(CLASSES, LOCALITIES, ROWS, BINS).sum(axis=1, dtype=np.uint32)
        counted = drift.weights(self.drift)[:, None]
        self._whole_table = np.stack([baselines.table(c[:K], self._prior[:K], CAP) for c in counts])
        self.table = self._whole_table * counted
        self.disturbed = bool((counted < 1.0).any())
        self.tails = self._tails(peer_groups[:, K:], self._prior[K:])
        shown = counts[:, :K, 1:].sum(axis=(0, 2)).tolist()
        self.shows = frozenset(m for m in M if shown[m])  # measures that the log has ever shown
        base = [int(b) for b, _ in OWN]
        both = [baselines.moments(c[base], self._prior[base]) for c in counts]
        self.mean = np.stack([b[0] for b in both])
        self.var = np.stack([b[1] for b in both])
        whole = [baselines.table(c[K : K + 1], self._prior[K : K + 1], baselines.TAIL_CAP)[0] for c in counts]
        self.guards = np.array([self._evidence_at(tail, self.policy.guard) for tail in whole])
        members = self.policy.budget.members
        self._trees_speak = "trees" in members and counts[:, TREES].sum() >= TREES_READY
        trained = self.classifiers.days > self.policy.training.warm_days
        self._classifiers_speak = "classifiers" in members and trained

    @staticmethod
    def _tails(peer_groups: NDArray[np.uint32], prior: NDArray[np.float64]) -> NDArray[np.float32]:
        """Make the tails of evidence, classifiers and trees, (PEER_GROUPS, 3, BINS).

        A peer group with few account-days leans on its locality, a locality on what is believed of it. The
        classifiers know the context: theirs is one for all, else a harvest were ordinary where many are new.
        """
        by_place = peer_groups.reshape(CLASSES, LOCALITIES, *peer_groups.shape[1:]).sum(
            axis=0, dtype=np.uint32
        )
        whole = baselines.table(by_place.sum(axis=0, dtype=np.uint32), prior, baselines.TAIL_CAP)
        believed = [np.maximum(whole - math.log(times), 0.0) for times in BELIEVED]
        places = [
            baselines.part_tables(p, b, baselines.TAIL_CAP) for p, b in zip(by_place, believed, strict=True)
        ]
        tails = np.stack(
            [
                baselines.part_tables(c, places[n % LOCALITIES], baselines.TAIL_CAP)
                for n, c in enumerate(peer_groups)
            ]
        )
        tails[:, CLASSIFIERS - K] = whole[CLASSIFIERS - K]
        return tails

    def _evidence_at(self, tail: NDArray[np.float32], depth: float) -> float:
        at = np.interp(depth, tail, np.arange(BINS))
        return float(np.expm1(at / BINS_PER_E))

    def classified(self, states: NDArray[np.void], measures: Sequence[float]) -> float:
        """How much a moment looks like theft to the classifiers, on the common scale of histograms.

        They never saw readers of whom a measure is missing: what is not counted because the site was changed
        can only speak for a reader.
        """
        at, rank = np.array(measures), int(states["rank"][0])
        terms.positions(at, at)
        who = context(states, self.home)[0] / BIN_UNIT
        classified = self._scored(at, who, self.table[rank])
        if not self.disturbed:
            return classified
        return min(classified, self._scored(at, who, self._whole_table[rank]))

    def _scored(self, at: NDArray[np.float64], who: NDArray[np.float64], table: NDArray[np.float32]) -> float:
        row = np.empty(TERMS)
        terms.fill(at, table, _GROUP_OF, np.empty(G), who, row)
        return self.classifiers.score(row)

    def member_scores(
        self, peer_group: int, evidence: float, groups: Sequence[float], classified: float
    ) -> MemberScores:
        """The members' tails of a moment, ``-ln share``. Which members count, the policy says."""
        tails = self.tails[peer_group]
        far = self.trees.score(groups) if self._trees_speak else None
        return MemberScores(
            evidence=baselines.read_between(tails[0], evidence),
            classifiers=baselines.read_between(tails[1], math.expm1(classified / BINS_PER_E))
            if self._classifiers_speak
            else None,
            trees=None if far is None else baselines.read_between(tails[2], far),
        )
