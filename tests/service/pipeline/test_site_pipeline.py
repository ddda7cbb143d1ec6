"""The stages in order: the same stream gives the same results, however it is cut, stopped or resumed."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.base.errors import CheckpointError
from service.kernel.account_record import ACCOUNT
from service.pipeline.account_table import HEADER
from service.pipeline.site_pipeline import Pipeline, PipelineState
from service.policy.loading import load_policy
from service.records.checkpoints import Changes
from service.records.events import AccessEvent, Alert
from service.records.identities import Link
from tests.service.factories import (
    DAY,
    FAR,
    NOON,
    POLICY,
    TODAY,
    Kept,
    event,
    kept,
    library,
    ordinary_day,
    run,
    shifted,
    states_of,
    theft,
)
from tests.service.kernel.test_features import wild

STREAM = library(days=5, readers=12)
WHOLE = run(STREAM)
places = st.integers(0, len(STREAM))


def test_days_that_leave_the_window_between_two_checkpoints() -> None:
    """A replay of logs with holes: more than two weeks pass before the next checkpoint."""
    gaps = [event(NOON + d * DAY, document=d) for d in (0, 1, 20, 21, 60, 61)]
    once = whole(run(gaps))
    assert kept(gaps, range(1, 6)) == once


def whole(changes: Changes) -> Kept:
    store = Kept()
    store.take(changes)
    return store


def test_the_library_gives_alerts_and_traces() -> None:
    """Otherwise the properties below would say nothing."""
    assert {a.account for a in WHOLE.alerts} >= {"reader03", "reader04"}
    assert len(WHOLE.traces) > 50


@settings(deadline=None, max_examples=15)
@given(st.lists(places, max_size=12))
def test_any_cut_into_calls_gives_the_same(cuts: list[int]) -> None:
    assert run(STREAM, cuts) == WHOLE


def test_one_event_at_a_time_gives_the_same() -> None:
    assert run(STREAM, range(len(STREAM))) == WHOLE


@settings(deadline=None, max_examples=10)
@given(st.lists(places, max_size=3))
def test_stops_and_restarts_anywhere_give_the_same(stops: list[int]) -> None:
    store = kept(STREAM, stops)
    assert store.accounts == dict(WHOLE.accounts)
    assert store.shared == dict(WHOLE.shared)
    assert store.alerts == {a.alert_id: a for a in WHOLE.alerts}
    assert store.traces == list(WHOLE.traces)


@settings(deadline=None, max_examples=15)
@given(st.lists(wild, max_size=24), st.lists(st.integers(0, 24), max_size=3))
def test_wild_events_in_any_cut_and_with_restarts(events: list[AccessEvent], cuts: list[int]) -> None:
    cuts = [c for c in cuts if c <= len(events)]
    once = whole(run(events))
    assert whole(run(events, cuts)) == once
    assert kept(events, cuts) == once
    for alert in once.alerts.values():
        assert b"null" not in msgspec.json.encode((alert.score, alert.probability, alert.picture.hours))


def test_the_same_stream_gives_the_same_bytes() -> None:
    again = run(STREAM)
    assert msgspec.json.encode(again.alerts) == msgspec.json.encode(WHOLE.alerts)
    assert again == WHOLE


def test_states_are_packed_within_two_kilobytes_where_no_episode_is_open() -> None:
    alerted = {a.account for a in WHOLE.alerts}
    assert all(len(blob) == len(HEADER) + ACCOUNT.itemsize for n, blob in WHOLE.accounts if n not in alerted)


def test_an_event_is_scored_before_anything_later_is_known() -> None:
    """The alert as first raised is the same whether the stream ends there or goes on."""
    alert = WHOLE.alerts[0]
    first = next(i for i, e in enumerate(STREAM) if e.account == alert.account and e.time == alert.opened_at)
    early = run(STREAM[: first + 1]).alerts
    assert [a.alert_id for a in early][-1:] == [alert.alert_id]
    traces = run(STREAM[: first + 1]).traces
    assert list(WHOLE.traces[: len(traces)]) == list(traces)


def test_evidence_of_an_event_is_independent_of_other_accounts_of_the_day() -> None:
    """The tables change at the close of a day only, so a flood beside it changes nothing today."""
    quiet = sorted(
        [e for d in range(2) for e in ordinary_day("reader", d, 1)] + theft("reader", 2), key=lambda e: e.time
    )
    start = (TODAY + 2) * DAY
    flood = [event(start + i, f"x{i % 50}", document=i, place=FAR, network=f"n{i}") for i in range(2000)]
    beside = run(sorted([*quiet, *flood], key=lambda e: (e.time, e.account)))
    alone = run(quiet)
    mine = [t.evidence for t in beside.traces if t.event.account == "reader"]
    assert mine == [t.evidence for t in alone.traces]
    assert states_of(beside.accounts)["reader"].tobytes() == states_of(alone.accounts)["reader"].tobytes()


def test_shared_knowledge_changes_only_at_the_close_of_a_local_day() -> None:
    pipeline = Pipeline(POLICY)
    day = [e for e in STREAM if e.time < (TODAY + 1) * DAY]
    pipeline.absorb(day)
    assert set(pipeline.drain().shared) == {"pipeline", "names"}
    pipeline.absorb([event((TODAY + 1) * DAY - 1, "late")])
    assert "site" not in pipeline.drain().shared
    pipeline.absorb([event((TODAY + 1) * DAY, "")])
    assert {"site", "pipeline"} <= set(pipeline.drain().shared)


def test_a_day_closes_at_local_midnight() -> None:
    pipeline = Pipeline(POLICY)
    pipeline.absorb([event(offset=3600)])
    pipeline.absorb([event(TODAY * DAY + DAY - 3601, "b", offset=3600)])
    assert "site" not in pipeline.drain().shared
    pipeline.absorb([event(TODAY * DAY + DAY - 3600, "", offset=3600)])
    assert "site" in pipeline.drain().shared


def test_late_lines_do_not_close_a_day_again() -> None:
    pipeline = Pipeline(POLICY)
    pipeline.absorb([event(), event(NOON + DAY, document=1)])
    pipeline.drain()
    pipeline.absorb([event(NOON - 5 * DAY, document=2), event(NOON + DAY + 5, document=3)])
    assert "site" not in pipeline.drain().shared


def place_of(changes: Changes) -> PipelineState:
    place, _ = msgspec.json.decode(changes.shared["pipeline"], type=tuple[PipelineState, dict[str, int]])
    return place


def test_one_line_with_a_date_far_ahead_does_not_stop_the_days() -> None:
    """A proxy whose clock was wrong for one line: the site goes on closing its days."""
    pipeline = Pipeline(POLICY)
    pipeline.absorb([event(), event(NOON + 4000 * DAY, "other")])
    pipeline.drain()
    pipeline.absorb([event(NOON + d * DAY, document=d) for d in range(1, 4)])
    assert place_of(pipeline.drain()).days.day == TODAY + 3


def test_lines_without_a_person_are_numbered_but_leave_no_state() -> None:
    changes = run([event(account=""), event(), event(account="")])
    assert [name for name, _ in changes.accounts] == ["reader"]
    assert place_of(changes).sequence == 3


def test_an_empty_call_changes_nothing() -> None:
    pipeline = Pipeline(POLICY)
    pipeline.absorb([])
    changes = pipeline.drain()
    assert (changes.accounts, changes.alerts, changes.traces) == ((), (), ())
    pipeline.absorb([event()])
    pipeline.absorb([])
    assert len(pipeline.drain().accounts) == 1


def test_what_was_drained_is_not_given_again() -> None:
    pipeline = Pipeline(POLICY)
    pipeline.absorb(STREAM)
    assert pipeline.drain() == WHOLE
    again = pipeline.drain()
    assert (again.accounts, again.alerts, again.traces) == ((), (), ())
    assert set(again.shared) == {"pipeline"}


def history(account: str = "reader", days: int = 12) -> list[AccessEvent]:
    others = [e for r in range(15) for d in range(days) for e in ordinary_day(f"other{r}", d, 3)]
    own = [e for d in range(days) for e in ordinary_day(account, d, 3)]
    return sorted(others + own, key=lambda e: e.time)


@pytest.fixture(scope="module")
def settled() -> Kept:
    """A small site after twelve ordinary days."""
    return kept(history())


def after(settled: Kept, events: list[AccessEvent]) -> list[Alert]:
    pipeline = settled.pipeline()
    pipeline.absorb(events)
    return [a for a in pipeline.drain().alerts if a.account == "reader"]


def test_a_theft_is_one_alert_with_reasons(settled: Kept) -> None:
    (alert,) = after(settled, theft("reader", 13))
    assert alert.score >= 3
    assert 0 < alert.probability <= 1
    assert alert.reasons
    assert alert.detections == tuple(r.detection for r in alert.reasons)
    assert alert.summary.startswith(alert.reasons[0].text[:1].upper() + alert.reasons[0].text[1:20])
    assert alert.summary.endswith(".")
    assert 30 <= alert.documents <= alert.events <= 60
    assert alert.opened_at < alert.updated_at
    assert alert.policy == POLICY.hash
    assert sum(n for _, n in alert.picture.hours) >= alert.documents


def test_an_alert_comes_while_the_theft_goes_on(settled: Kept) -> None:
    early = after(settled, theft("reader", 13)[:25])
    (late,) = after(settled, theft("reader", 13))
    assert [a.alert_id for a in early] == [late.alert_id]


def test_a_theft_in_two_parts_is_still_one_alert(settled: Kept) -> None:
    assert len(after(settled, theft("reader", 13) + theft("reader", 14))) == 1


def test_an_ordinary_day_is_no_alert(settled: Kept) -> None:
    assert after(settled, ordinary_day("reader", 13, 3)) == []


def test_ids_are_stable_across_a_restart_in_the_middle_of_a_theft(settled: Kept) -> None:
    events = theft("reader", 13)
    store = Kept(dict(settled.accounts), dict(settled.shared))
    for part in (events[:30], events[30:]):
        pipeline = store.pipeline()
        pipeline.absorb(part)
        store.take(pipeline.drain())
    assert list(store.alerts.values()) == after(settled, events)


def test_more_budget_never_raises_fewer_alerts() -> None:
    counts = [len(run(STREAM, policy=load_policy(alerts_per_day=n)).alerts) for n in (0.3, 3, 30)]
    assert counts == sorted(counts)


def test_no_identifier_of_a_person_is_in_the_shared_blobs() -> None:
    text = b"".join(WHOLE.shared.values())
    for account, _ in WHOLE.accounts:
        assert account.encode() not in text


def test_states_of_another_release_are_refused() -> None:
    blob = (99).to_bytes(2, "little") + WHOLE.accounts[0][1][2:]
    with pytest.raises(CheckpointError, match="version 99"):
        Pipeline(POLICY).restore([("a", blob)], {})


@pytest.mark.parametrize("name", ["site", "pipeline", "names"])
def test_damaged_shared_blobs_are_refused(name: str) -> None:
    with pytest.raises(CheckpointError):
        Pipeline(POLICY).restore((), {**WHOLE.shared, name: b"\x00rubbish"})


def test_a_suspect_s_day_teaches_a_fifth(settled: Kept) -> None:
    """After the day of the theft the account's own picture has hardly moved."""
    pipeline = settled.pipeline()
    pipeline.absorb([*theft("reader", 12, documents=200), event((TODAY + 13) * DAY, "")])
    now = states_of(pipeline.drain().accounts)["reader"]
    before = states_of(settled.accounts.items())["reader"]
    moved = (now["usual"].astype(int) - before["usual"].astype(int)) / 256 / 24
    assert math.expm1(float(moved.max())) < 0.3
    assert np.isclose(now["history"] - before["history"], 0.2, atol=0.01) or now["history"] <= 40


