"""What a day's active accounts come to: sums that merge by addition, whoever counted the parts.

The accounts of a site may be split over any number of shares; the merged sums, and so everything the site
learns from a day, are the same to the bit.
"""

import zlib
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import baselines, calibration
from models.calibration import Candidate
from models.evidence import BINS, BINS_PER_E
from service.account import BIN_UNIT
from service.closing import CLASSES
from service.groups import Counts, merge_counts
from service.measures import GROUP_OF, G, K
from service.sights import Sights, merge_sights

COUNTED = K + 1  # rows of a histogram: the measures, then the evidence
SAMPLE = 2000  # account-days a day that the trees see: those with the lowest ids
TABLES = ("networks", "owners", "cities", "platforms")


class Sample(msgspec.Struct, frozen=True):
    """Account-days for the trees, by ascending id."""

    ids: bytes = b""  # u8 (n,)
    ranks: bytes = b""  # u1 (n,)
    calm: bytes = b""  # u1 (n,): evidence below the guard
    groups: bytes = b""  # f8 (n, G)


class DaySums(msgspec.Struct, frozen=True):
    """One day of some of the site's accounts."""

    day: int
    active: int = 0  # accounts
    opened: int = 0  # alerts
    calm: int = 0  # accounts whose evidence stayed below the guard
    histograms: bytes = b""  # u4 (CLASSES, COUNTED, BINS), zlib; empty for none
    seen: Mapping[str, tuple[bytes, bytes]] = {}  # table -> ascending keys u4, calm accounts with each u4
    candidates: tuple[Candidate, ...] = ()
    sample: Sample = Sample()
    sights: Sights = Sights()
    groups: Counts = {}  # of readers


def day_sums(
    day: int,
    today: NDArray[np.void],
    ids: NDArray[np.uint64],
    opened: int,
    table: NDArray[np.float32],
    guards: NDArray[np.float64],
    budget: float,
) -> DaySums:
    """Of the states (n,) of accounts active on local ``day``, before they are closed.

    ``ids`` (n,) is a stable number per account, ``table`` (CLASSES, K, BINS) and ``guards`` (CLASSES,) are
    those that were in force.
    """
    order = np.argsort(ids, kind="stable")
    today, ids = today[order], ids[order]
    calm = today["day_evidence"] < guards[today["rank"]]
    maxima = today["day_max"].astype(np.float64) / BIN_UNIT
    first = slice(SAMPLE)
    return DaySums(
        day=day,
        active=len(today),
        opened=opened,
        calm=int(calm.sum()),
        histograms=pack_counts(_count(today, maxima)),
        seen={name: _seen(today[calm], name) for name in TABLES},
        candidates=_candidates(day, today, ids, budget),
        sample=Sample(
            ids=ids[first].astype("<u8").tobytes(),
            ranks=today["rank"][first].astype("u1").tobytes(),
            calm=calm[first].astype("u1").tobytes(),
            groups=_groups(today["rank"][first], maxima[first], table).astype("<f8").tobytes(),
        ),
    )


def merge(parts: Sequence[DaySums], budget: float) -> DaySums:
    """The sums of disjoint parts of one day. Their order does not matter."""
    day = parts[0].day
    counts = sum((unpack_counts(p.histograms, COUNTED) for p in parts), np.zeros((), np.uint32))
    candidates = [c for p in parts for c in p.candidates]
    return DaySums(
        day=day,
        active=sum(p.active for p in parts),
        opened=sum(p.opened for p in parts),
        calm=sum(p.calm for p in parts),
        histograms=pack_counts(counts),
        seen={name: _merge_seen([p.seen[name] for p in parts if name in p.seen]) for name in TABLES},
        candidates=calibration.highest(candidates, budget),
        sample=_merge_samples([p.sample for p in parts]),
        sights=merge_sights([p.sights for p in parts]),
        groups=merge_counts(p.groups for p in parts),
    )


def pack_counts(counts: NDArray[np.uint32]) -> bytes:
    """A histogram (CLASSES, rows, BINS) as bytes."""
    return zlib.compress(counts.astype("<u4").tobytes(), 1)


