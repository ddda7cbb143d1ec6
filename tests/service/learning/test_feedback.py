"""What verdicts do: quiet for what is expected, from the close of the day on, undone by the next verdict."""

import itertools
import random
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decision.episodes import Allowance, open_episode
from service.decision.reader_groups import EVERYONE, read_group_history
from service.kernel.account_record import ACCOUNT
from service.kernel.measure_types import MeasureGroup
from service.kernel.measures import K, M
from service.kernel.moments import as_examples
from service.kernel.training_rows import READER, STOLEN, Examples
from service.learning.feedback import PendingCommands, in_force, training_example
from service.learning.site_blobs import SiteSnapshot
from service.pipeline.site_pipeline import Pipeline
from service.records.checkpoints import AnalystVerdict
from service.records.events import AccessEvent, Alert
from tests.service.factories import (
    CAMPUS,
    DAY,
    POLICY,
    TODAY,
    Kept,
    event,
    library,
    page,
    states_of,
    theft,
)

REVIEWER = "reviewer"


def review(day: int) -> list[AccessEvent]:
    """A systematic reviewer's day on campus: every day more, or it would become his usual."""
    start = (TODAY + day) * DAY + 9 * 3600
    out = []
    for i in range(90 + 150 * (day - REVIEW)):
        place = {"network": "campus", "place": CAMPUS, "session": f"{REVIEWER}-{day}"}
        out.append(event(start + 20 * i, REVIEWER, document=5_000 + 1_000 * day + i, **place))  # type: ignore[arg-type]
    return out


def ordinary(day: int) -> list[AccessEvent]:
    """The reviewer on any other day: a page and a document now and then, at the hours of the review."""
    hours = [(TODAY + day) * DAY + hour * 3600 for hour in range(9, 15)]
    made = [
        e
        for start in hours
        for e in (page(start, REVIEWER), event(start + 30, REVIEWER, document=40_000 + 10 * day))
    ]
    return [msgspec.structs.replace(e, network="campus", address="campus.7", place=CAMPUS) for e in made]


BEFORE, REVIEW, LAST = 5, 6, 12  # days of ordinary reading, first and last day of the review
QUIET_ENDS = REVIEW + 3  # of two days of quiet, after a verdict on the review's first day
STREAM = sorted(
    [
        *library(days=LAST + 1, readers=30),
        *itertools.chain.from_iterable(ordinary(day) for day in range(BEFORE)),
        *itertools.chain.from_iterable(review(day) for day in range(REVIEW, LAST + 1)),
    ],
    key=lambda e: e.time,
)


