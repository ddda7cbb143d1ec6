"""Numbers, times and pseudonyms in words, for the templates. Pure."""

from datetime import UTC, datetime

from markupsafe import Markup

from service.kernel.measures import M
from service.records.events import Location, Reason

_LABELS = {measure.name.lower(): measure.spec.label for measure in M}
_STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def number(value: float) -> str:
    """At most three significant figures below 100, whole and grouped above.

    >>> number(3.0), number(2.46), number(1234.5)
    ('3', '2.5', '1,234')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def score(value: float) -> str:
    """Write a score with one digit.

    >>> score(14)
    '14.0'
    """
    return f"{value:.1f}"


def fixed(value: float, digits: int = 2) -> str:
    """Write a number with as many digits behind the point.

    >>> fixed(0.5), fixed(0.00012, 4)
    ('0.50', '0.0001')
    """
    return f"{value:,.{digits}f}"


def percent(value: float) -> str:
    """Write a percentage, never none where there is some.

    >>> percent(0.004), percent(0), percent(12.34)
    ('< 0.1 %', '0 %', '12.3 %')
    """
    return "< 0.1 %" if 0 < value < 0.1 else f"{number(value)} %"


def plural(value: float, noun: str) -> str:
    """Count things by their name.

    >>> plural(1, 'event'), plural(2, 'event')
    ('1 event', '2 events')
    """
    return f"{number(value)} {noun if value == 1 else noun + 's'}"


def age(seconds: float) -> str:
    """Tell how long ago something was.

    >>> age(30), age(3_700), age(200_000)
    ('just now', '1 hour ago', '2 days ago')
    """
    for size, noun in _STEPS:
        if seconds >= size:
            return f"{plural(int(seconds // size), noun)} ago"
    return "just now"


def duration(seconds: float) -> str:
    """Tell how long something takes.

    >>> duration(20), duration(90), duration(7_200)
    ('20 seconds', '1 minute', '2 hours')
    """
    for size, noun in _STEPS:
        if seconds >= size:
            return plural(int(seconds // size), noun)
    return plural(int(seconds), "second")


def utc(seconds: float) -> str:
    """A moment, to the minute.

    >>> utc(0)
    '1 Jan 1970 00:00 UTC'
    """
    moment = _moment(seconds)
    return f"{moment.day} {moment:%b %Y %H:%M} UTC"


def date(day: int) -> str:
    """A local day, days since 1970.

    >>> date(20_781)
    '24 Nov 2026'
    """
    moment = _moment(day * 86_400)
    return f"{moment.day} {moment:%b %Y}"


def day_name(day: int) -> str:
    """A day since 1970.

    >>> day_name(0)
    '1 Jan'
    """
    moment = _moment(day * 86_400)
    return f"{moment.day} {moment:%b}"


def when(seconds: float, seconds_too: bool = False) -> Markup:
    """A ``<time>`` element; the page's script adds the reader's local time where there is a script."""
    moment = _moment(seconds)
    shown = f"{moment.day} {moment:%b %H:%M:%S}" if seconds_too else utc(seconds)
    return Markup('<time datetime="{}">{}</time>').format(f"{moment:%Y-%m-%dT%H:%M:%SZ}", shown)


def short(token: str) -> str:
    """A pseudonym's first eight characters after its kind: enough to tell accounts apart by eye.

    >>> short('u1_abcdefghijklmnopqrstuvwx')
    'u1_abcdefgh'
    """
    kind, found, rest = token.partition("_")
    return f"{kind}_{rest[:8]}" if found else token[:8]


def place_name(place: Location) -> str:
    """City and country as far as they are known."""
    return ", ".join(part for part in (place.city, place.country) if part) or "unknown"


def one_in(peers: float) -> str:
    """How rare the observed value is among the site's account-days.

    >>> one_in(1.0), one_in(12_400)
    ('common', '1 in 12,000')
    """
    if peers < 2:
        return "common"
    if peers >= 1e6:
        return "less than 1 in a million"
    digits = max(0, len(str(int(peers))) - 2)
    return f"1 in {round(peers / 10**digits) * 10**digits:,}"


def measure_label(reason: Reason) -> str:
    """The measure's name, or its sentence where this version has no name for it."""
    return _LABELS.get(reason.measure.lower().replace("-", "_"), reason.text)


def _moment(seconds: float) -> datetime:
    """UTC; a time that no calendar has (a corrupt one) is shown as its nearest."""
    return datetime.fromtimestamp(min(max(seconds, 0), 253_402_300_799), UTC)


FILTERS = {
    "score": score,
    "number": number,
    "fixed": fixed,
    "percent": percent,
    "plural": plural,
    "age": age,
    "duration": duration,
    "utc": utc,
    "date": date,
    "when": when,
    "short": short,
    "one_in": one_in,
    "place": place_name,
    "measure_label": measure_label,
}
