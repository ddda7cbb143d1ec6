"""Times of log lines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.errors import LogFormatError, TimezoneError
from pseudonymiser.timestamps import Instant, Zone, any_time, common_time, compile_strftime

LONDON = Zone("Europe/London")
NOON = 1_764_504_000  # 2025-11-30 12:00:00 UTC


def test_the_offset_in_the_line_counts() -> None:
    """A French library's server may log American time."""
    read = common_time(Zone("Europe/Paris")).read
    assert read("[30/Nov/2025:07:00:00 -0500]") == Instant(NOON, 3600, NOON)
    assert read("30/Nov/2025:13:00:00 +0100") == Instant(NOON, 3600, NOON)


def test_without_an_offset_the_sites_zone_counts() -> None:
    summer = compile_strftime("%Y-%m-%dT%H:%M:%S", LONDON).read("2025-07-01T12:00:00")
    assert summer == Instant(1_751_367_600, 3600, 1_751_367_600)


def test_a_repeated_hour_has_two_readings() -> None:
    instant = any_time(LONDON).read("2024-10-27 01:30:00")
    assert instant is not None
    assert instant.again - instant.time == 3600
    skipped = any_time(LONDON).read("2024-03-31 01:30:00")  # an hour that no clock showed
    assert skipped is not None
    assert skipped.again == skipped.time


@pytest.mark.parametrize(
    "text",
    [
        "2025-11-30T12:00:00Z",
        "2025-11-30 12:00:00",
        "2025-11-30 12:00:00.123",
        "2025/11/30:12:00:00",
        "[30/Nov/2025:12:00:00 +0000]",
        "30/11/2025 12:00:00",
        "30 nov 2025 12:00:00",
        str(NOON),
        f"{NOON}000",
        f"{NOON}.25",
    ],
)
def test_fields_of_a_sites_own_hold_times_of_many_shapes(text: str) -> None:
    assert any_time(LONDON).read(text) == Instant(NOON, 0, NOON)


@pytest.mark.parametrize(
    ("directives", "text"),
    [
        ("%Y/%m/%d:%H:%M:%S", "2025/11/30:12:00:00"),
        ("%d/%b/%Y %I:%M:%S %p", "30/Nov/2025 12:00:00 PM"),
        ("%a, %e %B %y %T %z", "Sun, 30 November 25 13:00:00 +01:00"),
        ("%s", str(NOON)),
        ("%F %R", "2025-11-30 12:00"),
        ("%Y-%j %T", "2025-334 12:00:00"),
    ],
)
def test_strftime(directives: str, text: str) -> None:
    assert compile_strftime(directives, LONDON).read(text) == Instant(NOON, 0, NOON)


@pytest.mark.parametrize(
    ("directives", "problem"),
    [("%Q", "%Q is not known"), ("%H:%M:%S", "lacks"), ("%Y-%m-%d", "lacks"), ("%Y %Y-%m-%d %T", "twice")],
)
def test_strftime_that_gives_no_time(directives: str, problem: str) -> None:
    with pytest.raises(LogFormatError, match=problem):
        compile_strftime(directives, LONDON)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "31/Feb/2025:12:00:00 +0000",
        "30/Foo/2025:12:00:00 +0000",
        "30/Nov/2025:25:00:00 +0000",
        "30/Nov/2025:12:00:00 +9900",
        "01/Jan/0001:00:00:00 +0000",
    ],
)
def test_no_time(text: str) -> None:
    assert common_time(LONDON).read(text) is None


@pytest.mark.parametrize("name", ["Europe/Londres", "", "../etc/passwd", "\0"])
def test_a_wrong_zone_says_how_to_name_one(name: str) -> None:
    with pytest.raises(TimezoneError, match="Europe/London"):
        Zone(name)


@settings(deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[\d:/\-TZ+ .]{0,30}"))
def test_any_text_is_a_time_or_none(text: str) -> None:
    for form in (common_time(LONDON), any_time(LONDON)):
        instant = form.read(text)
        assert instant is None or 0 < instant.time <= instant.again
