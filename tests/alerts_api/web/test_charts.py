"""Charts and words: golden cases and properties."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from alerts_api.web import charts, wording
from alerts_api.web.charts import Line, Point, line_chart, nice_top, share_bar
from alerts_api.web.timelines import days_line, hours_line
from alerts_api.web.travel import journeys
from service.records.events import AccessEvent, EventKind, Location, Resource
from tests.alerts_api.examples import ABROAD, CAMPUS, HOME, HOSTING, make_alert


def classes(svg: str) -> list[str]:
    return [str(node.get("class")) for node in ElementTree.fromstring(svg).iter() if node.get("class")]  # noqa: S314 own text


def test_a_line_has_its_band_its_dots_and_its_alert() -> None:
    drawn = classes(line_chart(hours_line(make_alert())))
    assert drawn.count("band") == 1
    assert drawn.count("above") == 3
    assert drawn.count("moment") == 1
    assert drawn.count("observed") == 1


def test_an_account_without_history_has_no_band() -> None:
    line = Line((Point("now", "", 3, 0, 1),), 0.0, (), "a sentence")
    assert "band" not in classes(line_chart(line))


def test_nothing_observed_draws_nothing() -> None:
    assert line_chart(Line((), 3.0, (), "")) == ""


def test_sentences_say_what_the_lines_show() -> None:
    alert = make_alert()
    assert hours_line(alert).sentence == (
        "At most 212 documents in one hour (24 Nov 05:00). "
        "This account's usual most is 4; 3 of these 48 hours are above it."
    )
    assert days_line(alert).sentence.endswith("1 of these 28 days is above it.")


@given(
    values=st.lists(st.floats(0, 1e9), min_size=1, max_size=60),
    usual=st.floats(0, 1e9),
    word=st.text(st.characters(exclude_categories=["C"]), max_size=20),
)
def test_any_line_is_sound_svg_inside_its_frame(values: list[float], usual: float, word: str) -> None:
    points = tuple(Point(word, word, value, n + 1, n) for n, value in enumerate(values))
    root = ElementTree.fromstring(line_chart(Line(points, usual, ((0.5, word),), word)))  # noqa: S314 own text
    assert root.get("aria-label") == word
    for node in root.iter("circle"):
        assert 0 <= float(str(node.get("cx"))) <= charts.WIDTH
        assert 0 <= float(str(node.get("cy"))) <= charts.HEIGHT


@given(st.floats(0, 1e12))
def test_the_axis_holds_the_highest(highest: float) -> None:
    assert highest <= nice_top(highest) <= max(4, highest * 2.5)


@given(st.floats(allow_nan=False))
def test_a_bar_never_leaves_its_track(share: float) -> None:
    fill = [node for node in ElementTree.fromstring(share_bar(share)) if node.get("class") == "bar-fill"]  # noqa: S314 own text
    assert 0 <= float(str(fill[0].get("width"))) <= 96


@given(st.floats(-1e18, 1e18), st.floats(0, 1e300))
def test_words_for_any_number(seconds: float, value: float) -> None:
    assert wording.utc(seconds).endswith("UTC")
    assert wording.one_in(value)
    assert wording.number(value)


def event(time: int, place: Location) -> AccessEvent:
    resource = Resource("jstor", EventKind.PDF)
    return AccessEvent(time, 0, "u1_a", "", "", "", place, "GET", 200, 1, resource)


def test_journeys_are_gathered_by_their_ends_fastest_first() -> None:
    places = (
        (0, CAMPUS),
        (1, HOME),
        (2, ABROAD),
        (3, CAMPUS),
        (4, ABROAD),
        (5, CAMPUS),
        (5.5, ABROAD),
        (6.5, HOSTING),
    )
    found = journeys(event(int(hour * 3_600), place) for hour, place in places)
    assert {(j.start.city, j.end.city): (j.times, j.note) for j in found} == {
        ("York", "Hanoi"): (1, ""),
        ("Hanoi", "Leeds"): (2, ""),
        ("Leeds", "Hanoi"): (2, ""),
        ("Hanoi", "Amsterdam"): (1, "VPN or hosting network"),
    }
    speeds = [j.speed or 0.0 for j in found]
    assert speeds == sorted(speeds, reverse=True)
    assert all(8_000 < speed < 20_000 for speed in speeds)


def test_near_unknown_and_equal_moments_are_handled() -> None:
    unknown = Location("GB")
    assert journeys([event(0, CAMPUS), event(1, HOME), event(2, unknown)]) == ()
    at_once = journeys([event(5, CAMPUS), event(5, ABROAD)])
    assert [j.speed for j in at_once] == [None]
