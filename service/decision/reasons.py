"""Reasons in plain words, and the picture of an account that the alert page draws.

Pure functions of a state, its measures and the site's tables.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from models import baselines
from models.evidence import ORDINARY
from models.scale import BINS_PER_E
from service.kernel.account_record import BIN_UNIT, DAY_UNIT, DAYS, HOURS
from service.kernel.measure_types import MeasureGroup
from service.kernel.measures import BASE_OF, OWN, M
from service.kernel.moments import Moment
from service.policy.model import Policy
from service.records.events import Picture, Reason, SeenEntity

MOST_REASONS = 6
SPREAD_OF = {base: j for j, (base, _) in enumerate(OWN)}
LISTED = 12


def number(value: float) -> str:
    """A count as people write it: 0.4, 3, 14, 1,240."""
    return f"{value:.1f}" if 0 < value < 2 and value != round(value) else f"{round(value):,}"


def usual_most(state: np.void, measure: M) -> float | None:
    """Upper edge of what this account usually reaches in a day; None without history."""
    if state["history"] < 1.0:
        return None
    mean = float(state["usual"][measure]) / BIN_UNIT / BINS_PER_E
    if mean == 0.0:
        return 0.0
    own = SPREAD_OF.get(measure)
    spread = 0.2 if own is None else math.sqrt(float(state["spread"][own]))
    return math.expm1(mean + 1.5 * spread)


def _against_usual(observed: float, usual: float | None) -> str:
    if usual is None:
        return "nothing is known yet of this account's usual"
    if usual >= observed:
        return "this account has reached as much before"
    return f"this account's usual most is {number(usual)}"


def _sentence(measure: M, observed: float, usual: float | None, peers: float) -> str:
    parts = [measure.spec.said.format(n=number(observed))]
    if measure not in BASE_OF:
        parts.append(_against_usual(observed, usual))
    rare = "more than 1,000,000" if peers > 1e6 else f"{number(float(f'{peers:.2g}'))}"
    parts.append(f"1 in {rare} account-days of readers reaches that")
    return "; ".join(parts)


def reasons(
    state: np.void, measures: Sequence[float], table: NDArray[np.float32], policy: Policy
) -> tuple[Reason, ...]:
    """The strongest measure of every detection that says more than the ordinary, strongest first.

    ``measures`` (K,), ``table`` (K, BINS) of the account's class.
    """
    best: dict[str, Reason] = {}
    for measure in M:
        observed = float(measures[measure])
        s = baselines.read(table[measure], observed)
        detection = policy.detection_of[measure]
        if s > ORDINARY and (detection not in best or s > best[detection].surprise):
            best[detection] = _reason(state, measure, observed, s, detection)
    return tuple(sorted(best.values(), key=lambda r: (-r.surprise, r.detection))[:MOST_REASONS])


def _reason(state: np.void, measure: M, observed: float, s: float, detection: str) -> Reason:
    usual = usual_most(state, measure)
    peers = math.exp(s)
    return Reason(
        detection=detection,
        measure=measure.name.lower(),
        text=_sentence(measure, observed, usual, peers),
        observed=round(observed, 3),
        usual=None if usual is None else round(usual, 3),
        peers=float(f"{peers:.3g}"),
        unit=measure.spec.unit,
        surprise=round(s, 3),
    )


def picture(
    moment: Moment, table: NDArray[np.float32], policy: Policy, names: Mapping[int, str], offset: int
) -> Picture:
    """Everything the alert page draws, as of a moment; ``offset`` is the site's from UTC in s."""
    state, measures = moment.state, moment.measures
    rows = [
        _reason(state, m, measures[m], s, policy.detection_of[m])
        for m in M
        if (s := baselines.read(table[m], measures[m])) > 1.0
    ]
    return Picture(
        measures=tuple(sorted(rows, key=lambda r: (-r.surprise, r.measure))),
        hours=_hours(state, offset),
        days=day_counts(state),
        usual_hour=round(usual_most(state, M.DOCS_1H) or 0.0, 2),
        usual_day=round(usual_most(state, M.DOCS_1D) or 0.0, 2),
        places=counts(state, "countries", names) + counts(state, "cities", names),
        networks=counts(state, "owners", names),
        platforms=counts(state, "platforms", names),
        active_days=round(float(state["active_days"]), 2),
        groups=tuple((g.name.lower(), round(moment.groups[g], 3)) for g in MeasureGroup),
    )


def _hours(state: np.void, offset: int) -> tuple[tuple[int, int], ...]:
    newest = int(state["ring_hour"])
    if newest == 0:
        return ()
    hours = range(newest - HOURS + 1, newest + 1)
    return tuple((h * 3600 - offset, int(state["hours"][h % HOURS])) for h in hours)


def day_counts(state: np.void) -> tuple[tuple[str, int], ...]:
    newest = int(state["ring_day"])
    if newest == 0:
        return ()
    days = range(newest - DAYS + 1, newest + 1)
    return tuple(
        (datetime.fromtimestamp(d * 86400, UTC).date().isoformat(), int(state["days"][d % DAYS]))
        for d in days
    )


def counts(state: np.void, table: str, names: Mapping[int, str]) -> tuple[SeenEntity, ...]:
    rows = [s for s in state[table] if s["key"] != 0]
    rows.sort(key=lambda s: (-int(s["last"]), int(s["key"])))
    active = max(1.0, float(state["active_days"]))
    return tuple(
        SeenEntity(
            name=names.get(int(s["key"]), "unknown"),
            days=round(float(s["days"]) / DAY_UNIT, 2),
            share=round(min(1.0, float(s["days"]) / DAY_UNIT / active), 3),
            new=bool(s["days"] < DAY_UNIT // 2),
        )
        for s in rows[:LISTED]
    )
