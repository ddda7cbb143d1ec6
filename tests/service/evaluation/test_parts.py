"""Every figure of a part, counted again from raw alerts and truth in the plainest way, by other code."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import sqrt
from pathlib import Path
from statistics import median, quantiles

import pytest
from scipy.stats import beta, binom

from models.evaluation.groups import BEYOND_CHANCE, LEAST_JUDGED
from models.evaluation.intervals import Proportion, Quartiles, Ratio
from models.evaluation.records import RaisedAlert
from service.evaluation import trials
from service.evaluation.parts import assemble
from service.evaluation.report import Part
from service.evaluation.scenes import Scene
from service.evaluation.study import Played
from service.evaluation.trials import Analyst, Trial, TrialRole, run
from service.records.checkpoints import AnalystVerdict
from service.records.events import Alert
from tests.service.evaluation.conftest import TRIALS, quiet

DAY = 86_400
Z = 1.959964


@pytest.fixture(scope="module")
def part(played: Played) -> Part:
    return assemble("simulated", "one library", [played], TRIALS)


def outs(scene: Scene, alerts: tuple[RaisedAlert, ...]) -> dict[int, int | None]:
    """Theft -> documents out before its first alert."""
    found: dict[int, int | None] = {}
    for at, theft in enumerate(scene.thefts):
        hits = [
            alert.opened_at
            for alert in alerts
            if alert.account == theft.account and theft.started_at <= alert.opened_at <= theft.ended_at + DAY
        ]
        found[at] = len([t for t in theft.document_times if t <= min(hits)]) if hits else None
    return found


def true(scene: Scene, alert: RaisedAlert) -> bool:
    return any(
        t.account == alert.account and t.started_at <= alert.opened_at <= t.ended_at + DAY
        for t in scene.thefts
    )


def same_share(found: Proportion, hits: int, of: int) -> None:
    """Wilson's interval as the roots of its quadratic."""
    assert (found.hits, found.of) == (hits, of)
    if not of:
        return
    p, a = hits / of, 1 + Z**2 / of
    b, c = -(2 * p + Z**2 / of), p**2
    root = sqrt(max(b * b - 4 * a * c, 0.0))
    assert found.share == pytest.approx(p, abs=1e-4)
    assert found.low == pytest.approx((-b - root) / (2 * a), abs=2e-4)
    assert found.high == pytest.approx((-b + root) / (2 * a), abs=2e-4)


def same_quartiles(found: Quartiles, values: list[int]) -> None:
    assert found.n == len(values)
    if len(values) == 1:
        assert (found.low, found.middle, found.high) == (values[0],) * 3
    elif values:
        assert [found.low, found.middle, found.high] == pytest.approx(quantiles(values, method="inclusive"))
        assert found.middle == pytest.approx(median(values))


def test_the_library_has_something_to_count(scene: Scene, played: Played) -> None:
    assert len(scene.thefts) >= 8
    assert len(played.alerts[0]) > len(played.alerts[1]) > 0


def test_families(part: Part, scene: Scene, played: Played) -> None:
    out = outs(scene, played.alerts[0])
    rows = {row.family: row for row in part.families}
    names = {theft.family for theft in scene.thefts}
    assert set(rows) == names | {"all but mimic", "all"}
    for name, row in rows.items():
        mine = [
            at
            for at, theft in enumerate(scene.thefts)
            if name in {theft.family, "all"} or (name == "all but mimic" and theft.family != "mimic")
        ]
        hits = [found for at in mine if (found := out[at]) is not None]
        taken = [len(scene.thefts[at].document_times) for at in mine]
        same_share(row.found, len(hits), len(mine))
        same_quartiles(row.out, hits)
        same_quartiles(row.taken, taken)
        missed = [len(scene.thefts[at].document_times) for at in mine if out[at] is None]
        same_quartiles(row.out_all, hits + missed)


def test_burden_and_precision(part: Part, scene: Scene, played: Played) -> None:
    alerts = played.alerts[0]
    days = {(number, day) for number, day, _ in scene.account_days}
    false = [alert for alert in alerts if not true(scene, alert)]
    assert part.burden.account_days == len(days)
    assert (part.burden.alerts, part.burden.false_alarms) == (len(alerts), len(false))
    assert part.burden.per_10000 == pytest.approx(len(alerts) * 1e4 / len(days), abs=0.01)
    assert part.burden.false_per_10000 == pytest.approx(len(false) * 1e4 / len(days), abs=0.01)
    same_share(part.precision, len(alerts) - len(false), len(alerts))


