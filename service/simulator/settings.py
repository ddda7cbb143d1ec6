"""What a simulated world is made from, and what comes back.

SimulationError     the operator's settings or folder cannot be used; the message says what to mend
"""

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

DEFAULT_FORMAT = '%h %l %u %t "%r" %s %b'
PROFILES = ("university", "college", "overseas", "vpn")


class SimulationError(Exception):
    """Root and only member of this package's errors."""


class SimulationSettings(msgspec.Struct, frozen=True):
    """Everything a world depends on: equal settings give byte-identical files."""

    seed: int
    accounts: int
    days: int
    log_format: str = DEFAULT_FORMAT
    start: str = "2026-09-01"  # local date of the first day
    timezone: str = "Europe/London"  # IANA name; also decides the home country
    thefts_per_day: float | None = None  # None: 0.8 for each 5,000 accounts, see ``theft_count``
    profile: str = "university"


class SimulationSummary(msgspec.Struct, frozen=True):
    """What ``simulate`` wrote."""

    lines: int
    accounts: int
    days: int
    thefts: int
    first_time: int  # s UTC of the first line; 0 if there is none
    last_time: int


def check(settings: SimulationSettings) -> None:
    """Raises SimulationError for settings no world can be made from."""
    if settings.accounts < 10:
        raise SimulationError(f"accounts is {settings.accounts}; a world needs at least 10")
    if settings.days < 1:
        raise SimulationError(f"days is {settings.days}; a world needs at least 1")
    if settings.seed < 0:
        raise SimulationError(f"seed is {settings.seed}; give a whole number from 0 up")
    if settings.profile not in PROFILES:
        raise SimulationError(f"profile {settings.profile!r} is not known; give one of {', '.join(PROFILES)}")
    if settings.thefts_per_day is not None and not 0 <= settings.thefts_per_day < 10_000:
        raise SimulationError(f"thefts_per_day is {settings.thefts_per_day}; give a number from 0 up")
    zone(settings)
    first_date(settings)


def zone(settings: SimulationSettings) -> ZoneInfo:
    """The site's zone. Raises SimulationError if it is not known."""
    try:
        return ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SimulationError(
            f"timezone {settings.timezone!r} is not known; give an IANA name such as Europe/London"
        ) from error


def first_date(settings: SimulationSettings) -> dt.date:
    """The local date of day 0. Raises SimulationError if it is not a date."""
    try:
        return dt.date.fromisoformat(settings.start)
    except ValueError as error:
        raise SimulationError(f"start {settings.start!r} is not a date; give it as 2026-09-01") from error


def first_theft_day(settings: SimulationSettings) -> int:
    """No theft starts before this day: 14 quiet days in long worlds, a third of short ones."""
    return 14 if settings.days > 20 else settings.days // 3


def theft_count(settings: SimulationSettings) -> int:
    """Thefts in the history: 0.8 a day for 5,000 accounts, at least 8 where there are 14 days."""
    if settings.thefts_per_day is not None:
        wanted = round(settings.thefts_per_day * settings.days)
    else:
        wanted = round(0.8 * settings.accounts / 5000 * settings.days)
        wanted = max(wanted, 8 if settings.days >= 14 else 1)
    return min(wanted, settings.accounts // 5)
