"""The measures an account is judged by: their order, groups, units and words.

A measure is a number >= 0 taken after every event. Windows are exponential: a counter with time
constant T is multiplied by exp(-dt/T) at each event, so "in an hour" means "lately, weighted with
one hour". Measures of one group say one kind of thing; only the strongest of a group counts.
"""

from dataclasses import dataclass
from enum import IntEnum


class MeasureGroup(IntEnum):
    """Kinds of evidence."""

    RATE = 0
    DAY = 1
    WEEK = 2
    SPREAD = 3
    TRAVEL = 4
    TARGETS = 5
    ERRORS = 6
    RHYTHM = 7
    NOVELTY = 8


class M(IntEnum):
    """Index of each measure in the measure vector."""

    DOCS_10M = 0
    DOCS_1H = 1
    DOCS_10M_Z = 2
    DOCS_1H_Z = 3
    REQUESTS_1H = 4
    MB_1H = 5
    DOCS_1D = 6
    DOCS_1D_Z = 7
    MB_1D = 8
    DOCS_7D = 9
    DOCS_7D_Z = 10
    NETWORKS_1D = 11
    OWNERS_1D = 12
    CITIES_1D = 13
    COUNTRIES_1D = 14
    NETWORKS_1D_Z = 15
    ADDRESSES_1D = 16
    SESSIONS_1D = 17
    SPEED = 18
    SWITCHES_1H = 19
    TWO_PLACES = 20
    SESSION_MOVED = 21
    PLATFORMS_1H = 22
    PLATFORMS_1H_Z = 23
    DOCS_NEW_PLATFORM_1D = 24
    HOPS_1H = 25
    ERRORS_1H = 26
    ERROR_SHARE = 27
    LOGIN_FAILED_1H = 28
    FAILED_THEN_OK = 29
    REGULAR = 30
    SWEEP = 31
    PDF_ONLY = 32
    DOCS_NEW_NETWORK_1D = 33
    DOCS_NEW_NETWORK_7D = 34
    DOCS_YOUNG_NETWORK_7D = 35
    DOCS_JOINT_1D = 36
    DOCS_JOINT_7D = 37
    DOCS_HOSTING_1D = 38
    DOCS_ODD_HOUR_1D = 39
    DOCS_AFTER_SLEEP = 40
    JOURNALS_1D = 41
    DOCS_7D_TREND = 42
    DOCS_NEW_NETWORK_TREND = 43


K = len(M)
G = len(MeasureGroup)

# Measures that are also compared with the account's own daily maxima: (base, its z measure).
OWN = (
    (M.DOCS_10M, M.DOCS_10M_Z),
    (M.DOCS_1H, M.DOCS_1H_Z),
    (M.DOCS_1D, M.DOCS_1D_Z),
    (M.DOCS_7D, M.DOCS_7D_Z),
    (M.NETWORKS_1D, M.NETWORKS_1D_Z),
    (M.PLATFORMS_1H, M.PLATFORMS_1H_Z),
)


# Measures whose slow rise is followed: (base, its cumulative sum of what days are above the account's usual).
TRENDS = ((M.DOCS_7D, M.DOCS_7D_TREND), (M.DOCS_NEW_NETWORK_7D, M.DOCS_NEW_NETWORK_TREND))


@dataclass(frozen=True, slots=True)
class Measure:
    """How one measure is grouped and told."""

    index: M
    group: MeasureGroup
    label: str  # head of the table's row
    unit: str
    said: str  # "{n}" is the observed value


