"""What the site as a whole knows: peers' tables, prevalences, the trees and the threshold.

Renewed only at the close of a local day, from sums over that day's active accounts, so nothing an
event does depends on other accounts' events of the same day, and parts counted apart would merge.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import baselines, calibration, terms
from models.calibration import Calibration
from models.classifiers import NO_THEFT, SOME_THEFT, Classifiers
from models.detectors import Trees
from models.ensemble import MemberScores
from models.evidence import BINS, BINS_PER_E, CAP
from service.attacks.families import FAMILIES
from service.base.decoding import decoding_guard
from service.decision.reader_groups import KEPT_DAYS, PREFIX, GroupHistory, read_group_history
from service.decision.threshold import AlertThreshold
from service.kernel.account_record import BIN_UNIT
from service.kernel.context import C, context
from service.kernel.measures import GROUP_OF, OWN, G, K, M, MeasureGroup
from service.kernel.peer_groups import BELIEVED, HOME, LOCALITIES
from service.kernel.training_rows import READER, STOLEN, Examples
from service.learning import drift, model_versions
from service.learning.account_update import CLASSES
from service.learning.aggregation import (
    CLASSIFIERS,
    COUNTED,
    EVIDENCE,
    PEER_GROUPS,
    TABLES,
    pack_counts,
    unpack_counts,
    unpack_sample,
    unpack_seen,
)
from service.learning.day_summary import DaySummary, Sample
from service.learning.drift import Drift
from service.learning.model_versions import Version, read_versions
from service.learning.rarity_log import RarityLog
from service.policy import Policy
from service.records import drift_report

DRIFT = "drift"  # name of what is remembered of drift among the blobs
TREES = COUNTED  # row of a histogram after those of a day's sums
ROWS = COUNTED + 1
VERSION = 2  # of SiteSnapshot
MODEL = "ensemble-2"  # what scores; with the newest day it has learnt, its version
_ROWS_V1 = [*range(42), EVIDENCE, TREES]  # where rows of the first version stand now
_GROUP_OF = np.array(GROUP_OF)
_TERMS = terms.count(K, G, C)
TEACHES = 0.5  # least that every measure must count for a day to teach what theft is
TREES_READY = 300.0  # account-days scored by the trees before their tail is used
PREVALENCE_FADE = 0.95  # per day
RING = baselines.WINDOW_DAYS + 2  # slots of histograms: today's never overwrites one still in use


class SiteSnapshot(msgspec.Struct, frozen=True):
    """All but the histograms, which are kept a day each."""

    version: int
    day: int
    trees: bytes
    calibration: Calibration
    account_days: float
    prevalence: Mapping[str, tuple[bytes, bytes]]  # table -> keys u4, faded account-days f8
    classifiers: bytes = b""  # none in version 1
    known: int = 0
    since: int = 0
    branch: int = 0
    rarity: RarityLog = RarityLog()


class SiteModel:
    """The shared knowledge, and how a day changes it."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._prior = np.stack([baselines.prior_survival(q) for q in policy.prior])
        self.day = 0
        self._since = 0  # first day that was learnt
        self._branch = 0  # the version of the models that was promoted last
        self.versions: dict[int, Version] = {}  # by their newest day
        self.threshold = AlertThreshold(policy.alerts_per_day)
        self.trees = Trees([g.name.lower() for g in MeasureGroup])
        self.classifiers = Classifiers(
            FAMILIES, _TERMS, terms.context_from(K, G), policy.training.thefts_weigh
        )
        self.changed: set[str] = set()
        self._days: dict[int, NDArray[np.uint32]] = {}
        self.known = 0  # accounts ever active, as of the newest day
        self._account_days = 0.0
        self._prevalence: dict[str, dict[int, float]] = {t: {} for t in TABLES}
        self.drift = Drift()
        self.rarity = RarityLog()
        self.home = 0  # key of the country most readers are in; 0 unknown
        self._remake()

    @property
    def version(self) -> str:
        """Of the models in force: how far they have learnt, and on top of which promoted version."""
        return f"{MODEL}/{self.day}" + (f"/{self._branch}" if self._branch else "")

    def prevalence(self, table: str, key: int) -> float:
        """Share of the site's account-days with this network, owner, city or platform."""
        if not key or self._account_days < 1.0:
            return 0.0
        return self._prevalence[table].get(key, 0.0) / self._account_days

    def common(self, table: str) -> NDArray[np.uint32]:
        """Keys of networks, owners, cities or platforms that the site knows, the most common first."""
        shares = self._prevalence[table]
        return np.array(sorted(shares, key=lambda key: (-shares[key], key)), np.uint32)

    def _remake(self) -> None:
        """Tables and moments from the histograms of the window."""
        peer_groups = np.zeros((PEER_GROUPS, ROWS, BINS), np.uint32)
        for day in self._days.values():
            peer_groups += day
        counts = peer_groups.reshape(CLASSES, LOCALITIES, ROWS, BINS).sum(axis=1, dtype=np.uint32)
        counted = drift.weights(self.drift)[:, None]
        self._whole_table = np.stack([baselines.table(c[:K], self._prior[:K], CAP) for c in counts])
        self.table = self._whole_table * counted
        self._disturbed = bool((counted < 1.0).any())
        self.tails = self._tails(peer_groups[:, K:], self._prior[K:])
        self.shows = _shown(counts)
        base = [int(b) for b, _ in OWN]
        both = [baselines.moments(c[base], self._prior[base]) for c in counts]
        self.mean = np.stack([b[0] for b in both])
        self.var = np.stack([b[1] for b in both])
        whole = [baselines.table(c[K : K + 1], self._prior[K : K + 1], baselines.TAIL_CAP)[0] for c in counts]
        self.guards = np.array([self._evidence_at(tail, self._policy.guard) for tail in whole])
        members = self._policy.budget.members
        self._trees_speak = "trees" in members and counts[:, TREES].sum() >= TREES_READY
        trained = self.classifiers.days > self._policy.training.warm_days
        self._classifiers_speak = "classifiers" in members and trained

    @staticmethod
    def _tails(peer_groups: NDArray[np.uint32], prior: NDArray[np.float64]) -> NDArray[np.float32]:
        """Of evidence, classifiers and trees, (CIRCLES, 3, BINS).

        A circle with few account-days leans on its place, a place with few on what is believed of it. The
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
        return (
            min(classified, self._scored(at, who, self._whole_table[rank])) if self._disturbed else classified
        )

    def _scored(self, at: NDArray[np.float64], who: NDArray[np.float64], table: NDArray[np.float32]) -> float:
        row = np.empty(_TERMS)
        terms.fill(at, table, _GROUP_OF, np.empty(G), who, row)
        return self.classifiers.score(row)

    def member_scores(
        self, peer_group: int, evidence: float, groups: Sequence[float], classified: float
    ) -> MemberScores:
        """The members' tails of a moment, ``-ln share``. Whose word counts, the desk knows."""
        tails = self.tails[peer_group]
        far = self.trees.score(groups) if self._trees_speak else None
        return MemberScores(
            evidence=baselines.read_between(tails[0], evidence),
            classifiers=baselines.read_between(tails[1], math.expm1(classified / BINS_PER_E))
            if self._classifiers_speak
            else None,
            trees=None if far is None else baselines.read_between(tails[2], far),
        )

    def learn_day(self, sums: DaySummary) -> None:
        """Learn a closed day from the sums of all its accounts."""
        day = sums.day
        self._promote(sums.promoted)
        self.drift = drift.after_day(self.drift, sums)
        sums = drift.learnable(self.drift, sums)
        gone = {d for d in self._days if d <= day - baselines.WINDOW_DAYS}
        self.changed |= {_slot_name(d) for d in gone}
        self._days = {d: c for d, c in self._days.items() if d not in gone}
        counted = unpack_counts(sums.histograms, COUNTED)
        if len(self._days) >= baselines.WINDOW_DAYS - 1 and not self._disturbed:
            kept = calibration.most_kept(self._policy.alerts_per_day)
            self.rarity = self.rarity.with_day(sums, counted, self.table, self.tails, kept)
        self._days[day] = np.concatenate([counted, self._teach_trees(sums.sample)], axis=1)
        self._learn_prevalence(sums)
        if not self.drift.began:
            if float(drift.weights(self.drift).min()) >= TEACHES:
                self._teach_classifiers(sums)
            self.threshold.calibrate(day, sums.active, sums.opened, sums.candidates)
        self.day, self.known = day, sums.known
        self.changed.add(self.threshold.count(day, sums.groups))
        self._remake()
        self._since = self._since or day
        self._keep_version(day)
        self.changed |= {"site", DRIFT, drift_report.NAME, _slot_name(day)}

    def _promote(self, day: int) -> None:
        """Go on from a kept version; one that is not kept, or that sees other terms, changes nothing."""
        version = self.versions.get(day)
        if version is None:
            return
        classifiers, trees = version.models()
        if classifiers.fits(self.classifiers):
            self.classifiers, self.trees, self._branch = classifiers, trees, day

    def _keep_version(self, day: int) -> None:
        if self.versions and day < max(self.versions) + model_versions.EVERY:
            return
        classifiers, trees = self.classifiers.snapshot(), self.trees.snapshot()
        new = Version(day, self._since, self._branch, self._policy.hash, classifiers, trees)
        self.versions = model_versions.with_version(self.versions, new)
        self.changed.add(model_versions.ring_slot(day))

    def _teach_trees(self, sample: Sample) -> NDArray[np.uint32]:
        """The trees score the sample, then learn; histogram (CIRCLES, 1, BINS) of the scores."""
        _, peer_groups, calm, groups = unpack_sample(sample)
        counts = np.zeros((PEER_GROUPS, 1, BINS), np.uint32)
        if self.trees.ready and len(groups):
            far = BINS_PER_E * np.log1p(np.array([self.trees.score(g) for g in groups.tolist()], np.float64))
            for c in range(PEER_GROUPS):
                counts[c] = baselines.count(far[peer_groups == c, None])
        self.trees.learn(groups[calm].tolist())
        return counts

    def _teach_classifiers(self, sums: DaySummary) -> None:
        """Thefts, readers and lessons of the day in the order of their keys, by the tables in force on it."""
        every = Examples.concatenated([sums.injected.thefts, sums.readers, sums.feedback])
        _, families, ranks, positions, contexts = every.columns()
        rows = np.zeros((len(families), _TERMS))
        groups = np.zeros(G)
        columns = ranks.tolist(), positions / BIN_UNIT, contexts / BIN_UNIT
        for row, rank, at, who in zip(rows, *columns, strict=True):
            terms.fill(at, self.table[rank], _GROUP_OF, groups, who, row)
        known = families.astype(np.int64)
        known[families == READER], known[families == STOLEN] = NO_THEFT, SOME_THEFT
        self.classifiers.learn(rows, known.tolist(), fade=self._policy.training.fade)

    def _learn_prevalence(self, sums: DaySummary) -> None:
        self._account_days = self._account_days * PREVALENCE_FADE + sums.calm
        for name in TABLES:
            faded = {k: v * PREVALENCE_FADE for k, v in self._prevalence[name].items() if v > 0.3}
            keys, seen = unpack_seen(sums.seen[name])
            for key, n in zip(keys.tolist(), seen.tolist(), strict=True):
                faded[key] = faded.get(key, 0.0) + n
            self._prevalence[name] = faded
        self._find_home()

    def _find_home(self) -> None:
        self.home = int(next(iter(self.common("countries").tolist()), 0))

    def drain(self) -> dict[str, bytes]:
        """Blobs of what changed since the last call."""
        out = {name: self._blob(name) for name in sorted(self.changed)}
        self.changed.clear()
        return out

    def _blob(self, name: str) -> bytes:
        if name == "site":
            return msgspec.msgpack.encode(self._snapshot())
        if name == DRIFT:
            return msgspec.msgpack.encode(self.drift)
        if name == drift_report.NAME:
            return msgspec.json.encode(drift.report(self.drift, self.rarity.calibrations))
        return self._of_ring(name)

    def _of_ring(self, name: str) -> bytes:
        """A blob that a later day's will replace; empty where the day is too old."""
        if name.startswith(PREFIX):
            return self.threshold.blob(name)
        if name.startswith(model_versions.PREFIX):
            kept = (v for day, v in self.versions.items() if model_versions.ring_slot(day) == name)
            return msgspec.msgpack.encode(next(kept))
        day = next((d for d in self._days if _slot_name(d) == name), None)
        return b"" if day is None else day.to_bytes(4, "little") + pack_counts(self._days[day])

    def _snapshot(self) -> SiteSnapshot:
        packed = {
            name: (
                np.fromiter(p.keys(), "<u4", len(p)).tobytes(),
                np.fromiter(p.values(), "<f8", len(p)).tobytes(),
            )
            for name, p in self._prevalence.items()
        }
        return SiteSnapshot(
            VERSION, self.day, self.trees.snapshot(), self.threshold.calibration, self._account_days, packed,
            self.classifiers.snapshot(), self.known, self._since, self._branch, self.rarity,
        )  # fmt: skip

    def restore(self, shared: Mapping[str, bytes]) -> None:
        """Start again from the blobs of ``drain``. Raises StateError for what cannot be read."""
        if "site" not in shared:
            return
        with decoding_guard("knowledge of the site"):
            self._restore(shared)
        self._remake()

    def _restore(self, shared: Mapping[str, bytes]) -> None:
        saved = msgspec.msgpack.decode(shared["site"], type=SiteSnapshot)
        self.day, self.known = saved.day, saved.known
        self._account_days = saved.account_days
        self._since, self._branch, self.rarity = saved.since, saved.branch, saved.rarity
        self.versions = read_versions(shared)
        self.trees = Trees.from_snapshot(saved.trees)
        kept = Classifiers.from_snapshot(saved.classifiers) if saved.classifiers else self.classifiers
        anew = not kept.fits(
            self.classifiers
        )  # an earlier release's saw other terms: its scores say nothing now
        self.classifiers = self.classifiers if anew else kept
        self._prevalence = {
            name: dict(
                zip(np.frombuffer(keys, "<u4").tolist(), np.frombuffer(values, "<f8").tolist(), strict=True)
            )
            for name, (keys, values) in saved.prevalence.items()
        }
        self.drift = msgspec.msgpack.decode(shared[DRIFT], type=Drift) if DRIFT in shared else Drift()
        self._prevalence = {name: self._prevalence.get(name, {}) for name in TABLES}
        self._find_home()
        days = {}
        for name, blob in shared.items():
            if name.startswith("histogram/") and blob:
                day = int.from_bytes(blob[:4], "little")
                if self.day - baselines.WINDOW_DAYS < day <= self.day:
                    days[day] = _histogram(blob[4:])
                    days[day][:, CLASSIFIERS] *= not anew
        self._days = dict(sorted(days.items()))
        since = self.day - KEPT_DAYS
        ledger = GroupHistory({d: c for d, c in read_group_history(shared).items() if since < d <= self.day})
        self.threshold.restore(saved.calibration, ledger)


def _shown(counts: NDArray[np.uint32]) -> frozenset[M]:
    """Measures that the site's log has ever shown, from counts (CLASSES, ROWS, BINS)."""
    above = counts[:, :K, 1:].sum(axis=(0, 2))
    return frozenset(M(k) for k in np.flatnonzero(above).tolist())


def _histogram(packed: bytes) -> NDArray[np.uint32]:
    """Of a day (CIRCLES, ROWS, BINS); the first version knew fewer measures, no classifiers and no places."""
    flat = unpack_counts(packed, 1)[:, 0]
    if len(flat) == PEER_GROUPS * ROWS:
        return flat.reshape(PEER_GROUPS, ROWS, BINS)
    counts = np.zeros((CLASSES, LOCALITIES, ROWS, BINS), np.uint32)
    counts[:, HOME, _ROWS_V1] = flat.reshape(CLASSES, len(_ROWS_V1), BINS)
    return counts.reshape(PEER_GROUPS, ROWS, BINS)


def _slot_name(day: int) -> str:
    """Histograms are kept in a ring of blobs, one a day."""
    return f"histogram/{day % RING:02d}"
