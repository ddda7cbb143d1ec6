"""Times of log lines to seconds since 1970 UTC.

A time with an offset is taken by that offset: the server's zone need not be the library's. A time without one
is the site's local time; where the clock repeats an hour both readings are given and the caller picks.
Formats: https://help.oclc.org/Library_Management/EZproxy/Configure_resources/LogFormat (``%t`` is Apache's).
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import msgspec

from pseudonymiser.bounded_cache import BoundedCache
from pseudonymiser.errors import LogFormatError, TimezoneError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = "|".join(_MONTHS)
_OFFSET = r"(?P<zone>[+-]\d\d:?\d\d|[+-]\d\d|Z|UTC|GMT)"
_QUARTER = 900  # s; no zone changes its offset inside a quarter of an hour
_FARTHEST = 64_800  # s; no offset from UTC is larger
_EARLIEST, _LATEST = 0, 4_102_444_800  # 1970 to 2100: anything else is a broken line

_DIRECTIVES = {
    "Y": r"(?P<year>\d{4})",
    "y": r"(?P<short>\d\d)",
    "m": r"(?P<month>\d\d)",
    "b": rf"(?P<name>(?i:{_MONTH_NAME}))",
    "h": rf"(?P<name>(?i:{_MONTH_NAME}))",
    "B": rf"(?P<name>(?i:{_MONTH_NAME}))[A-Za-z]*",
    "d": r"(?P<day>\d\d)",
    "e": r"(?P<day>[ \d]?\d)",
    "j": r"(?P<ordinal>\d{3})",
    "H": r"(?P<hour>\d\d)",
    "k": r"(?P<hour>[ \d]?\d)",
    "I": r"(?P<half>\d\d)",
    "p": r"(?P<noon>[AaPp]\.?[Mm]\.?)",
    "M": r"(?P<minute>\d\d)",
    "S": r"(?P<second>\d\d)",
    "s": r"(?P<epoch>\d{1,10})",
    "z": _OFFSET,
    "Z": r"(?P<zone>[A-Za-z0-9+:-]{1,9})",
    "a": "[A-Za-z]{3}",
    "A": "[A-Za-z]{6,9}",
    "n": r"\n",
    "t": r"\t",
    "%": "%",
}
_SHORTHANDS = {
    "T": "%H:%M:%S",
    "R": "%H:%M",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "r": "%I:%M:%S %p",
    "c": "%a %b %e %H:%M:%S %Y",
}
_BRACKETED = len("[30/Nov/2025:12:00:00 +0000]")
_SECONDS = {f"{second:02d}": second for second in range(1, 60)}
_CALENDAR = "%d/%b/%Y:%H:%M:%S"
_CLF = re.compile(
    r"(\d\d)/([A-Za-z]{3})/(\d{4}):([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60) ([+-])(\d\d)([0-5]\d)", re.ASCII
)


class Instant(msgspec.Struct, frozen=True, gc=False):
    """One reading of a time text."""

    time: int  # s UTC
    offset: int  # the site's offset from UTC then, s
    again: int  # the second reading in a repeated hour, s UTC; else the same as ``time``


class Zone:
    """The site's zone. Offsets are remembered per quarter of an hour."""

    def __init__(self, name: str) -> None:
        self._zone = _zone(name)
        self._offsets: dict[int, int] = {}

    def offset(self, time: int) -> int:
        """Seconds that the site's clock is ahead of UTC at ``time`` (s UTC)."""
        quarter = time // _QUARTER
        if (known := self._offsets.get(quarter)) is not None:
            return known
        if len(self._offsets) > 50_000:
            self._offsets.clear()
        shift = datetime.fromtimestamp(quarter * _QUARTER, self._zone).utcoffset()
        self._offsets[quarter] = offset = int(shift.total_seconds()) if shift is not None else 0
        return offset

    def local(self, moment: datetime) -> tuple[int, int]:
        """Both readings of a local time, s UTC; equal except where the clock repeats an hour."""
        first = int(moment.replace(tzinfo=self._zone, fold=0).timestamp())
        second = int(moment.replace(tzinfo=self._zone, fold=1).timestamp())
        return first, max(first, second)


class TimeFormat:
    """Reads time texts of one shape."""

    def __init__(self, patterns: tuple[re.Pattern[str], ...], zone: Zone) -> None:
        self._patterns = patterns
        self._zone = zone
        self._minutes = BoundedCache(self._read, 10_000)
        self._midnights = BoundedCache(_midnight, 1_000)

    def read(self, text: str) -> Instant | None:
        """None: not a time of this shape, or not a date that exists."""
        if len(text) == _BRACKETED and text[0] == "[" and (second := _SECONDS.get(text[19:21])):
            minute = self._minutes[f"{text[:19]}00{text[21:]}"]
            return minute and Instant(minute.time + second, minute.offset, minute.again + second)
        return self._read(text)

    def _read(self, text: str) -> Instant | None:
        text = text.strip(" []")
        if found := _CLF.fullmatch(text):
            return self._common(found)
        for pattern in self._patterns:
            if match := pattern.fullmatch(text):
                return self._assemble(match.groupdict())
        return None

    def _common(self, match: re.Match[str]) -> Instant | None:
        """``dd/Mon/yyyy:HH:MM:SS +zzzz``, the usual shape."""
        day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
        if (midnight := self._midnights[year, month, day]) < 0:
            return None
        shift = int(zone_hours) * 3600 + int(zone_minutes) * 60
        if shift > _FARTHEST:
            return None
        local = midnight + int(hour) * 3600 + int(minute) * 60 + int(second)
        return self._instant(local + shift if sign == "-" else local - shift)

    def _assemble(self, parts: dict[str, str | None]) -> Instant | None:
        if (epoch := parts.get("epoch")) is not None:
            return self._instant(int(epoch))
        try:
            moment = _moment(parts)
            zone = _fixed(parts.get("zone") or "")
        except ValueError:
            return None
        if zone is not None:
            return self._instant(int(moment.replace(tzinfo=zone).timestamp()))
        first, second = self._zone.local(moment)
        instant = self._instant(first)
        return msgspec.structs.replace(instant, again=second) if instant is not None else None

    def _instant(self, time: int) -> Instant | None:
        if not _EARLIEST < time < _LATEST:
            return None
        return Instant(time, self._zone.offset(time), time)


