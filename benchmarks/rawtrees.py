"""River's HalfSpaceTrees on raw counts of the account's day, as one would set it up without anything else.

Scored at every document, then learnt; the threshold is chosen in hindsight for the budget.
"""

from math import log1p
from pathlib import Path

from river.anomaly import HalfSpaceTrees

from benchmarks.accountdays import Doings, alerts_of, late, walk
from models.evaluation.records import RaisedAlert
from service.evaluation.scenes import Scene

TREES, HEIGHT, WINDOW = 25, 8, 20_000
_TOPS = {
    "documents": 7.0,
    "megabytes": 8.0,
    "requests": 9.0,
    "countries": 3.0,
    "addresses": 4.0,
    "platforms": 4.0,
}
STEPS = 40  # of the search for the threshold


def raw_trees(folder: Path, scene: Scene, budget: float) -> tuple[RaisedAlert, ...]:
    """Alerts at the lowest threshold that keeps to the budget."""
    trees = HalfSpaceTrees(n_trees=TREES, height=HEIGHT, window_size=WINDOW, seed=1)
    scored: dict[
        tuple[int, int], list[tuple[float, int]]
    ] = {}  # account-day -> rising scores with their moments
    for number, day, event, doings, document in walk(folder, scene):
        if document:
            features = _features(doings)
            score = trees.score_one(features)
            trees.learn_one(features)
            rising = scored.setdefault((number, day), [])
            if not rising or score > rising[-1][0]:
                rising.append((score, event.time))
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if late(_at(scored, middle), scene) > budget:
            low = middle
        else:
            high = middle
    return _at(scored, high)


def _features(doings: Doings) -> dict[str, float]:
    counts = {
        "documents": len(doings.documents),
        "megabytes": doings.megabytes,
        "requests": doings.requests,
        "countries": len(doings.countries),
        "addresses": len(doings.addresses),
        "platforms": len(doings.platforms),
    }
    return {name: min(log1p(counts[name]) / top, 1.0) for name, top in _TOPS.items()}


def _at(scored: dict[tuple[int, int], list[tuple[float, int]]], threshold: float) -> tuple[RaisedAlert, ...]:
    firsts = {}
    for key, rising in scored.items():
        time = next((time for score, time in rising if score >= threshold), None)
        if time is not None:
            firsts[key] = time
    return alerts_of(firsts)
