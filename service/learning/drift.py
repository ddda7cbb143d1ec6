"""What moved at the site, and why: gradual drift by group of measures, and causes that have a name.

At every close of a day the site takes in what the day came to. Where all readers come from new networks at
once, bytes are missing, or a publisher's documents vanish or come from elsewhere, nobody has stolen a thing:
the proxy, its log or the publisher was changed. While that lasts, and fading for two weeks after, the
measures that it disturbs count less, and its first day teaches neither threshold nor models. Busy and quiet
times are named too; the budget takes care of them.
"""

import math
from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.drift import Series, observe
from models.evaluation.rarity import RarityCalibration
from models.scale import BINS, BINS_PER_E
from service.kernel.measure_types import MeasureGroup
from service.kernel.measures import K, M
from service.learning.aggregation import COUNTED, pack_counts, unpack_counts, unpack_sample
from service.learning.day_summary import DaySummary, Sample
from service.learning.usage_counts import PlatformUsage
from service.records.drift_report import (
    BUSY,
    BYTES,
    NETWORKS,
    PUBLISHER,
    QUIET,
    Cause,
    DriftReport,
    MovedFigure,
)

LEARNT = 7  # days before causes are looked for
FEW = 20  # account-days that a share must be of
CHANCE = 1e-6  # that a publisher's day is so quiet by itself; some 30 publishers are looked at every day
WEIGHT = 0.1  # of a day in what is usual
FADING = 14  # days after a cause until the measures that it disturbed count fully: the window of the tables
REMEMBERED = 60  # days for which a cause that is over is told

RARE = 1e-3  # share of accounts below which a platform is not remembered
ACCOUNTS, READING = "accounts/", "reading/"  # and a platform: names of figures

DISTURBED: Mapping[str, tuple[M, ...]] = {
    NETWORKS: (
        *(M.NETWORKS_1D, M.OWNERS_1D, M.CITIES_1D, M.COUNTRIES_1D, M.NETWORKS_1D_Z, M.ADDRESSES_1D),
        *(M.SPEED, M.SWITCHES_1H, M.TWO_PLACES, M.SESSION_MOVED, M.FAILED_THEN_OK, M.DOCS_HOSTING_1D),
        *(M.DOCS_NEW_NETWORK_1D, M.DOCS_NEW_NETWORK_7D, M.DOCS_YOUNG_NETWORK_7D),
        M.DOCS_NEW_NETWORK_TREND,
        *(M.DOCS_JOINT_1D, M.DOCS_JOINT_7D),
    ),
    BYTES: (M.MB_1H, M.MB_1D),
    PUBLISHER: (
        *(M.DOCS_NEW_PLATFORM_1D, M.DOCS_JOINT_1D, M.DOCS_JOINT_7D),
        *(M.PLATFORMS_1H, M.PLATFORMS_1H_Z, M.HOPS_1H),
    ),
    BUSY: (),
    QUIET: (),
}


class UsualLevel(msgspec.Struct, frozen=True):
    """What is usual of one figure: its average, the days behind it."""

    value: float = 0.0
    days: int = 0

    def with_day(self, value: float) -> "UsualLevel":
        step = max(WEIGHT, 1.0 / (self.days + 1))
        return UsualLevel(self.value + step * (value - self.value), self.days + 1)


class Drift(msgspec.Struct, frozen=True):
    """What is remembered, and what is in force; changes at the close of a day only."""

    day: int = 0
    days: int = 0  # learnt so far
    series: Mapping[str, Series] = {}
    usual: Mapping[str, UsualLevel] = {}
    causes: tuple[Cause, ...] = ()

    @property
    def began(self) -> bool:
        """Was the newest day the first of something that disturbs measures?"""
        return any(c.since == self.day and DISTURBED[c.kind] for c in self.causes)