def test_times_out_of_order_by_days_still_give_an_alert(settled: Kept) -> None:
    events = theft("reader", 13)
    jumbled = [shifted(e, time=e.time - (i % 3) * DAY) for i, e in enumerate(events)]
    assert len(after(settled, jumbled)) == 1


def test_rotated_keys_change_no_score() -> None:
    """The second half of the stream comes under new pseudonyms, linked as each is seen."""
    half = len(STREAM) // 2
    whole_day = [e for e in STREAM[half:] if e.time < (STREAM[half].time // DAY + 1) * DAY]
    young = [shifted(e, account=e.account and f"new-{e.account}") for e in whole_day]
    links = [Link(a, f"new-{a}") for a in sorted({e.account for e in whole_day if e.account})]
    before, after = Kept(), Kept()
    for store in (before, after):
        first = Pipeline(POLICY)
        first.absorb(STREAM[:half])
        store.take(first.drain())
    plain, rotated = before.pipeline(), after.pipeline()
    plain.absorb(whole_day)
    rotated.link(links)
    rotated.absorb(young)
    rotated.link(links)  # a restart tells them again
    one, other = plain.drain(), rotated.drain()
    assert set(other.gone) <= {link.old for link in links}
    assert [t.evidence for t in other.traces] == [t.evidence for t in one.traces]
    assert {(a.account.removeprefix("new-"), a.score) for a in other.alerts} == {
        (a.account, a.score) for a in one.alerts
    }
    mine = {name: blob for name, blob in states_of(other.accounts).items() if name.startswith("new-")}
    theirs = states_of(one.accounts)
    assert mine
    assert all(state.tobytes() == theirs[name.removeprefix("new-")].tobytes() for name, state in mine.items())