MEASURES: tuple[Measure, ...] = (
    Measure(
        M.DOCS_10M, MeasureGroup.RATE, "Documents in 10 minutes", "documents", "{n} documents in 10 minutes"
    ),
    Measure(M.DOCS_1H, MeasureGroup.RATE, "Documents in an hour", "documents", "{n} documents in one hour"),
    Measure(
        M.DOCS_10M_Z,
        MeasureGroup.RATE,
        "Documents in 10 minutes against own history",
        "standard deviations",
        "documents in 10 minutes {n} standard deviations above its own busiest",
    ),
    Measure(
        M.DOCS_1H_Z,
        MeasureGroup.RATE,
        "Documents in an hour against own history",
        "standard deviations",
        "documents in an hour {n} standard deviations above its own busiest",
    ),
    Measure(M.REQUESTS_1H, MeasureGroup.RATE, "Requests in an hour", "requests", "{n} requests in one hour"),
    Measure(M.MB_1H, MeasureGroup.RATE, "Megabytes in an hour", "MB", "{n} MB in one hour"),
    Measure(M.DOCS_1D, MeasureGroup.DAY, "Documents in a day", "documents", "{n} documents in a day"),
    Measure(
        M.DOCS_1D_Z,
        MeasureGroup.DAY,
        "Documents in a day against own history",
        "standard deviations",
        "documents in a day {n} standard deviations above its own busiest",
    ),
    Measure(M.MB_1D, MeasureGroup.DAY, "Megabytes in a day", "MB", "{n} MB in a day"),
    Measure(M.DOCS_7D, MeasureGroup.WEEK, "Documents in a week", "documents", "{n} documents in a week"),
    Measure(
        M.DOCS_7D_Z,
        MeasureGroup.WEEK,
        "Documents in a week against own history",
        "standard deviations",
        "documents in a week {n} standard deviations above its own busiest",
    ),
    Measure(M.NETWORKS_1D, MeasureGroup.SPREAD, "Networks in a day", "networks", "{n} networks in a day"),
    Measure(
        M.OWNERS_1D, MeasureGroup.SPREAD, "Network owners in a day", "owners", "{n} network owners in a day"
    ),
    Measure(M.CITIES_1D, MeasureGroup.SPREAD, "Cities in a day", "cities", "{n} cities in a day"),
    Measure(M.COUNTRIES_1D, MeasureGroup.SPREAD, "Countries in a day", "countries", "{n} countries in a day"),
    Measure(
        M.NETWORKS_1D_Z,
        MeasureGroup.SPREAD,
        "Networks in a day against own history",
        "standard deviations",
        "networks in a day {n} standard deviations above its own most",
    ),
    Measure(M.ADDRESSES_1D, MeasureGroup.SPREAD, "Addresses in a day", "addresses", "{n} addresses in a day"),
    Measure(M.SESSIONS_1D, MeasureGroup.SPREAD, "Sessions in a day", "sessions", "{n} sessions in a day"),
    Measure(
        M.SPEED,
        MeasureGroup.TRAVEL,
        "Travel speed to an unfamiliar city",
        "km/h",
        "a journey to an unfamiliar city at {n} km/h",
    ),
    Measure(
        M.SWITCHES_1H,
        MeasureGroup.TRAVEL,
        "Changes of address within 10 minutes",
        "changes",
        "{n} changes of address within minutes of each other",
    ),
    Measure(
        M.TWO_PLACES,
        MeasureGroup.TRAVEL,
        "In two distant places at once",
        "changes",
        "{n} changes between distant places within 10 minutes",
    ),
    Measure(
        M.SESSION_MOVED,
        MeasureGroup.TRAVEL,
        "One session on two networks",
        "moves",
        "one session carried {n} times to another network",
    ),
    Measure(
        M.PLATFORMS_1H, MeasureGroup.TARGETS, "Platforms in an hour", "platforms", "{n} platforms in one hour"
    ),
    Measure(
        M.PLATFORMS_1H_Z,
        MeasureGroup.TARGETS,
        "Platforms in an hour against own history",
        "standard deviations",
        "platforms in an hour {n} standard deviations above its own most",
    ),
    Measure(
        M.DOCS_NEW_PLATFORM_1D,
        MeasureGroup.TARGETS,
        "Documents from platforms new to it",
        "documents",
        "{n} documents in a day from platforms it does not use",
    ),
    Measure(
        M.HOPS_1H,
        MeasureGroup.TARGETS,
        "Hops between platforms in an hour",
        "hops",
        "{n} hops between platforms in one hour",
    ),
    Measure(
        M.ERRORS_1H,
        MeasureGroup.ERRORS,
        "Refused or missing pages in an hour",
        "errors",
        "{n} refused or missing pages in one hour",
    ),
    Measure(
        M.ERROR_SHARE,
        MeasureGroup.ERRORS,
        "Share of refused or missing pages",
        "%",
        "{n} % of its requests refused or missing",
    ),
    Measure(
        M.LOGIN_FAILED_1H,
        MeasureGroup.ERRORS,
        "Failed logins in an hour",
        "failures",
        "{n} failed logins in one hour",
    ),
    Measure(
        M.FAILED_THEN_OK,
        MeasureGroup.ERRORS,
        "Login from another network right after failures",
        "times",
        "a login from another network right after failed ones",
    ),
    Measure(
        M.REGULAR,
        MeasureGroup.RHYTHM,
        "Documents at a machine's rhythm",
        "documents",
        "about {n} documents an hour at evenly spaced moments",
    ),
    Measure(
        M.SWEEP,
        MeasureGroup.RHYTHM,
        "Documents of one journal in order",
        "documents",
        "{n} documents of one journal in order",
    ),
    Measure(
        M.PDF_ONLY,
        MeasureGroup.RHYTHM,
        "Documents taken without pages around them",
        "documents",
        "about {n} documents an hour taken without looking at a page",
    ),
    Measure(
        M.DOCS_NEW_NETWORK_1D,
        MeasureGroup.NOVELTY,
        "Documents from unfamiliar networks in a day",
        "documents",
        "{n} documents in a day from networks it does not use",
    ),
    Measure(
        M.DOCS_NEW_NETWORK_7D,
        MeasureGroup.NOVELTY,
        "Documents from unfamiliar networks in a week",
        "documents",
        "{n} documents in a week from networks it does not use",
    ),
    Measure(
        M.DOCS_YOUNG_NETWORK_7D,
        MeasureGroup.NOVELTY,
        "Documents from networks first seen lately",
        "documents",
        "{n} documents in a week from networks first seen less than three weeks ago",
    ),
    Measure(
        M.DOCS_JOINT_1D,
        MeasureGroup.NOVELTY,
        "Documents from unfamiliar network and platform in a day",
        "documents",
        "{n} documents in a day from a network and a platform that are both unfamiliar",
    ),
    Measure(
        M.DOCS_JOINT_7D,
        MeasureGroup.NOVELTY,
        "Documents from unfamiliar network and platform in a week",
        "documents",
        "{n} documents in a week from a network and a platform that are both unfamiliar",
    ),
    Measure(
        M.DOCS_HOSTING_1D,
        MeasureGroup.NOVELTY,
        "Documents to hosting or VPN networks",
        "documents",
        "{n} documents in a day to hosting or VPN networks it does not use",
    ),
    Measure(
        M.DOCS_ODD_HOUR_1D,
        MeasureGroup.NOVELTY,
        "Documents at hours unusual for it",
        "documents",
        "{n} documents in a day at hours when it is not usually active",
    ),
    Measure(
        M.DOCS_AFTER_SLEEP,
        MeasureGroup.NOVELTY,
        "Documents after a long silence",
        "documents",
        "{n} documents right after a silence of weeks",
    ),
    Measure(M.JOURNALS_1D, MeasureGroup.TARGETS, "Journals in a day", "journals", "{n} journals in a day"),
    Measure(
        M.DOCS_7D_TREND,
        MeasureGroup.WEEK,
        "Rise of reading day after day",
        "points",
        "weekly reading above its own usual for days on end, {n} points in all",
    ),
    Measure(
        M.DOCS_NEW_NETWORK_TREND,
        MeasureGroup.NOVELTY,
        "Rise of reading from unfamiliar networks",
        "points",
        "more and more read from unfamiliar networks for days on end, {n} points in all",
    ),
)

GROUP_OF: tuple[int, ...] = tuple(int(m.group) for m in MEASURES)
BASE_OF: dict[M, M] = {z: base for base, z in OWN}