def after_day(old: Drift, sums: DaySummary) -> Drift:
    """After one more day."""
    counts = unpack_counts(sums.histograms, COUNTED).sum(axis=0)
    series = {
        name: observe(old.series.get(name, Series()), sums.day, value)
        for name, value in _figures(sums, counts)
    }
    found = list(_causes(old, sums, counts)) if old.days >= LEARNT else []
    causes = _lasting(old.causes, found, sums.day)
    absent = dict.fromkeys((name for name in old.usual if name.startswith(ACCOUNTS)), 0.0)
    shares = absent | dict(_shares(sums, counts))
    usual = _learnt(old.usual, shares, _spoilt(causes, sums.day))
    return Drift(sums.day, old.days + 1, series, usual, causes)


def weights(drift: Drift) -> NDArray[np.float32]:
    """How much each measure counts on the day after, (K,)."""
    out = np.ones(K, np.float32)
    for cause in drift.causes:
        weight = min(1.0, (drift.day - cause.last) / FADING)
        for measure in DISTURBED[cause.kind]:
            out[measure] = min(out[measure], weight)
    return out


def learnable(drift: Drift, sums: DaySummary) -> DaySummary:
    """What the site may learn of the day: of the first day of a disturbance, the measures alone."""
    if not drift.began:
        return sums
    counts = unpack_counts(sums.histograms, COUNTED)
    counts[:, K:] = 0
    return msgspec.structs.replace(sums, histograms=pack_counts(counts), candidates=(), sample=Sample())


def report(drift: Drift, rarity: tuple[RarityCalibration, ...] = ()) -> DriftReport:
    """What moved lately, newest first."""
    moved = [
        MovedFigure(name, c.found, c.since, round(c.before, 4), round(c.after, 4))
        for name, series in drift.series.items()
        if (c := series.change) is not None and c.since > drift.day - REMEMBERED
    ]
    return DriftReport(
        drift.day, tuple(sorted(moved, key=lambda m: (-m.since, m.name))), drift.causes, rarity
    )


def _figures(sums: DaySummary, counts: NDArray[np.uint32]) -> Iterator[tuple[str, float]]:
    """The daily figures that drift is looked for in: measures and surprises by group, evidence, activity."""
    if sums.active < FEW:
        return
    means = (counts * (np.arange(BINS) + 0.5)).sum(axis=1) / BINS_PER_E / np.maximum(1, counts.sum(axis=1))
    _, _, _, groups = unpack_sample(sums.sample)
    for group in MeasureGroup:
        name = group.name.lower()
        yield f"measures/{name}", float(np.mean([means[m] for m in M if m.spec.group == group]))
        yield f"surprises/{name}", float(groups[:, group].mean())
    yield "evidence", float(means[K])
    yield "accounts", float(np.log(sums.active))


def _shares(sums: DaySummary, counts: NDArray[np.uint32]) -> Iterator[tuple[str, float]]:
    """The daily figures that causes are told from."""
    if sums.usage.placed >= FEW:
        yield "fresh", sums.usage.fresh / sums.usage.placed
    asking = int(counts[M.REQUESTS_1H, 1:].sum())
    if asking >= FEW:
        yield "bytes", int(counts[M.MB_1H, 1:].sum()) / asking
    for name, platform in sums.usage.platforms.items():
        yield ACCOUNTS + name, platform.accounts / max(1, sums.active)
        if platform.alone >= FEW // 2:
            yield READING + name, platform.reading / platform.alone
    yield f"active/{sums.day % 7}", float(sums.active)


def _learnt(
    old: Mapping[str, UsualLevel], shares: Mapping[str, float], spoilt: frozenset[str]
) -> dict[str, UsualLevel]:
    """What is usual after a day; platforms that hardly anybody uses any more are forgotten."""
    usual = dict(old)
    for name, value in shares.items():
        if name not in spoilt:
            usual[name] = usual.get(name, UsualLevel()).with_day(value)
    return {name: u for name, u in usual.items() if not name.startswith(ACCOUNTS) or u.value > RARE}


