"""The calendar of the stream: days begin for all accounts at once, and not because of one stray line."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from service.pipeline.calendar import DaySpan, SiteCalendar
from tests.service.factories import DAY, NOON, TODAY, event


def test_a_day_begins_with_its_first_event() -> None:
    events = [event(NOON), event(NOON + 60), event(NOON + DAY), event(NOON + 3 * DAY)]
    days = SiteCalendar()
    days.cut([event(NOON - 60)])  # the very first event only says where the calendar is
    assert [(s.day, s.start, s.stop) for s in days.cut(events)] == [
        (TODAY, 0, 2),
        (TODAY + 1, 2, 3),
        (TODAY + 2, 3, 4),
    ]


def test_late_events_belong_to_the_day_in_progress() -> None:
    days = SiteCalendar()
    days.cut([event(NOON), event(NOON + 1)])
    assert [s.day for s in days.cut([event(NOON + DAY), event(NOON), event(NOON + DAY + 5)])] == [TODAY + 1]


def test_the_offset_is_that_of_the_event_that_began_the_day() -> None:
    days = SiteCalendar()
    days.cut([event(NOON), event(NOON + 1)])
    began = event(NOON + DAY)
    assert days.cut([began, event(NOON + DAY + 9)])[0].offset == began.offset


times = st.lists(st.integers(-3 * DAY, 3 * DAY), min_size=1, max_size=40)


@given(times, st.lists(st.integers(0, 40), max_size=5))
def test_any_cut_gives_the_same_days(steps: list[int], cuts: list[int]) -> None:
    events = [event(NOON + t) for t in itertools.accumulate(steps)]
    whole, parts = SiteCalendar(), SiteCalendar()
    expected = day_of_each(whole.cut(events))
    edges = [0, *sorted(min(c, len(events)) for c in cuts), len(events)]
    found = [day for a, b in itertools.pairwise(edges) for day in day_of_each(parts.cut(events[a:b]))]
    assert found == expected
    assert parts.state == whole.state
    assert expected == sorted(expected)


def day_of_each(stretches: list[DaySpan]) -> list[tuple[int, int]]:
    return [(s.day, s.offset) for s in stretches for _ in range(s.start, s.stop)]
