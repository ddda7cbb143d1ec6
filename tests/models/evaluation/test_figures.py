"""Figures of a handful of alerts and thefts that can be counted by eye."""

import pytest

from models.evaluation import figures
from models.evaluation.intervals import Quartiles, proportion
from models.evaluation.records import DAY, GRACE, Cell, RaisedAlert, Theft, found, is_theft

START = 20_000 * DAY


def raised(account: int, at: int, probability: float = 0.5, verdict: str = "") -> RaisedAlert:
    return RaisedAlert(account, START + at, 9.0, probability, verdict)


def theft(account: int, *documents: int, family: str = "burst") -> Theft:
    times = tuple(START + at for at in documents)
    return Theft(account, family, times[0], times[-1], times)


def test_a_theft_is_found_by_an_alert_between_its_first_line_and_a_day_after_its_last() -> None:
    stolen = theft(1, 100, 200, 300)
    for at, out in ((99, None), (100, 1), (250, 2), (300 + GRACE, 3), (301 + GRACE, None)):
        (one,) = found((stolen,), (raised(1, at),))
        assert one.out == out
        assert is_theft(raised(1, at), (stolen,)) is (out is not None)


def test_an_alert_of_another_account_finds_nothing() -> None:
    (one,) = found((theft(1, 100),), (raised(2, 100),))
    assert one.out is None


def test_the_first_alert_counts() -> None:
    (one,) = found((theft(1, 100, 200, 300),), (raised(1, 300), raised(1, 150)))
    assert one.out == 1


def test_families_in_rows_with_mimic_apart() -> None:
    thefts = (theft(1, 10, 20), theft(2, 10), theft(3, 10, family="mimic"))
    rows = figures.families(found(thefts, (raised(1, 20),)))
    assert [(row.family, row.found.hits, row.found.of) for row in rows] == [
        ("burst", 1, 2),
        ("mimic", 0, 1),
        ("all but mimic", 1, 2),
        ("all", 1, 3),
    ]
    burst = rows[0]
    assert burst.out == Quartiles(1, 2, 2, 2)
    assert burst.out_all == Quartiles(2, 1.25, 1.5, 1.75)  # one document of the theft that was missed


def test_alerts_a_day_over_local_days() -> None:
    alerts = (raised(1, -3600), raised(2, 10), raised(3, DAY + 10), raised(4, 5 * DAY))
    load = figures.load(alerts, 20_000, 20_003, 3600, budget=1.0)  # the first opens at midnight, local time
    assert (load.days, load.alerts, load.per_day, load.worst_day) == (4, 3, 0.75, 2)
    assert (load.lowest_window, load.highest_window) == (0.75, 0.75)


def test_windows_of_fourteen_days() -> None:
    alerts = [raised(day, day * DAY) for day in range(14)]
    load = figures.load(alerts, 20_000, 20_027, 0, budget=1.0)
    assert (load.lowest_window, load.highest_window) == (0.0, 1.0)


def test_no_days_make_no_load() -> None:
    assert figures.load((), 10, 9, 0, 3.0).per_day == 0.0


def test_precision_is_of_verdicts_that_decide() -> None:
    verdicts = ("confirmed", "expected", "wrong-logic", "wrong-data", "undetermined", "")
    alerts = [raised(n, 0, verdict=verdict) for n, verdict in enumerate(verdicts)]
    assert figures.precision(alerts) == proportion(1, 4)


def test_calibration_by_truth_and_by_verdicts() -> None:
    alerts = (raised(1, 0, 0.02), raised(2, 0, 0.04, "confirmed"), raised(3, 0, 1.0, "expected"))
    by_truth = figures.truth_bins(alerts, (theft(3, 0),))
    assert [(b.low, b.stated, b.true.hits, b.true.of) for b in by_truth] == [
        (0.0, 0.03, 0, 2),
        (0.9, 1.0, 1, 1),
    ]
    by_verdict = figures.verdict_bins(alerts)
    assert [(b.low, b.true.hits, b.true.of) for b in by_verdict] == [(0.0, 1, 1), (0.9, 0, 1)]


def test_burden_per_10000() -> None:
    assert figures.burden(Cell("", "", 5000, 4, 3)).false_per_10000 == pytest.approx(6.0)
    assert figures.burden(Cell("", "", 0, 0, 0)).per_10000 == 0.0