def test_alerts_a_day(part: Part, scene: Scene, played: Played) -> None:
    first = scene.first_day + scene.warm_days
    opened = Counter((alert.opened_at + scene.offset) // DAY for alert in played.alerts[0])
    counts = [opened.get(day, 0) for day in range(first, scene.last_day + 1)]
    (load,) = (one.load for one in part.loads)
    assert (load.days, load.alerts, load.worst_day) == (len(counts), sum(counts), max(counts))
    assert load.per_day == pytest.approx(sum(counts) / len(counts), abs=1e-3)
    windows = [sum(counts[at : at + 14]) / 14 for at in range(len(counts) - 13)]
    assert load.lowest_window == pytest.approx(min(windows), abs=1e-3)
    assert load.highest_window == pytest.approx(max(windows), abs=1e-3)


def test_calibration(part: Part, scene: Scene, played: Played) -> None:
    alerts = played.alerts[0]
    assert sum(one.true.of for one in part.bins) == len(alerts)
    for one in part.bins:
        inside = [
            a for a in alerts if one.low <= a.probability and (a.probability < one.high or one.high == 1)
        ]
        assert one.stated == pytest.approx(sum(a.probability for a in inside) / len(inside), abs=1e-4)
        same_share(one.true, sum(true(scene, a) for a in inside), len(inside))


def test_the_curve(part: Part, scene: Scene, played: Played) -> None:
    assert [summary.budget for summary in part.budgets] == [1.0, 2.0]
    for summary, alerts in zip(part.budgets, (played.alerts[1], played.alerts[0]), strict=True):
        out = outs(scene, alerts)
        causal = [out[at] for at, theft in enumerate(scene.thefts) if theft.family != "mimic"]
        hits = [found for found in causal if found is not None]
        same_share(summary.recall, len(hits), len(causal))
        same_quartiles(summary.out, hits)
        assert summary.burden.false_alarms == sum(not true(scene, alert) for alert in alerts)


def test_groups(part: Part, scene: Scene, played: Played) -> None:
    assert part.burdens is not None
    light = [row for row in scene.account_days if row[0] not in scene.heavy]
    false = [a for a in played.alerts[0] if a.account not in scene.heavy and not true(scene, a)]
    days: dict[tuple[str, str], int] = defaultdict(int)
    alarms: dict[tuple[str, str], int] = defaultdict(int)
    groups = {(number, day): of for number, day, of in light}
    for number, _, of in light:
        days["user type", scene.types[number]] += 1
        days["network kind", of.network] += 1
        days["off-campus country", of.country] += 1
    for alert in false:
        of = groups[alert.account, (alert.opened_at + scene.offset) // DAY]
        alarms["user type", scene.types[alert.account]] += 1
        alarms["network kind", of.network] += 1
        alarms["off-campus country", of.country] += 1
    checked = 0
    for group in part.burdens.groups:
        if group.dimension not in ("user type", "network kind", "off-campus country"):
            continue
        members = group.members or (group.group,)
        exposure = sum(days[group.dimension, name] for name in members)
        count = sum(alarms[group.dimension, name] for name in members)
        assert (group.account_days, group.false_alarms) == (exposure, count)
        same_ratio(group.against_all, count, exposure / len(light), len(false))
        checked += 1
    assert checked >= 6
    worst = part.burdens.worst
    assert worst is not None
    judged = [
        group
        for group in part.burdens.groups
        if group.corrected_p < BEYOND_CHANCE
        or (not group.members and len(false) * group.account_days / len(light) >= LEAST_JUDGED)
    ]
    assert judged
    assert worst.members or worst in judged
    assert worst.against_all.ratio >= max(group.against_all.ratio for group in judged)


def same_ratio(found: Ratio, count: int, part: float, total: int) -> None:
    """Clopper and Pearson by quantiles of the beta distribution; p by adding up what is as unlikely."""
    low = beta.ppf(0.025, count, total - count + 1) if count else 0.0
    high = beta.ppf(0.975, count + 1, total - count) if count < total else 1.0
    chances = binom.pmf(range(total + 1), total, part)
    p = chances[chances <= chances[count] * (1 + 1e-7)].sum()
    expected = (count / total / part, low / part, high / part, p)
    numbers = (found.ratio, found.low, found.high, found.p)
    assert numbers == pytest.approx(expected, abs=2e-3)


def test_heavy_readers_stand_apart(part: Part, scene: Scene, played: Played) -> None:
    assert {scene.types[number] for number in scene.heavy} == {one.kind for one in part.heavy}
    for one in part.heavy:
        days = [row for row in scene.account_days if scene.heavy.get(row[0]) == one.kind]
        alerts = [a for a in played.alerts[0] if scene.heavy.get(a.account) == one.kind]
        assert (one.burden.account_days, one.burden.alerts) == (len(days), len(alerts))
        assert one.burden.false_alarms == sum(not true(scene, alert) for alert in alerts)
        after = [a for a in played.alerts[3] if scene.heavy.get(a.account) == one.kind]
        assert one.with_expected is not None
        assert one.with_expected.false_alarms == sum(not true(scene, alert) for alert in after)


def test_expected_verdicts_do_not_add_alarms_of_heavy_readers(scene: Scene, played: Played) -> None:
    heavy = [sum(a.account in scene.heavy for a in played.alerts[n]) for n in (0, 3)]
    assert heavy[1] <= heavy[0]


class Careless(Analyst):
    """Says "expected" to everything at once, thefts too."""

    def judges(self, alerts: Iterable[Alert]) -> list[AnalystVerdict]:
        new = [alert for alert in alerts if alert.alert_id not in self._judged]
        self._judged |= {alert.alert_id for alert in new}
        first = len(self._judged) - len(new) + 1
        return [AnalystVerdict(n, a.alert_id, a.account, "expected", 400) for n, a in enumerate(new, first)]


def test_a_flood_of_verdicts_changes_recall_by_less_than_a_twentieth(
    scene: Scene, scene_folder: Path, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "Analyst", Careless)
    (flooded,) = run(scene_folder, [Trial(TrialRole.EXPECTED, "careless", 2.0)], None, quiet).alerts
    recalls = [
        sum(out is not None for out in outs(scene, alerts).values()) / len(scene.thefts)
        for alerts in (played.alerts[0], flooded)
    ]
    assert recalls[0] - recalls[1] < 0.05
