"""A year's troubles in twelve weeks: exams, vacation, a publisher that moves, a proxy that moves.

A simulated library of February to April is thinned outside its exam weeks, so that these carry 1.6 times the
load of term; then a publisher's pages get addresses that no pattern knows, then every address is new.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec
import pytest

from models.evaluation.records import DAY
from service.evaluation.scenes import load, read_events
from service.evaluation.worlds import Library
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.records.drift_report import BUSY, NAME, NETWORKS, PUBLISHER, QUIET, DriftReport
from service.records.events import AccessEvent, Alert
from tests.service.evaluation.conftest import quiet
from tests.service.factories import shifted

LIBRARY = Library("university", 4711, accounts=2000, days=84, start="2026-02-01")
BUDGET = 0.8  # alerts a day; thinned, some 170 readers come on a day of term
WARM = 14  # days
EXAMS, VACATION = range(30, 44), range(44, 58)
PUBLISHER_MOVES, PROXY_MOVES = 62, 73
TERM = 1 / 1.6  # of the visits of exam weeks
EMPTY = 0.4 * TERM
MOVED, NEW = "sciencedirect", "reader.example.org"
UNUSUAL = 4  # times the budget: a day of more alerts


def of_season(events: Sequence[AccessEvent], first: int) -> Iterator[AccessEvent]:
    for event in events:
        day = (event.time + event.offset) // DAY - first
        share = 1.0 if day in EXAMS else EMPTY if day in VACATION else TERM
        if crc32(f"{event.account} {day}".encode()) / 2**32 < share:
            yield _moved(event, day)


def _moved(event: AccessEvent, day: int) -> AccessEvent:
    if day >= PUBLISHER_MOVES and event.resource.platform == MOVED:
        event = shifted(event, resource=msgspec.structs.replace(event.resource, platform=NEW))
    if day >= PROXY_MOVES:
        event = shifted(event, network=f"new-{event.network}", address=f"new-{event.address}")
    return event


class Lived(NamedTuple):
    """What became of the stream."""

    alerts: list[int]  # a day
    drift: DriftReport  # at the end
    first: int  # local day


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    folder: Path = tmp_path_factory.mktemp("seasons")
    LIBRARY.make(folder, quiet)
    first = load(folder).first_day
    pipeline = Pipeline(load_policy(alerts_per_day=BUDGET))
    alerts: dict[str, Alert] = {}
    reported = b""
    for events in read_events(folder):
        pipeline.absorb(list(of_season(events, first)))
        changes = pipeline.drain()
        alerts.update((alert.alert_id, alert) for alert in changes.alerts)
        reported = changes.shared.get(NAME, reported)
    days = Counter(alert.day - first for alert in alerts.values())
    drift = msgspec.json.decode(reported, type=DriftReport)
    return Lived([days[day] for day in range(LIBRARY.days)], drift, first)


def test_the_budget_is_kept_through_the_year(lived: Lived) -> None:
    late = lived.alerts[WARM:]
    assert sum(late) / len(late) == pytest.approx(BUDGET, rel=0.25)
    fortnights = [sum(late[at : at + 14]) / 14 for at in range(len(late) - 13)]
    assert max(fortnights) < 2 * BUDGET


@pytest.mark.parametrize("change", [EXAMS.start, VACATION.start, VACATION.stop, PUBLISHER_MOVES, PROXY_MOVES])
def test_no_change_brings_more_than_two_days_of_unusual_alerting(lived: Lived, change: int) -> None:
    after = lived.alerts[change : change + 10]
    assert sum(count > UNUSUAL * BUDGET for count in after) <= 2


@pytest.mark.parametrize(
    ("kind", "what", "days"),
    [
        (BUSY, "", range(EXAMS.start, EXAMS.start + 2)),
        (QUIET, "", range(VACATION.start, VACATION.start + 2)),
        (PUBLISHER, MOVED, range(PUBLISHER_MOVES, PUBLISHER_MOVES + 2)),
        (NETWORKS, "", range(PROXY_MOVES, PROXY_MOVES + 1)),
    ],
)
def test_the_drift_page_names_the_cause(lived: Lived, kind: str, what: str, days: range) -> None:
    since = [
        cause.since - lived.first for cause in lived.drift.causes if (cause.kind, cause.what) == (kind, what)
    ]
    assert since
    assert since[0] in days
