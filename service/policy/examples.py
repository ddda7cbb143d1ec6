"""Examples of a detection: what a made-up reader does, in words of a policy file, as events of the stream.

The reader of every example has some ordinary weeks behind him: a few documents a day of two platforms, from
home and campus. Then come the steps of ``does``. A name of a network or platform that is not one of his
usual ones is new to him.
"""

import random
from collections.abc import Iterator
from typing import Annotated, Literal
from zlib import crc32

import msgspec

from service.records.events import AccessEvent, EventKind, Location, NetworkKind, Resource

FIRST_DAY = 20_000  # of the history, days since 1970; UTC is the local time of all examples
DAY, HOUR, MORNING = 86_400, 3_600, 10 * 3_600
PLATFORMS = ("sciencedirect", "jstor")  # the reader's usual ones
JOURNALS = 9  # his usual ones, of each platform
_DIGITS = "0123456789abcdefghijklmnopqrstuv"  # of a document's token

Few = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
Hour = Annotated[float, msgspec.Meta(ge=0, lt=24)]

_TOWNS: dict[str, Location] = {
    "home": Location("GB", "Leeds", 53.80, -1.55, "Example Broadband", NetworkKind.ISP),
    "near": Location("GB", "York", 53.96, -1.08, "Example Telecom", NetworkKind.ISP),
    "abroad": Location("JP", "Osaka", 34.69, 135.50, "Example Overseas", NetworkKind.ISP),
}


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something the reader does, one round after another; a round is its pages, then its document."""

    documents: Few = 0
    pages: Few = 0  # looked at before each document; without documents, as many rounds of one page
    refused: Few = 0  # pages that are refused, before all else
    failed_logins: Few = 0
    logins: Few = 0  # that work, after those that fail
    every: Annotated[float, msgspec.Meta(ge=1, le=DAY)] = 60.0  # s between rounds
    even: bool = False  # to the second, as a machine does it
    at: Hour | None = None  # hour of the day at which it begins; by default right after the step before
    after_days: Annotated[int, msgspec.Meta(ge=0, le=3_650)] = 0  # of silence
    each_day: Annotated[int, msgspec.Meta(ge=1, le=30)] = 1  # on so many days
    network: str = "home"  # "home", "campus", or a name of its own
    networks: Annotated[int, msgspec.Meta(ge=1, le=50)] = 1  # another one each round
    kind: NetworkKind | None = None  # of the network; by default campus's for "campus", else a provider's
    town: Literal["home", "near", "abroad"] = "home"
    session: str = ""  # a name keeps the session; by default one a day
    platform: str = "usual"  # or a name of its own
    platforms: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1  # another one each round
    in_order: bool = False  # the documents of one journal, one after another
    megabytes: Annotated[float, msgspec.Meta(ge=0, le=1_000)] = 0.8  # of a document


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a reader does, and whether the detection is among the reasons for it."""

    says: str  # in a sentence
    fires: bool
    does: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]
    days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 30  # ordinary ones behind him,
    documents: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3  # of so many documents each


def history(example: Example) -> Iterator[list[AccessEvent]]:
    """The ordinary days, each the events of one day."""
    chance = random.Random(0)  # noqa: S311 - no secret
    for day in range(example.days):
        network = "campus" if day % 2 else "home"
        step = Step(documents=example.documents, pages=2, every=400, network=network)
        yield list(_rounds(step, (FIRST_DAY + day) * DAY + MORNING, day * 1_000, chance))


def doings(example: Example) -> Iterator[list[AccessEvent]]:
    """What comes after them, each list the events of one day."""
    chance = random.Random(1)  # noqa: S311 - no secret
    number = 500_000
    clock = (FIRST_DAY + example.days) * DAY + MORNING
    today: list[AccessEvent] = []
    for step in example.does:
        for repeat in range(step.each_day):
            start = _start(step, clock, later=repeat > 0)
            for event in _rounds(step, start, number, chance):
                if today and event.time // DAY > today[-1].time // DAY:
                    yield today
                    today = []
                today.append(event)
            number += 1_000
            clock = today[-1].time + 60 if today else start
    yield today


def _start(step: Step, clock: int, *, later: bool) -> int:
    """When a step begins that could begin at ``clock``."""
    days = 1 if later else step.after_days
    if step.at is None and not days:
        return clock
    hour = MORNING if step.at is None else int(step.at * HOUR)
    start = (clock // DAY + days) * DAY + hour
    return start if start >= clock else start + DAY


def _rounds(step: Step, start: int, number: int, chance: random.Random) -> Iterator[AccessEvent]:
    """The events of a step; ``number`` tells its documents from those of others."""
    time = float(start)
    before = (EventKind.PAGE,) * step.refused + (EventKind.LOGIN_FAILED,) * step.failed_logins
    for at, kind in enumerate((*before, *(EventKind.LOGIN_OK,) * step.logins)):
        yield _event(step, int(time), at, kind, status=403 if kind is EventKind.PAGE else 200)
        time += step.every
    for at in range(step.documents or step.pages):
        for look in range(step.pages if step.documents else 1):
            yield _event(step, int(time) + look, at, EventKind.PAGE)
        if step.documents:
            journal = 0 if step.in_order else chance.randrange(JOURNALS)
            yield _event(step, int(time) + step.pages, at, EventKind.PDF, number + at, journal)
        time += step.every * (1.0 if step.even else chance.uniform(0.3, 1.7))


def _event(
    step: Step,
    time: int,
    at: int,
    kind: EventKind,
    document: int = -1,
    journal: int = 0,
    *,
    status: int = 200,
) -> AccessEvent:
    network = step.network if step.networks == 1 else f"{step.network}-{at % step.networks}"
    platform = _platform(step, at)
    reads = document >= 0
    return AccessEvent(
        time=time,
        offset=0,
        account="example",
        session=step.session or f"session-{time // DAY}-{network}",
        address=f"{network}/1",
        network=network,
        place=_place(step, network),
        method="GET",
        status=status,
        size=int(step.megabytes * 1e6) if reads else 20_000,
        resource=Resource(
            platform,
            kind,
            document=_token(document) if reads else "",
            journal=_token(crc32(f"{platform}/{journal}".encode())) if reads else "",
            sequence=at if step.in_order else -1,
        ),
    )


def _platform(step: Step, at: int) -> str:
    if step.platforms > 1:
        return f"{step.platform}-{at % step.platforms}"
    if step.platform != "usual":
        return step.platform
    return PLATFORMS[0 if step.in_order else at % len(PLATFORMS)]


def _place(step: Step, network: str) -> Location:
    """Networks in a town of his have an owner that he knows, unless the step says another kind."""
    town = _TOWNS[step.town]
    if network == "campus":
        return msgspec.structs.replace(town, owner="Example University", kind=NetworkKind.CAMPUS)
    if step.kind is not None:
        return msgspec.structs.replace(town, owner=f"Example {step.kind.value}", kind=step.kind)
    return town


def _token(number: int) -> str:
    """A document's token, spread evenly as keyed tokens are."""
    mixed = (number + 1) * 0x9E3779B97F4A7C15 % (1 << 60)
    return "".join(_DIGITS[mixed >> shift & 31] for shift in range(55, -1, -5))