def unpack_counts(packed: bytes, rows: int) -> NDArray[np.uint32]:
    """The histogram (CLASSES, rows, BINS) again; zeros for none."""
    if not packed:
        return np.zeros((CLASSES, rows, BINS), np.uint32)
    counts = np.frombuffer(zlib.decompress(packed), "<u4")
    return counts.reshape(CLASSES, rows, BINS).astype(np.uint32)


def unpack_sample(
    sample: Sample,
) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.bool_], NDArray[np.float64]]:
    """ids (n,), ranks (n,), calm (n,), groups (n, G)."""
    return (
        np.frombuffer(sample.ids, "<u8").astype(np.uint64),
        np.frombuffer(sample.ranks, np.uint8),
        np.frombuffer(sample.calm, np.uint8).astype(np.bool_),
        np.frombuffer(sample.groups, "<f8").reshape(-1, G).astype(np.float64),
    )


def _count(today: NDArray[np.void], maxima: NDArray[np.float64]) -> NDArray[np.uint32]:
    evidence = BINS_PER_E * np.log1p(today["day_evidence"].astype(np.float64))
    counts = np.zeros((CLASSES, COUNTED, BINS), np.uint32)
    for c in range(CLASSES):
        of = today["rank"] == c
        counts[c, :K] = baselines.count(maxima[of])
        counts[c, K] = baselines.count(evidence[of, None])[0]
    return counts


def _groups(
    ranks: NDArray[np.uint8], maxima: NDArray[np.float64], table: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Largest surprise of each group of measures, (n, G), from positions (n, K) on the common scale."""
    groups = np.zeros((len(ranks), G))
    low = maxima.astype(np.int64)
    part = maxima - low
    rows = np.arange(len(ranks))
    for k in range(K):
        of = table[ranks, k]
        s = of[rows, low[:, k]] * (1 - part[:, k]) + of[rows, low[:, k] + 1] * part[:, k]
        s[maxima[:, k] == 0] = 0.0
        groups[:, GROUP_OF[k]] = np.maximum(groups[:, GROUP_OF[k]], s)
    return groups


def _candidates(
    day: int, today: NDArray[np.void], ids: NDArray[np.uint64], budget: float
) -> tuple[Candidate, ...]:
    found = np.flatnonzero(today["day_joined"] >= calibration.FLOOR)
    scores = [Candidate(day, int(ids[i]), float(today["day_joined"][i])) for i in found]
    return calibration.highest(scores, budget)


def _seen(calm: NDArray[np.void], name: str) -> tuple[bytes, bytes]:
    """How many accounts were seen with each key of a table during their last day."""
    slots = calm[name]
    since = (calm["last_time"] - 86400)[:, None]
    keys, seen = np.unique(slots["key"][(slots["last"] > since) & (slots["key"] != 0)], return_counts=True)
    return keys.astype("<u4").tobytes(), seen.astype("<u4").tobytes()


def unpack_seen(seen: tuple[bytes, bytes]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Keys (n,) ascending, accounts (n,)."""
    return np.frombuffer(seen[0], "<u4"), np.frombuffer(seen[1], "<u4")


def _merge_seen(parts: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    pairs = [unpack_seen(part) for part in parts]
    keys, at = np.unique(np.concatenate([k for k, _ in pairs]), return_inverse=True)
    seen = np.bincount(at, np.concatenate([n for _, n in pairs]), minlength=len(keys))
    return keys.astype("<u4").tobytes(), seen.astype("<u4").tobytes()


def _merge_samples(parts: Sequence[Sample]) -> Sample:
    unpacked = [unpack_sample(part) for part in parts]
    ids, ranks, calm, groups = (np.concatenate(column) for column in zip(*unpacked, strict=True))
    lowest = np.argsort(ids, kind="stable")[:SAMPLE]
    return Sample(
        ids=ids[lowest].astype("<u8").tobytes(),
        ranks=ranks[lowest].tobytes(),
        calm=calm[lowest].astype("u1").tobytes(),
        groups=groups[lowest].astype("<f8").tobytes(),
    )