def days_of(stream: Sequence[AccessEvent]) -> list[list[AccessEvent]]:
    return [list(day) for _, day in itertools.groupby(stream, key=lambda e: e.time // DAY)]


def lived(verdicts: dict[int, Sequence[AnalystVerdict]], stream: Sequence[AccessEvent] = STREAM) -> Kept:
    """The stream, with verdicts given in the middle of days, and a new process every day."""
    store = Kept()
    for number, day in enumerate(days_of(stream)):
        half = len(day) // 2
        pipeline = store.pipeline()
        pipeline.absorb(day[:half])
        pipeline.enqueue_verdicts(verdicts.get(number, ()))
        pipeline.absorb(day[half:])
        store.take(pipeline.drain())
    return store


def of(store: Kept, account: str = REVIEWER) -> list[Alert]:
    return sorted((a for a in store.alerts.values() if a.account == account), key=lambda a: a.opened_at)


FREE = lived({})
(ALERT,) = of(FREE)
EPISODE = open_episode(REVIEWER, TODAY * DAY, 1, TODAY, np.zeros(1, ACCOUNT)[0])


def said(verdict: str, verdict_id: int = 1, quiet_days: int = 90, *, teaches: bool = True) -> AnalystVerdict:
    return AnalystVerdict(verdict_id, ALERT.alert_id, REVIEWER, verdict, quiet_days, teaches)


def test_an_expected_review_raises_no_more_alerts_of_its_kind() -> None:
    assert ALERT.opened_at // DAY == TODAY + REVIEW
    assert ALERT.updated_at // DAY > TODAY + QUIET_ENDS
    quiet = lived({REVIEW: [said("expected")]})
    (alert,) = of(quiet)
    assert alert.updated_at // DAY == TODAY + REVIEW  # nothing of the days after belongs to it
    assert alert.quiet is not None
    assert alert.quiet.since == TODAY + REVIEW + 1
    assert alert.quiet.until == TODAY + REVIEW + 1 + 90
    assert {"rate", "day"} <= set(alert.quiet.groups)


def test_another_kind_of_evidence_still_speaks() -> None:
    stolen = sorted([*STREAM, *theft(REVIEWER, LAST - 1)], key=lambda e: e.time)
    first, second = of(lived({REVIEW: [said("expected")]}, stream=stolen))
    assert first.alert_id == ALERT.alert_id
    assert second.opened_at // DAY == TODAY + LAST - 1
    assert second.detections[0] not in first.detections


def test_what_is_expected_is_no_evidence_and_counts_among_the_peers_all_the_same() -> None:
    quiet = lived({REVIEW: [said("expected")]})
    before, after = (states_of(s.accounts.items())[REVIEWER] for s in (FREE, quiet))
    assert after["day_evidence"] < 0.5 * before["day_evidence"]
    assert (after["day_max"][M.DOCS_1D], after["documents"]) == (
        before["day_max"][M.DOCS_1D],
        before["documents"],
    )


def test_the_quiet_ends_by_itself() -> None:
    first, *later = of(lived({REVIEW: [said("expected", quiet_days=2)]}))
    assert first.quiet is not None
    assert first.quiet.until == TODAY + QUIET_ENDS
    assert [first, *later][-1].updated_at // DAY >= TODAY + QUIET_ENDS


@pytest.mark.parametrize("word", ["reopened", "confirmed", "wrong-data", "expected"])
def test_a_newer_verdict_takes_the_place_of_the_older_one(word: str) -> None:
    """ "expected" with no days of quiet ends it, as the page's button does."""
    ended = lived({REVIEW: [said("expected")], REVIEW + 1: [said(word, 2, quiet_days=0)]})
    assert of(ended)[0].quiet is None
    assert of(ended)[-1].updated_at // DAY > TODAY + QUIET_ENDS


def test_of_one_day_s_verdicts_the_newest_counts() -> None:
    both = lived({REVIEW: [said("expected"), said("reopened", 2, quiet_days=0)]})
    assert of(both)[0].quiet is None


def test_what_does_not_teach_only_ends_the_old() -> None:
    assert of(lived({REVIEW: [said("expected", teaches=False)]}))[0].quiet is None
    later = [said("expected", 2, quiet_days=400, teaches=False)]
    assert of(lived({REVIEW: [said("expected")], REVIEW + 1: later}))[0].quiet is None


def classifiers(store: Kept) -> bytes:
    return msgspec.msgpack.decode(store.shared["site"], type=SiteSnapshot).classifiers


@pytest.mark.parametrize("word", ["confirmed", "expected", "wrong-logic"])
def test_a_verdict_is_learnt_from(word: str) -> None:
    assert classifiers(lived({REVIEW: [said(word, quiet_days=0)]})) != classifiers(FREE)


def test_of_what_is_not_decided_and_of_what_is_too_much_nothing_is_learnt() -> None:
    assert classifiers(lived({REVIEW: [said("undetermined")]})) == classifiers(FREE)
    assert classifiers(lived({REVIEW: [said("wrong-data")]})) == classifiers(FREE)
    assert classifiers(lived({REVIEW: [said("confirmed", teaches=False)]})) == classifiers(FREE)


def test_a_verdict_that_is_taken_back_is_told_no_more() -> None:
    """Nor one of another release, whose measures were others."""
    moment = as_examples(0, np.zeros(1, ACCOUNT), np.full((1, K), 2.0), 0, READER)
    episode = msgspec.structs.replace(EPISODE, judged="confirmed", teaches=True, moment=moment)
    keys, families, _, positions, _ = training_example(episode, 7).columns()
    assert (keys.tolist(), families.tolist()) == ([7], [STOLEN])
    assert positions.tolist() == moment.columns()[3].tolist()
    for other in (
        msgspec.structs.replace(episode, judged=""),
        msgspec.structs.replace(episode, teaches=False),
        msgspec.structs.replace(episode, moment=msgspec.structs.replace(moment, positions=bytes(2 * K + 2))),
    ):
        assert training_example(other, 7) == Examples()


@pytest.mark.parametrize("given", [["confirmed"], ["confirmed", "reopened"], ["expected"]])
def test_a_theft_is_told_of_its_groups_for_as_long_as_its_verdict_stands(given: list[str]) -> None:
    reported = [said(word, number, quiet_days=0) for number, word in enumerate(given, 1)]
    days = read_group_history(lived({REVIEW + n: [verdict] for n, verdict in enumerate(reported)}).shared)
    thefts = [days[TODAY + day]["user type: unknown"].thefts for day in range(REVIEW, LAST)]
    first = int(given[0] == "confirmed")
    assert thefts[:2] == [0, first], "a verdict takes effect at the close of its day"
    assert set(thefts[2:]) == {int(given == ["confirmed"])}
    assert days[TODAY + LAST - 1][EVERYONE].thefts == thefts[-1]


def test_within_the_day_it_does_not_matter_when_a_verdict_comes_or_how_often() -> None:
    def given(at: int, times: int) -> Kept:
        store = Kept()
        pipeline = Pipeline(POLICY)
        cut = sum(map(len, days_of(STREAM)[:REVIEW])) + at
        pipeline.absorb(STREAM[:cut])
        for _ in range(times):
            pipeline.enqueue_verdicts([said("expected")])
        store.take(pipeline.drain())
        pipeline = store.pipeline()
        pipeline.absorb(STREAM[cut:])
        store.take(pipeline.drain())
        return store

    early, late = given(5, 1), given(len(days_of(STREAM)[REVIEW]) - 3, 2)
    assert early.accounts == late.accounts
    assert early.alerts == late.alerts


def test_a_verdict_of_an_account_that_has_no_alert_here_is_counted() -> None:
    pipeline = Pipeline(POLICY)
    pipeline.absorb(STREAM[:50])
    pipeline.enqueue_verdicts([AnalystVerdict(1, "JG-0", "nobody", "expected", 90)])
    pipeline.absorb([e for e in STREAM if e.time // DAY == TODAY + 1])
    assert pipeline.counters["verdicts_without_effect_total"] == 1


judged = st.builds(
    AnalystVerdict,
    verdict_id=st.integers(1, 60),
    alert_id=st.sampled_from(["a", "b", "c"]),
    account=st.just("x"),
    verdict=st.sampled_from(["expected", "confirmed", "reopened"]),
)


def number(verdict: AnalystVerdict) -> int:
    return verdict.verdict_id


@given(st.lists(judged, unique_by=number).map(lambda js: sorted(js, key=number)), st.data())
def test_a_docket_holds_the_newest_of_each_alert_however_they_came(
    verdicts: list[AnalystVerdict], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(verdicts)), max_size=4)))
    pending = PendingCommands()
    for start, stop in itertools.pairwise([0, *cuts, len(verdicts)]):
        pending = pending.enqueue(verdicts[max(0, start - 2) : stop])  # some come again
    newest = {j.alert_id: j for j in verdicts}
    assert pending.waiting == tuple(sorted(newest.values(), key=number))
    assert pending.applied().enqueue(verdicts).waiting == ()


@given(st.lists(st.tuples(st.integers(0, 511), st.integers(0, 40)), max_size=8), st.integers(0, 40))
def test_groups_are_quiet_while_any_allowance_of_them_lasts(drawn: list[tuple[int, int]], day: int) -> None:
    until, groups = in_force([Allowance(str(n), *a) for n, a in enumerate(drawn)], day)
    for group in MeasureGroup:
        assert bool(groups >> group & 1) == any(g >> group & 1 and end > day for g, end in drawn)
    assert until == min((end for _, end in drawn if end > day), default=0)


def test_a_flood_of_verdicts_from_one_analyst_costs_hardly_any_recall() -> None:
    """He calls everything expected, for a year. He can only quiet what was shown, and only its kinds."""
    chance = random.Random(7)
    stolen = [(f"reader{n:02d}", 4 + i // 3) for i, n in enumerate(chance.sample(range(100), 30))]
    thefts = [theft(account, day, documents=40) for account, day in stolen]
    calm = [e for e in library(days=14, readers=100) if e.session != "stolen"]
    stream = sorted([*calm, *itertools.chain.from_iterable(thefts)], key=lambda e: e.time)

    def recall(flood: bool) -> float:
        pipeline, found, number = Pipeline(POLICY), set(), 0
        for day in days_of(stream):
            pipeline.absorb(day)
            raised = pipeline.drain().alerts
            found |= {(a.account, a.day - TODAY) for a in raised}
            if flood:
                said = [(number + n, a) for n, a in enumerate(raised, 1)]
                pipeline.enqueue_verdicts(
                    [AnalystVerdict(n, a.alert_id, a.account, "expected", 365) for n, a in said]
                )
                number += len(said)
        return sum(theft in found for theft in stolen) / len(stolen)

    free = recall(flood=False)
    assert free > 0.5
    assert recall(flood=True) > free - 0.05  # it may find more: false alarms that are quiet make room
