"""Plain harvests: an alert by an account of any history, whatever else the day brings and the models say."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.pipeline.site_pipeline import Pipeline
from service.records.checkpoints import Changes
from service.records.events import AccessEvent, Location, NetworkKind
from tests.service.factories import DAY, FAR, HOME, POLICY, TODAY, event, library, ordinary_day

DAYS = 6
STREAM = library(days=DAYS, readers=20)
MIDNIGHT = (TODAY + DAYS) * DAY
CLOUD_AT_HOME = Location("GB", "London", 51.5, -0.1, "Example Hosting", NetworkKind.HOSTING)


@pytest.fixture(scope="module")
def site() -> Changes:
    """A library after some days, as it was saved."""
    made = Pipeline(POLICY)
    made.absorb([*STREAM, event(MIDNIGHT, "")])
    return made.drain()


def harvest(account: str, start: int, documents: int, gap: float, place: Location) -> list[AccessEvent]:
    return [
        event(
            start + round(n * gap), account, document=10_000 + n, place=place, network="nx", session="sx",
            platform=f"p{n % 7}",
        )
        for n in range(documents)
    ]  # fmt: skip


def history(kind: str) -> tuple[str, list[AccessEvent]]:
    """An account of each activity class: read often, read once, a heavy reader, never seen before."""
    if kind == "regular":
        return "reader01", []
    if kind == "rare":
        return "seldom", ordinary_day("seldom", 1, 1)
    if kind == "heavy":
        days = [TODAY + day for day in range(DAYS - 1)]
        return "heavy", [e for d in days for e in harvest("heavy", d * DAY + 36_000, 240, 12.0, HOME)]
    return "stranger", []


def raised(site: Changes, account: str, events: list[AccessEvent]) -> bool:
    pipeline = Pipeline(POLICY)
    pipeline.restore(site.accounts, site.shared)
    pipeline.absorb(events)
    return any(alert.account == account and alert.score >= 14.0 for alert in pipeline.drain().alerts)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["regular", "rare", "heavy", "never seen"]),
    st.booleans(),
    st.floats(0.05, 1.0),
    st.integers(0, 20 * 3600),
    st.integers(0, 1000),
)
def test_a_plain_harvest_opens_an_alert(
    site: Changes, kind: str, hosted: bool, pace: float, start: int, seed: int
) -> None:
    """500 documents in an hour, or 100 over a hosting network abroad; any faster too."""
    account, before = history(kind)
    documents, place = (100, FAR) if hosted else (500, HOME)
    own = [e for e in ordinary_day(account, DAYS, seed) if random.Random(seed).random() < 0.5]
    gap = pace * 3600 / documents
    theft = harvest(account, MIDNIGHT + start, documents + 1, gap, place)
    events = sorted([*own, *theft], key=lambda e: e.time)
    warm = Pipeline(POLICY)
    if before:
        warm.absorb([*sorted([*STREAM, *before], key=lambda e: e.time), event(MIDNIGHT, "")])
        site = warm.drain()
    assert raised(site, account, events)


def test_less_than_that_is_left_to_the_models(site: Changes) -> None:
    assert not raised(site, "reader01", harvest("reader01", MIDNIGHT + 40_000, 40, 90.0, FAR))
    assert not raised(site, "reader01", harvest("reader01", MIDNIGHT + 40_000, 100, 36.0, CLOUD_AT_HOME))
