"""What a day's active accounts come to: sums that merge by addition, whoever counted the parts.

The accounts of a site may be split over any number of shares; the merged sums, and so everything the site
learns from a day, are the same to the bit.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models import baselines, calibration
from models.calibration import Candidate
from models.scale import BINS, BINS_PER_E
from service.decision.reader_groups import merge_counts
from service.kernel.account_record import BIN_UNIT
from service.kernel.measures import GROUP_OF, G, K
from service.kernel.peer_groups import PEER_GROUPS, peer_group
from service.kernel.training_rows import Examples
from service.learning.attack_injection import merge_injected
from service.learning.day_summary import DaySummary, Sample
from service.learning.usage_counts import merge_usage_counts
from service.policy.model import Policy

EVIDENCE, CLASSIFIERS = K, K + 1  # rows of a histogram after those of the measures
COUNTED = K + 2
SAMPLE = 2000  # account-days a day that the trees see: those with the lowest ids
TABLES = ("networks", "owners", "cities", "countries", "platforms")


def summarise_day(
    day: int,
    today: NDArray[np.void],
    ids: NDArray[np.uint64],
    opened: int,
    table: NDArray[np.float32],
    guards: NDArray[np.float64],
    home: int,
    policy: Policy,
) -> DaySummary:
    """Of the states (n,) of accounts active on local ``day``, before they are closed.

    ``ids`` (n,) is a stable number per account, ``table`` (CLASSES, K, BINS) and ``guards`` (CLASSES,) are
    those that were in force.
    """
    order = np.argsort(ids, kind="stable")
    today, ids = today[order], ids[order]
    calm = today["day_evidence"] < guards[today["rank"]]
    maxima = today["day_max"].astype(np.float64) / BIN_UNIT
    first = slice(SAMPLE)
    return DaySummary(
        day=day,
        active=len(today),
        opened=opened,
        calm=int(calm.sum()),
        histograms=pack_counts(_count(today, maxima, peer_group(today, home))),
        seen={name: _seen(today[calm], name) for name in TABLES},
        candidates=_candidates(day, today, ids, policy.alerts_per_day),
        sample=Sample(
            ids=ids[first].astype("<u8").tobytes(),
            peer_groups=peer_group(today[first], home).astype("u1").tobytes(),
            calm=calm[first].astype("u1").tobytes(),
            groups=_groups(today["rank"][first], maxima[first], table).astype("<f8").tobytes(),
        ),
    )


def merge(parts: Sequence[DaySummary], policy: Policy) -> DaySummary:
    """The sums of disjoint parts of one day. Their order does not matter."""
    day = parts[0].day
    counts = sum((unpack_counts(p.histograms, COUNTED) for p in parts), np.zeros((), np.uint32))
    candidates = [c for p in parts for c in p.candidates]
    return DaySummary(
        day=day,
        active=sum(p.active for p in parts),
        opened=sum(p.opened for p in parts),
        calm=sum(p.calm for p in parts),
        histograms=pack_counts(counts),
        seen={name: _merge_seen([p.seen[name] for p in parts if name in p.seen]) for name in TABLES},
        candidates=calibration.highest(candidates, policy.alerts_per_day),
        sample=_merge_samples([p.sample for p in parts]),
        usage=merge_usage_counts([p.usage for p in parts]),
        groups=merge_counts(p.groups for p in parts),
        promoted=max(p.promoted for p in parts),
        known=sum(p.known for p in parts),
        injected=merge_injected([p.injected for p in parts], policy.training.shadows),
        readers=Examples.concatenated([p.readers for p in parts]).lowest(policy.training.ordinary),
        feedback=Examples.concatenated([p.feedback for p in parts]).lowest(policy.training.verdicts),
    )


def pack_counts(counts: NDArray[np.uint32]) -> bytes:
    """A histogram (CIRCLES, rows, BINS) as bytes."""
    return zlib.compress(counts.astype("<u4").tobytes(), 1)


def unpack_counts(packed: bytes, rows: int) -> NDArray[np.uint32]:
    """The histogram (CIRCLES, rows, BINS) again; zeros for none."""
    if not packed:
        return np.zeros((PEER_GROUPS, rows, BINS), np.uint32)
    counts = np.frombuffer(zlib.decompress(packed), "<u4")
    return counts.reshape(-1, rows, BINS).astype(np.uint32)


def unpack_sample(
    sample: Sample,
) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.bool_], NDArray[np.float64]]:
    """ids (n,), peer groups (n,), calm (n,), groups (n, G)."""
    return (
        np.frombuffer(sample.ids, "<u8").astype(np.uint64),
        np.frombuffer(sample.peer_groups, np.uint8),
        np.frombuffer(sample.calm, np.uint8).astype(np.bool_),
        np.frombuffer(sample.groups, "<f8").reshape(-1, G).astype(np.float64),
    )


def _count(
    today: NDArray[np.void], maxima: NDArray[np.float64], peer_groups: NDArray[np.intp]
) -> NDArray[np.uint32]:
    evidence = BINS_PER_E * np.log1p(today["day_evidence"].astype(np.float64))
    counts = np.zeros((PEER_GROUPS, COUNTED, BINS), np.uint32)
    for c in range(PEER_GROUPS):
        of = peer_groups == c
        counts[c, :K] = baselines.count(maxima[of])
        counts[c, EVIDENCE] = baselines.count(evidence[of, None])[0]
        counts[c, CLASSIFIERS] = baselines.count(today["model_day"][of, None].astype(np.float64))[0]
    return counts


def _groups(
    ranks: NDArray[np.uint8], maxima: NDArray[np.float64], table: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Largest surprise of each group of measures, (n, G), from positions (n, K) on the common scale."""
    groups = np.zeros((len(ranks), G))
    which = ranks.astype(np.intp)
    for k in range(K):
        s = baselines.read_each(table[:, k], which, maxima[:, k])
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
    ids, peer_groups, calm, groups = (np.concatenate(column) for column in zip(*unpacked, strict=True))
    lowest = np.argsort(ids, kind="stable")[:SAMPLE]
    return Sample(
        ids=ids[lowest].astype("<u8").tobytes(),
        peer_groups=peer_groups[lowest].tobytes(),
        calm=calm[lowest].astype("u1").tobytes(),
        groups=groups[lowest].astype("<f8").tobytes(),
    )
