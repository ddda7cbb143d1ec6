"""Episodes: one alert per account that grows, rests, and speaks again only with news."""

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decision.episodes import (
    COOLDOWN,
    EXPIRY,
    STRONGER,
    Decision,
    Episode,
    alert_id,
    decide,
    extend_episode,
    open_episode,
    summary,
)
from service.kernel.account_record import ACCOUNT
from service.kernel.measures import K
from service.kernel.moments import as_examples
from service.kernel.training_rows import READER
from service.records.events import Reason
from tests.service.factories import DAY, NOON, POLICY, TODAY

THRESHOLD = 5.0
SEEN = as_examples(0, np.zeros(1, ACCOUNT), np.full((1, K), 2.0), 0, READER)


def reason(detection: str = "bulk-download", text: str = "60 documents in one hour") -> Reason:
    return Reason(detection, "docs_1h", f"{text}; 1 in 500 reaches that", 60.0, 14.0, 500.0, "documents", 6.2)


def state(events: int = 10, documents: int = 4, last_time: int = NOON, document_time: int = NOON) -> np.void:
    made: np.void = np.zeros(1, ACCOUNT)[0]
    made["events"], made["documents"] = events, documents
    made["last_time"], made["document_time"] = last_time, document_time
    return made


def grow(
    episode: Episode, time: int, score: float, found: tuple[Reason, ...] = (reason(),), events: int = 10
) -> Episode:
    now = state(events=events, documents=events // 2)
    return extend_episode(episode, time, now, SEEN, score, THRESHOLD, found, POLICY, "model/1")


def an_episode(score: float = 6.0) -> Episode:
    return grow(open_episode("reader", NOON, 17, TODAY, state()), NOON, score)


def test_below_the_threshold_nothing_opens() -> None:
    assert decide(None, NOON, 4.99, THRESHOLD, ("bulk-download",)) is Decision.NO_ALERT


def test_at_the_threshold_an_episode_opens() -> None:
    assert decide(None, NOON, 5.0, THRESHOLD, ("bulk-download",)) is Decision.OPENED


@pytest.mark.parametrize("score", [0.0, 5.0, 50.0])
@pytest.mark.parametrize("after", [-DAY, 0, 600, COOLDOWN])
def test_until_it_has_rested_everything_belongs_to_the_episode(score: float, after: int) -> None:
    assert decide(an_episode(), NOON + after, score, THRESHOLD, ("other",)) is Decision.GREW


@pytest.mark.parametrize(
    ("after", "score", "detection", "expected"),
    [
        (COOLDOWN + 1, 4.9, "many-networks", Decision.NO_ALERT),
        (COOLDOWN + 1, 5.5, "bulk-download", Decision.REPEATED),
        (COOLDOWN + 1, 6.0 + STRONGER - 0.01, "bulk-download", Decision.REPEATED),
        (COOLDOWN + 1, 6.0 + STRONGER, "bulk-download", Decision.OPENED),
        (COOLDOWN + 1, 5.5, "many-networks", Decision.OPENED),
        (EXPIRY, 5.5, "bulk-download", Decision.REPEATED),
        (EXPIRY + 1, 5.5, "bulk-download", Decision.OPENED),
    ],
)
def test_after_the_rest(after: int, score: float, detection: str, expected: Decision) -> None:
    assert decide(an_episode(), NOON + after, score, THRESHOLD, (detection,)) is expected


def test_without_any_reason_there_is_no_news() -> None:
    assert decide(an_episode(), NOON + COOLDOWN + 1, 5.5, THRESHOLD, ()) is Decision.REPEATED


def test_a_passing_score_makes_the_rest_begin_anew() -> None:
    calm = grow(an_episode(), NOON + DAY, 3.0)
    assert calm.passed_at == NOON
    raised = grow(an_episode(), NOON + DAY, 5.1)
    assert raised.passed_at == NOON + DAY
    assert decide(raised, NOON + DAY + COOLDOWN, 5.5, THRESHOLD, ("many-networks",)) is Decision.GREW


def test_an_alert_grows_and_keeps_what_it_was() -> None:
    first = an_episode()
    later = grow(first, NOON + 60, 5.5, (reason("odd-hours"),), events=30)
    assert later.alert.alert_id == first.alert.alert_id
    assert later.alert.opened_at == NOON
    assert later.alert.updated_at == NOON + 60
    assert (first.alert.events, later.alert.events) == (1, 21)
    assert later.alert.score == 6.0
    assert later.alert.detections == ("bulk-download",)
    assert later.alert.summary == first.alert.summary


def test_a_higher_score_brings_its_own_reasons() -> None:
    later = grow(an_episode(), NOON + 60, 8.0, (reason("odd-hours"),))
    assert later.alert.score == 8.0
    assert later.alert.detections == ("odd-hours",)
    assert later.alert.probability > an_episode().alert.probability
    assert (later.alert.policy, later.alert.model) == (POLICY.hash, "model/1")


def test_a_late_event_does_not_turn_the_alert_s_clock_back() -> None:
    later = grow(grow(an_episode(), NOON + 600, 6.0), NOON + 5, 6.0)
    assert later.alert.updated_at == NOON + 600
    assert later.passed_at == NOON + 600


def test_the_opening_event_is_counted_with_its_document() -> None:
    episode = open_episode("reader", NOON, 17, TODAY, state(events=10, documents=4))
    alert = grow(episode, NOON, 6.0, events=10).alert
    assert alert.events == 1
    with_document = extend_episode(episode, NOON, state(), SEEN, 6.0, THRESHOLD, (), POLICY, "m")
    assert with_document.alert.documents == 1


def test_an_episode_opened_by_a_page_has_no_document_yet() -> None:
    now = state(document_time=NOON - 60)
    episode = open_episode("reader", NOON, 17, TODAY, now)
    assert extend_episode(episode, NOON, now, SEEN, 6.0, THRESHOLD, (), POLICY, "m").alert.documents == 0


def test_the_moment_of_the_highest_score_is_kept() -> None:
    other = as_examples(0, np.zeros(1, ACCOUNT), np.full((1, K), 3.0), 0, READER)
    episode = an_episode(score=6.0)
    assert episode.moment == SEEN
    lower, higher = (
        extend_episode(episode, NOON, state(), other, score, THRESHOLD, (), POLICY, "m")
        for score in (5.5, 6.5)
    )
    assert (lower.moment, higher.moment) == (SEEN, other)


def test_an_episode_survives_the_store() -> None:
    packed = msgspec.msgpack.encode(an_episode())
    assert msgspec.msgpack.decode(packed, type=Episode) == an_episode()


def test_summaries() -> None:
    one = reason()
    two = reason("odd-hours", "40 documents at night")
    assert summary((one,)) == "60 documents in one hour; 1 in 500 reaches that."
    assert summary((one, two, two)) == (
        "60 documents in one hour; 1 in 500 reaches that, and 40 documents at night."
    )
    assert summary(()) == "Several measures together are unusual, none of them alone."


def test_an_id_is_stable_and_says_nothing_of_the_account() -> None:
    assert alert_id("reader", NOON, 17) == alert_id("reader", NOON, 17) == "JG-32FEBA5D27"
    assert len({alert_id(a, t, s) for a in "ab" for t in (1, 2) for s in (1, 2)}) == 8


scores = st.lists(st.tuples(st.integers(0, 5 * DAY), st.floats(0, 12), st.sampled_from(["a", "b", "c"])))


@given(scores)
def test_an_account_never_opens_twice_within_its_rest(moments: list[tuple[int, float, str]]) -> None:
    episode, time, openings = None, NOON, []
    for gap, score, detection in moments:
        time += gap
        decision = decide(episode, time, score, THRESHOLD, (detection,))
        if decision is Decision.NO_ALERT:
            continue
        if decision is Decision.OPENED or episode is None:
            openings.append(time)
            episode = open_episode("reader", time, len(openings), TODAY, state())
        before = episode.alert
        episode = grow(episode, time, score, (reason(detection),))
        assert episode.alert.score >= before.score
        assert episode.alert.updated_at >= before.updated_at
    assert all(b - a > COOLDOWN for a, b in itertools.pairwise(openings))
