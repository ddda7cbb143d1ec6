"""From scenes that were played to the figures of a part."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from models.evaluation import figures, groups, rarity
from models.evaluation.figures import Burden, Load
from models.evaluation.records import Cell, RaisedAlert, Theft, found, is_theft
from service.evaluation.exposure import cells
from service.evaluation.report import MINIMUM_CELL, Heavy, NamedLoad, Part
from service.evaluation.scenes import Scene
from service.evaluation.study import Played
from service.evaluation.trials import Trial, TrialRole

CURVE = (1 / 3, 2 / 3, 5 / 3, 10 / 3)  # further budgets, in budgets
_APART = 1_000_000  # between the accounts of two scenes


class _All(msgspec.Struct, frozen=True):
    """One trial over all scenes, accounts of different scenes kept apart."""

    alerts: tuple[RaisedAlert, ...]
    thefts: tuple[Theft, ...]
    loads: tuple[NamedLoad, ...]


def trials(budget: float, members: tuple[str, ...], left_out: tuple[str, ...] = ()) -> tuple[Trial, ...]:
    """What a part is made from: these members of the ensemble, other budgets, and without each member."""
    others = {name: tuple(m for m in members if m != name) for name in members if len(members) > 1}
    return (
        Trial(TrialRole.MAIN, "as in force", budget, members, left_out),
        *(
            Trial(TrialRole.BUDGET, f"{budget * factor:.3g} a day", budget * factor, members, left_out)
            for factor in CURVE
        ),
        *(
            Trial(TrialRole.MEMBER, f"without {name}", budget, rest, left_out)
            for name, rest in others.items()
        ),
        Trial(TrialRole.EXPECTED, "with expected verdicts", budget, members, left_out),
    )


def assemble(
    source: str, title: str, played: Sequence[Played], tried: Sequence[Trial], *, same_readers: bool = False
) -> Part:
    """The figures of scenes whose thefts are known.

    Where all scenes have the ``same_readers``, groups are counted in the first alone: the others would only
    seem to say more.
    """
    main = next(n for n, trial in enumerate(tried) if trial.role is TrialRole.MAIN)
    ours = _all(played, main, tried[main].budget)
    account_days = sum(len(one.scene.account_days) for one in played)
    summaries = {
        trial: _summary(trial, _all(played, n, trial.budget), account_days) for n, trial in enumerate(tried)
    }
    counted = [_cells(one.scene, one.alerts[main]) for one in (played[:1] if same_readers else played)]
    everyone = _sum(everyone for _, everyone, _ in counted)["", "everyone"]
    heavy = _sum(cell for _, _, apart in counted for cell in apart)
    after = _after_verdicts(played, tried)
    return Part(
        source=source,
        title=title,
        truth="known thefts",
        burden=figures.burden(_everything(ours, account_days)),
        precision=figures.true_share(ours.alerts, ours.thefts),
        loads=ours.loads,
        bins=figures.truth_bins(ours.alerts, ours.thefts),
        families=figures.families(found(ours.thefts, ours.alerts)),
        budgets=tuple(
            sorted(
                (s for trial, s in summaries.items() if trial.role in (TrialRole.MAIN, TrialRole.BUDGET)),
                key=lambda summary: summary.budget,
            )
        ),
        members=tuple(s for trial, s in summaries.items() if trial.role is TrialRole.MEMBER),
        burdens=groups.compare(
            tuple(_sum(cell for found_cells, _, _ in counted for cell in found_cells).values()),
            everyone,
            MINIMUM_CELL,
        ),
        heavy=tuple(
            Heavy(cell.group, figures.burden(cell), after.get(cell.group)) for cell in heavy.values()
        ),
        rarity=rarity.pooled([one.rarity for one in played]),
    )


def _summary(trial: Trial, tried: _All, account_days: int) -> figures.DetectorSummary:
    loads = [one.load for one in tried.loads]
    return figures.summary(trial.name, tried.alerts, tried.thefts, account_days, loads)


def _everything(tried: _All, account_days: int) -> Cell:
    false = sum(not is_theft(alert, tried.thefts) for alert in tried.alerts)
    return Cell("", "everyone", account_days, len(tried.alerts), false)


def _all(played: Sequence[Played], number: int, budget: float) -> _All:
    alerts: list[RaisedAlert] = []
    thefts: list[Theft] = []
    loads = []
    for at, one in enumerate(played):
        scene, raised = one.scene, one.alerts[number]
        alerts += [msgspec.structs.replace(a, account=a.account + at * _APART) for a in raised]
        thefts += [msgspec.structs.replace(t, account=t.account + at * _APART) for t in scene.thefts]
        loads.append(NamedLoad(scene.title, _load(scene, raised, budget)))
    return _All(tuple(alerts), tuple(thefts), tuple(loads))


def _load(scene: Scene, alerts: Sequence[RaisedAlert], budget: float) -> Load:
    first = scene.first_day + scene.warm_days
    return figures.load(alerts, first, scene.last_day, scene.offset, budget)


def _cells(scene: Scene, alerts: Sequence[RaisedAlert]) -> tuple[tuple[Cell, ...], Cell, tuple[Cell, ...]]:
    """Groups and everyone, without heavy readers; and those, by what they are."""
    judged = [(alert, is_theft(alert, scene.thefts)) for alert in alerts]
    days = {(number, day): of for number, day, of in scene.account_days if number not in scene.heavy}
    others = [(alert, theft) for alert, theft in judged if alert.account not in scene.heavy]
    found_cells, everyone = cells(days, scene.types, others, scene.offset)
    return found_cells, everyone, _heavy(scene, judged)


def _heavy(scene: Scene, judged: Sequence[tuple[RaisedAlert, bool]]) -> tuple[Cell, ...]:
    days = Counter(scene.heavy[number] for number, _, _ in scene.account_days if number in scene.heavy)
    alerts = [(scene.heavy[a.account], theft) for a, theft in judged if a.account in scene.heavy]
    raised = Counter(kind for kind, _ in alerts)
    false = Counter(kind for kind, theft in alerts if not theft)
    return tuple(Cell("heavy readers", kind, days[kind], raised[kind], false[kind]) for kind in sorted(days))


def _after_verdicts(played: Sequence[Played], tried: Sequence[Trial]) -> Mapping[str, Burden]:
    """Heavy readers by kind, where analysts found their alerts expected; nothing if that was not tried."""
    number = next((n for n, trial in enumerate(tried) if trial.role is TrialRole.EXPECTED), None)
    if number is None:
        return {}
    summed = _sum(cell for one in played for cell in _cells(one.scene, one.alerts[number])[2])
    return {cell.group: figures.burden(cell) for cell in summed.values()}


def _sum(parts: Iterable[Cell]) -> Mapping[tuple[str, str], Cell]:
    """Cells of one group added up."""
    total: dict[tuple[str, str], Cell] = {}
    for cell in parts:
        key = (cell.dimension, cell.group)
        before = total.get(key, Cell(*key, 0, 0, 0))
        total[key] = Cell(
            *key,
            account_days=before.account_days + cell.account_days,
            alerts=before.alerts + cell.alerts,
            false_alarms=before.false_alarms + cell.false_alarms,
        )
    return total
