"""What the site as a whole knows: peers' tables, prevalences, the trees and the threshold.

Renewed only at the close of a local day, from sums over that day's active accounts, so nothing an
event does depends on other accounts' events of the same day, and parts counted apart would merge.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import baselines, calibration
from models.calibration import Calibration
from models.detectors import Trees
from models.evidence import BINS, BINS_PER_E, CAP
from service.closing import CLASSES
from service.measures import OWN, Group, K
from service.policy import Policy
from service.saved import reading
from service.sums import (
    COUNTED,
    TABLES,
    DaySums,
    Sample,
    pack_counts,
    unpack_counts,
    unpack_sample,
    unpack_seen,
)

TREES = COUNTED  # row of a histogram after the measures and the evidence
ROWS = COUNTED + 1
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


class Site:
    """The shared knowledge, and how a day changes it."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._prior = np.stack([baselines.prior_survival(q) for q in policy.prior])
        self.day = 0
        self.calibration = Calibration()
        self.trees = Trees([g.name.lower() for g in Group])
        self.changed: set[str] = set()
        self._days: dict[int, NDArray[np.uint32]] = {}
        self._account_days = 0.0
        self._prevalence: dict[str, dict[int, float]] = {t: {} for t in TABLES}
        self._remake()

    @property
    def budget(self) -> float:
        """Alerts a day."""
        return self._policy.alerts_per_day

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
        counts = np.zeros((CLASSES, ROWS, BINS), np.uint32)
        for day in self._days.values():
            counts += day
        self.table = np.stack([baselines.table(c[:K], self._prior[:K], CAP) for c in counts])
        self.tails = np.stack([baselines.table(c[K:], self._prior[K:], baselines.TAIL_CAP) for c in counts])
        base = [int(b) for b, _ in OWN]
        both = [baselines.moments(c[base], self._prior[base]) for c in counts]
        self.mean = np.stack([b[0] for b in both])
        self.var = np.stack([b[1] for b in both])
        self.guards = np.array([self._evidence_at(t[0], self._policy.guard) for t in self.tails])
        self._trees_known = counts[:, TREES].sum() >= TREES_READY

    def _evidence_at(self, tail: NDArray[np.float32], depth: float) -> float:
        at = np.interp(depth, tail, np.arange(BINS))
        return float(np.expm1(at / BINS_PER_E))

    def joined(self, rank: int, evidence: float, groups: Sequence[float]) -> float:
        """Score of a moment: the larger of the tails of evidence and trees, ``-ln share``."""
        by_evidence = baselines.read(self.tails[rank, 0], evidence)
        far = self.trees.score(groups) if self._trees_known else None
        if far is None:
            return by_evidence
        return max(by_evidence, baselines.read(self.tails[rank, 1], far) - self._policy.trees_handicap)

    def take(self, sums: DaySums) -> None:
        """Learn a closed day from the sums of all its accounts."""
        day = sums.day
        gone = {d for d in self._days if d <= day - baselines.WINDOW_DAYS}
        self.changed |= {_slot_name(d) for d in gone}
        self._days = {d: c for d, c in self._days.items() if d not in gone}
        counted = unpack_counts(sums.histograms, COUNTED)
        self._days[day] = np.concatenate([counted, self._teach_trees(sums.sample)], axis=1)
        self._learn_prevalence(sums)
        self.calibration = calibration.close_day(
            self.calibration, day, sums.active, sums.opened, sums.candidates, self.budget
        )
        self.day = day
        self._remake()
        self.changed |= {"site", _slot_name(day)}

    def _teach_trees(self, sample: Sample) -> NDArray[np.uint32]:
        """The trees score the sample, then learn; histogram (CLASSES, 1, BINS) of the scores."""
        _, ranks, calm, groups = unpack_sample(sample)
        counts = np.zeros((CLASSES, 1, BINS), np.uint32)
        if self.trees.ready and len(groups):
            far = BINS_PER_E * np.log1p(np.array([self.trees.score(g) for g in groups.tolist()], np.float64))
            for c in range(CLASSES):
                counts[c] = baselines.count(far[ranks == c, None])
        self.trees.learn(groups[calm].tolist())
        return counts

    def _learn_prevalence(self, sums: DaySums) -> None:
        self._account_days = self._account_days * PREVALENCE_FADE + sums.calm
        for name in TABLES:
            faded = {k: v * PREVALENCE_FADE for k, v in self._prevalence[name].items() if v > 0.3}
            keys, seen = unpack_seen(sums.seen[name])
            for key, n in zip(keys.tolist(), seen.tolist(), strict=True):
                faded[key] = faded.get(key, 0.0) + n
            self._prevalence[name] = faded

    def drain(self) -> dict[str, bytes]:
        """Blobs of what changed since the last call."""
        out = {name: self._blob(name) for name in sorted(self.changed)}
        self.changed.clear()
        return out

    def _blob(self, name: str) -> bytes:
        if name == "site":
            return msgspec.msgpack.encode(self._snapshot())
        day = next((d for d in self._days if _slot_name(d) == name), None)
        if day is None:  # has left the window
            return b""
        return day.to_bytes(4, "little") + pack_counts(self._days[day])

    def _snapshot(self) -> SiteSnapshot:
        packed = {
            name: (
                np.fromiter(p.keys(), "<u4", len(p)).tobytes(),
                np.fromiter(p.values(), "<f8", len(p)).tobytes(),
            )
            for name, p in self._prevalence.items()
        }
        return SiteSnapshot(1, self.day, self.trees.snapshot(), self.calibration, self._account_days, packed)

    def restore(self, shared: Mapping[str, bytes]) -> None:
        """Start again from the blobs of ``drain``. Raises StateError for what cannot be read."""
        if "site" not in shared:
            return
        with reading("knowledge of the site"):
            self._restore(shared)
        self._remake()

    def _restore(self, shared: Mapping[str, bytes]) -> None:
        saved = msgspec.msgpack.decode(shared["site"], type=SiteSnapshot)
        self.day, self.calibration, self._account_days = saved.day, saved.calibration, saved.account_days
        self.trees = Trees.from_snapshot(saved.trees)
        self._prevalence = {
            name: dict(
                zip(np.frombuffer(keys, "<u4").tolist(), np.frombuffer(values, "<f8").tolist(), strict=True)
            )
            for name, (keys, values) in saved.prevalence.items()
        }
        days = {}
        for name, blob in shared.items():
            if name.startswith("histogram/") and blob:
                day = int.from_bytes(blob[:4], "little")
                if self.day - baselines.WINDOW_DAYS < day <= self.day:
                    days[day] = unpack_counts(blob[4:], ROWS)
        self._days = dict(sorted(days.items()))


def _slot_name(day: int) -> str:
    """Histograms are kept in a ring of blobs, one a day."""
    return f"histogram/{day % RING:02d}"
