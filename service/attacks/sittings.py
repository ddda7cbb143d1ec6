"""What a thief does, and what the owner goes on doing beside: the sittings of a theft."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from service.attacks.families import HOUR, Dials, Draws, Hours, Rotation, Take

DAY = 86_400.0
MOST_FETCHES = 250  # of one sitting
MOST_SITTINGS = 120  # of one theft
MOST_DAYS = 21
A_BUYER = 1000  # numbers of places, from one buyer to the next
OWN = -1  # in place of the number of a place: where the owner reads


class SessionPlan(NamedTuple):
    """A run of fetches from one place."""

    start: float  # s after the theft's midnight
    where: int  # 0 and up: a place of the thief's; OWN: where the owner reads
    fetches: int
    gap: float  # median s between them
    spread: float  # of ln(gap)
    pages: float  # looked at for each
    refused: float = 0.02
    platforms: int = 3  # so many are used; -1 another one for each
    own: bool = False  # those of the account
    ordered: bool = False  # one journal, document after document
    texts: bool = True  # full texts; else records
    session: int = -1  # number of a session that goes on; -1 a new one
    guesses: int = 0  # failed logins before


def session_plans(d: Dials, draws: Draws) -> list[SessionPlan]:
    """What the thief does, and what the owner goes on doing beside."""
    made = list[SessionPlan]()
    for buyer in range(d.buyers):
        made += _bought(d, draws, buyer)
    days = 1 + int(max(s.start for s in made) // DAY)
    if d.carried:
        begin = min(s.start for s in made)
        made.append(_owners(begin - draws.about(60, HOUR), draws, session=0))
    if d.beside:
        made += [_owners(day * DAY + draws.between(8, 21) * HOUR, draws)
                 for day in range(min(days, MOST_DAYS)) if draws.often(0.6)]  # fmt: skip
    return made


def _owners(start: float, draws: Draws, session: int = -1) -> SessionPlan:
    return SessionPlan(start, OWN, draws.upto(1, 5), 120.0, 1.0, 2.0, own=True, session=session)


def _bought(d: Dials, draws: Draws, buyer: int) -> Iterator[SessionPlan]:
    """One thief's sittings."""
    start = _at_work(d.hours, draws.between(0, DAY) + (DAY * draws.between(0, 3) if buyer else 0.0))
    place, left, day, today = A_BUYER * buyer, max(1, d.amount // d.buyers), int(start // DAY), 0
    if d.probes:
        yield from _probed(d, draws, start, place)
        start += draws.about(60, 6 * HOUR)
    for number in range(MOST_SITTINGS // d.buyers):
        if left <= 0 or start >= MOST_DAYS * DAY:
            return
        if int(start // DAY) > day:
            day, today = int(start // DAY), 0
        room = min(left, d.a_day - today, MOST_FETCHES)
        run = d.run * d.growth**day * math.exp(0.4 * float(draws.rng.standard_normal()))
        count = min(room, max(1, round(run)))
        if count > 0:
            spread_over = _in_places(d, draws, count)
            for part, fetches in enumerate(spread_over):
                yield _sat(d, start, place, fetches, d.guesses if number == part == 0 else 0)
                start += fetches * d.gap * math.exp(d.spread**2 / 2)
                place += d.rotation is Rotation.FEW
            left, today = left - count, today + count
        place += d.rotation is Rotation.SITTING
        rest = d.rest * math.exp(0.6 * float(draws.rng.standard_normal()))
        start = _at_work(
            d.hours, max(start + rest, (day + 1) * DAY + rest % DAY if today >= d.a_day else 0.0)
        )


def _sat(d: Dials, start: float, place: int, fetches: int, guesses: int) -> SessionPlan:
    platforms = -1 if d.take is Take.ANYTHING else d.platforms
    return SessionPlan(
        start, place, fetches, d.gap, d.spread, d.pages, d.refused, platforms, d.take is Take.OWN,
        d.take is Take.JOURNAL, d.texts, 0 if d.carried else -1, guesses,
    )  # fmt: skip


def _probed(d: Dials, draws: Draws, start: float, place: int) -> Iterator[SessionPlan]:
    """What does the account open? Platform after platform, hardly a document."""
    for _ in range(d.probes):
        yield SessionPlan(
            start,
            place,
            1,
            20.0,
            0.5,
            draws.between(0, 3),
            d.refused,
            platforms=-1,
            texts=draws.often(0.2),
            session=1,
        )
        start += draws.about(4, 150)


def _in_places(d: Dials, draws: Draws, count: int) -> Iterator[int]:
    """A sitting's fetches, split where another network is taken every few."""
    while count > 0:
        few = min(count, draws.upto(1, 8)) if d.rotation is Rotation.FEW else count
        yield few
        count -= few


def _at_work(hours: Hours, start: float) -> float:
    """The next time from then on at which this thief works."""
    hour = start % DAY / HOUR
    if hours is Hours.DAY and not 8 <= hour < 20:
        return start + (8 - hour) % 24 * HOUR
    if hours is Hours.NIGHT and 6 <= hour < 22:
        return start + (22 - hour) * HOUR
    return start
