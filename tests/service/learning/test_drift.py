"""A proxy's move, missing bytes and a publisher's new address are named and discounted."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import pytest

from service.base.decoding import decoding_guard
from service.kernel.measures import K, M
from service.learning.drift import DISTURBED, FADING, Drift, report, weights
from service.learning.site_blobs import DRIFT
from service.learning.usage_counts import PlatformUsage, UsageCounts, merge_usage_counts
from service.pipeline.site_pipeline import Pipeline
from service.records.checkpoints import Changes
from service.records.drift_report import BYTES, NETWORKS, PUBLISHER, Cause
from service.records.events import AccessEvent, Alert
from tests.service.factories import DAY, POLICY, TODAY, Kept, event, ordinary_day, shifted

READERS, DAYS, MOVE = 90, 26, 15


def quiet_library() -> list[AccessEvent]:
    """Readers without a thief, most of them every day."""
    made = [ordinary_day(f"reader{r:02d}", day, 3) for day in range(DAYS) for r in range(READERS)]
    return sorted((e for events in made for e in events), key=lambda e: e.time)


def from_move_on(change: Callable[[AccessEvent], AccessEvent]) -> list[AccessEvent]:
    return [change(e) if e.time // DAY >= TODAY + MOVE else e for e in LIBRARY]


def moved(e: AccessEvent) -> AccessEvent:
    """The proxy sees other addresses, say by a balancer before it: every network is new."""
    return shifted(e, network=f"moved-{e.network}", address=f"moved-{e.address}")


def without_bytes(e: AccessEvent) -> AccessEvent:
    return shifted(e, size=-1)


def renamed(e: AccessEvent) -> AccessEvent:
    """A publisher's new address, which no pattern knows yet as its own."""
    if e.resource.platform != "jstor":
        return e
    return shifted(e, resource=msgspec.structs.replace(e.resource, platform="new.example.org"))


def drift_of(changes: Changes) -> Drift:
    with decoding_guard("drift"):
        return msgspec.msgpack.decode(changes.shared[DRIFT], type=Drift)


def lived(events: Sequence[AccessEvent]) -> tuple[Drift, tuple[Alert, ...]]:
    pipeline = Pipeline(POLICY)
    pipeline.absorb([*events, event((TODAY + DAYS) * DAY + 8 * 3600, "late")])
    changes = pipeline.drain()
    return drift_of(changes), changes.alerts


LIBRARY = quiet_library()
CALM, CALM_ALERTS = lived(LIBRARY)
CASES = [
    (moved, NETWORKS, {""}),
    (without_bytes, BYTES, {""}),
    (renamed, PUBLISHER, {"jstor", "new.example.org"}),
]


def test_a_calm_library_moves_nothing() -> None:
    assert CALM.causes == ()
    assert {m.name for m in report(CALM).moved} <= {
        "measures/novelty"
    }  # readers become familiar to a new site
    assert (weights(CALM) == 1).all()


@pytest.mark.parametrize(("change", "kind", "what"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_the_cause_is_named_from_its_first_day(
    change: Callable[..., AccessEvent], kind: str, what: set[str]
) -> None:
    drift, alerts = lived(from_move_on(change))
    causes = [c for c in drift.causes if c.kind == kind]
    assert {c.what for c in causes} == what
    assert min(c.since for c in causes) == TODAY + MOVE
    assert max(c.since for c in causes) <= TODAY + MOVE + 1  # who left is missed a day later
    # The queue is unusual for the first day, and perhaps the second.
    later = [a for a in alerts if a.day > TODAY + MOVE + 1]
    usual = [a for a in CALM_ALERTS if a.day > TODAY + MOVE + 1]
    assert len(later) <= len(usual) + 2 * POLICY.alerts_per_day


def test_drift_by_group_says_since_when() -> None:
    drift, _ = lived(from_move_on(without_bytes))
    found = {m.name: m for m in report(drift).moved}
    assert found["measures/day"].after < found["measures/day"].before
    assert abs(found["measures/day"].since - (TODAY + MOVE)) <= 1


def test_it_is_the_same_after_stops() -> None:
    events = from_move_on(moved)
    store = Kept()
    for start in range(0, len(events), len(events) // 9):
        pipeline = store.pipeline()
        pipeline.absorb(events[start : start + len(events) // 9])
        store.take(pipeline.drain())
    pipeline = Pipeline(POLICY)
    pipeline.absorb(events)
    whole = pipeline.drain()
    assert store.shared[DRIFT] == whole.shared[DRIFT]
    assert store.alerts == {a.alert_id: a for a in whole.alerts}


def test_disturbed_measures_come_back_in_two_weeks() -> None:
    for since in range(FADING + 2):
        drift = Drift(day=100 + since, causes=(Cause(BYTES, 90, 100),))
        expected = min(1.0, since / FADING)
        assert weights(drift)[M.MB_1D] == pytest.approx(expected)
        assert weights(drift)[M.DOCS_1D] == 1.0
    assert all(len(set(measures)) == len(measures) for measures in DISTURBED.values())
    assert weights(Drift()).shape == (K,)


def test_sights_of_parts_are_sights_of_the_whole() -> None:
    one = UsageCounts(10, 2, {"jstor": PlatformUsage(5, 2, 1)})
    two = UsageCounts(7, 7, {"jstor": PlatformUsage(1, 1, 0), "wiley": PlatformUsage(3, 0, 0)})
    whole = UsageCounts(17, 9, {"jstor": PlatformUsage(6, 3, 1), "wiley": PlatformUsage(3, 0, 0)})
    assert merge_usage_counts([one, two]) == merge_usage_counts([two, one]) == whole
    assert np.isfinite(weights(CALM)).all()
