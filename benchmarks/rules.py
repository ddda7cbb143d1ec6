"""EZproxy's own rules as a detector: so many megabytes or documents, countries or addresses a day.

``UsageLimit`` counts transfers and megabytes, the security rules of EZproxy 7 countries and addresses; all
are fixed numbers for everyone. Tuned in hindsight: of all combinations that keep to the budget the one that
finds most thefts is taken, which is better than any site could do.
"""

from itertools import product
from pathlib import Path

from benchmarks.accountdays import alerts_of, late, walk
from models.evaluation.figures import APART
from models.evaluation.records import RaisedAlert, found
from service.evaluation.scenes import Scene

NEVER = 1 << 62
LEVELS = {
    "MB": (50, 100, 150, 200, 300, 400, 600, 1000, NEVER),
    "documents": (30, 50, 75, 100, 125, 150, 200, 300, NEVER),
    "countries": (2, 3, 4, 5, NEVER),
    "addresses": (3, 4, 5, 6, 8, 10, 15, NEVER),
}

Firsts = dict[tuple[int, int], int]  # account-day -> moment


def rules(folder: Path, scene: Scene, budget: float) -> tuple[str, tuple[RaisedAlert, ...]]:
    """The best rules in words, and their alerts."""
    crossed = _crossed(folder, scene)
    best: tuple[int, str, tuple[RaisedAlert, ...]] = (-1, "none", ())
    thefts = tuple(theft for theft in scene.thefts if theft.family not in APART)
    for levels in product(*LEVELS.values()):
        chosen = dict(zip(LEVELS, levels, strict=True))
        alerts = alerts_of(_either([crossed[name, level] for name, level in chosen.items()]))
        if late(alerts, scene) <= budget:
            hits = sum(one.out is not None for one in found(thefts, alerts))
            if hits > best[0]:
                words = ", ".join(f"{level} {name}" for name, level in chosen.items() if level != NEVER)
                best = (hits, words, alerts)
    return best[1], best[2]


def _crossed(folder: Path, scene: Scene) -> dict[tuple[str, int], Firsts]:
    """When each account-day first reached each level."""
    crossed: dict[tuple[str, int], Firsts] = {(name, level): {} for name in LEVELS for level in LEVELS[name]}
    reached: dict[tuple[str, int, int], int] = {}  # how many levels of a measure an account-day is above
    for number, day, event, doings, _ in walk(folder, scene):
        values = (doings.megabytes, len(doings.documents), len(doings.countries), len(doings.addresses))
        for (name, levels), value in zip(LEVELS.items(), values, strict=True):
            at = reached.get((name, number, day), 0)
            while value >= levels[at]:
                crossed[name, levels[at]][number, day] = event.time
                at += 1
                reached[name, number, day] = at
    return crossed


def _either(rules_: list[Firsts]) -> Firsts:
    """The earliest moment any rule speaks on each account-day."""
    firsts: Firsts = {}
    for rule in rules_:
        for key, time in rule.items():
            firsts[key] = min(time, firsts.get(key, time))
    return firsts