def strftime_pattern(directives: str, *, column: int = 0) -> str:
    """A strftime text as the source of a regular expression with named groups.

    Raises:
        LogFormatError: a directive that is not known, or the date or the time of day is missing.
    """
    for short, long in _SHORTHANDS.items():
        directives = directives.replace(f"%{short}", long)
    pieces = re.split(r"%([A-Za-z%])", directives)
    unknown = [directive for directive in pieces[1::2] if directive not in _DIRECTIVES]
    if unknown:
        raise LogFormatError(
            f"strftime directive %{unknown[0]} is not known",
            column=column,
            mend="Use %Y %m %d %H %M %S and %z, for example %{%Y-%m-%dT%H:%M:%S%z}t.",
        )
    source = "".join(_DIRECTIVES[p] if i % 2 else re.escape(p) for i, p in enumerate(pieces))
    _refuse_incomplete(directives, source, column)
    return source


def compile_strftime(directives: str, zone: Zone, *, column: int = 0) -> TimeFormat:
    """A reader of times written by ``directives``; see :func:`strftime_pattern` for what it raises."""
    return TimeFormat((re.compile(strftime_pattern(directives, column=column), re.ASCII),), zone)


def common_time(zone: Zone) -> TimeFormat:
    """``%t``, also without its offset."""
    source = rf"{strftime_pattern(_CALENDAR)}(?:[.,]\d{{1,9}})? ?{_OFFSET}?"
    return TimeFormat((re.compile(source, re.ASCII),), zone)


def any_time(zone: Zone) -> TimeFormat:
    """A time in a field of the site's own: ISO 8601, slashed, the common form, or seconds since 1970."""
    clock = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    shapes = (
        rf"(?P<year>\d{{4}})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T :]{clock}(?:[.,]\d+)? ?{_OFFSET}?",
        rf"(?P<day>\d\d)[-/ ](?P<name>(?i:{_MONTH_NAME}))[-/ ](?P<year>\d{{4}})[: ]{clock} ?{_OFFSET}?",
        rf"(?P<day>\d\d)[-/.](?P<month>\d\d)[-/.](?P<year>\d{{4}})[T :]{clock} ?{_OFFSET}?",
        r"(?P<epoch>\d{9,10})(?:\.\d+|\d{3})?",
    )
    return TimeFormat(tuple(re.compile(shape, re.ASCII) for shape in shapes), zone)


def _refuse_incomplete(directives: str, source: str, column: int) -> None:
    names = re.findall(r"\(\?P<(\w+)>", source)
    dated = {"year", "short"} & set(names) and ({"month", "name"} & set(names) and "day" in names)
    dated = dated or {"year", "ordinal"} <= set(names)
    timed = {"hour", "minute"} <= set(names) or {"half", "noon", "minute"} <= set(names)
    if "epoch" not in names and not (dated and timed):
        raise LogFormatError(
            f"the time {directives!r} lacks the date or the time of day",
            column=column,
            mend="Log both, for example %{%Y-%m-%dT%H:%M:%S%z}t.",
        )
    if len(names) != len(set(names)):
        raise LogFormatError(
            f"the time {directives!r} names one part twice", column=column, mend="Name each part once."
        )


def _moment(parts: dict[str, str | None]) -> datetime:
    get = {name: value for name, value in parts.items() if value is not None}
    year = int(get["year"]) if "year" in get else 2000 + int(get["short"])
    clock = time(_hour(get), int(get["minute"]), min(int(get.get("second", "0")), 59))
    if "ordinal" in get:
        return datetime.combine(date(year, 1, 1) + timedelta(days=int(get["ordinal"]) - 1), clock)
    month = int(get["month"]) if "month" in get else _MONTHS.index(get["name"].lower()) + 1
    return datetime.combine(date(year, month, int(get["day"])), clock)


def _hour(get: dict[str, str]) -> int:
    if "hour" in get:
        return int(get["hour"])
    return int(get["half"]) % 12 + (12 if get["noon"][0] in "Pp" else 0)


def _fixed(zone: str) -> tzinfo | None:
    """An offset as written; None where there is none, or only a name that says less than the site's zone."""
    if zone in {"Z", "UTC", "GMT"}:
        return UTC
    if not zone or zone[0] not in "+-":
        return None
    digits = zone[1:].replace(":", "").ljust(4, "0")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]))
    if shift > timedelta(seconds=_FARTHEST):
        raise ValueError
    return timezone(-shift if zone[0] == "-" else shift)


def _midnight(date: tuple[str, str, str]) -> int:
    """Midnight UTC of (year, month, day), s UTC; negative where there is no such date."""
    year, month, day = date
    try:
        return int(datetime(int(year), _MONTHS.index(month.lower()) + 1, int(day), tzinfo=UTC).timestamp())
    except ValueError:
        return -1


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise TimezoneError(
            f"time zone {name[:60]!r} is not known; give an IANA name such as Europe/London"
        ) from None