def _spoilt(causes: tuple[Cause, ...], day: int) -> frozenset[str]:
    """Figures that this day does not teach; what lasts for more than two weeks is usual by then."""
    names: set[str] = set()
    for cause in causes:
        if cause.last == day and day - cause.since < FADING:
            names |= {
                NETWORKS: {"fresh"},
                BYTES: {"bytes"},
                # One that came is new on its first day only.
                PUBLISHER: {ACCOUNTS + cause.what, READING + cause.what} if cause.usual else set(),
            }.get(cause.kind, {f"active/{day % 7}"})
    return frozenset(names)


def _causes(old: Drift, sums: DaySummary, counts: NDArray[np.uint32]) -> Iterator[Cause]:
    """Those that this day shows."""
    usual, day = old.usual, sums.day
    shares = dict(_shares(sums, counts))
    if "fresh" in usual and shares.get("fresh", 0.0) > max(0.5, min(0.9, 3 * usual["fresh"].value)):
        yield Cause(NETWORKS, day, day, "", usual["fresh"].value, shares["fresh"])
    if "bytes" in usual and shares.get("bytes", 1.0) < 0.2 * usual["bytes"].value:
        yield Cause(BYTES, day, day, "", usual["bytes"].value, shares["bytes"])
    active = usual.get(f"active/{day % 7}", UsualLevel())
    if active.days >= 2 and sums.active >= FEW:
        kind = BUSY if sums.active > 1.3 * active.value else QUIET if sums.active < 0.6 * active.value else ""
        if kind:
            yield Cause(kind, day, day, "", active.value, float(sums.active))
    yield from _publishers(old, sums)


def _publishers(old: Drift, sums: DaySummary) -> Iterator[Cause]:
    """Platforms that everybody has left, or that all came to on one day, or whose documents are gone."""
    usual, day, active = old.usual, sums.day, max(1, sums.active)
    today = sums.usage.platforms
    known = {name.removeprefix(ACCOUNTS): u for name, u in usual.items() if name.startswith(ACCOUNTS)}
    for name in sorted(known.keys() | today.keys()):
        before, now = known.get(name, UsualLevel()).value, today.get(name, PlatformUsage())
        share = now.accounts / active
        reading = usual.get(READING + name, UsualLevel()).value
        gone = share < 0.2 * before and _chance(now.accounts, active, before) < CHANCE
        came = name not in known and share >= 0.05 and now.accounts >= FEW / 2
        if gone or came:
            yield Cause(PUBLISHER, day, day, name, before, share)
        elif now.reading < 0.25 * reading * now.alone and _chance(now.reading, now.alone, reading) < CHANCE:
            yield Cause(PUBLISHER, day, day, name, reading, now.reading / now.alone)


def _chance(most: int, of: int, share: float) -> float:
    """At most how probable it is that no more of ``of`` do what ``share`` of them usually do.

    Chernoff's bound of the binomial tail, in the form of Hoeffding (1963, theorem 1).
    """
    if not of or most >= share * of:
        return 1.0
    p, q = min(share, 1.0 - 1e-9), most / of
    distance = (1.0 - q) * math.log((1.0 - q) / (1.0 - p)) + (q * math.log(q / p) if q else 0.0)
    return math.exp(-of * distance)


def _lasting(old: tuple[Cause, ...], found: list[Cause], day: int) -> tuple[Cause, ...]:
    """Causes of now, joined with those of the last days, and former ones for some time."""
    kept = {(c.kind, c.what): c for c in old if c.last > day - REMEMBERED}
    for cause in found:
        before = kept.get((cause.kind, cause.what))
        if before is None or day - before.last > FADING:
            kept[cause.kind, cause.what] = cause
        else:
            kept[cause.kind, cause.what] = msgspec.structs.replace(before, last=day)
    return tuple(sorted(kept.values(), key=lambda c: (-c.last, c.kind, c.what)))
