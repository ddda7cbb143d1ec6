"""Thefts of our own making, to learn from: every dial is drawn by itself, so that any meets any other.

A family is only the name of a region of the dials, for reports and for evaluations that leave regions out.
These are not the thieves of ``service.simulator``, by which detection is judged: other code and other dials,
so that an evaluation does not ask for what was taught word by word.
"""

import math
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

HOUR = 3600.0
UNLIMITED = 10_000  # fetches a day


class Draws:
    """Draws of one theft."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def about(self, low: float, high: float) -> float:
        """Uniform in the logarithm."""
        return math.exp(self.rng.uniform(math.log(low), math.log(high)))

    def upto(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def often(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)

    def one(self, odds: Sequence[float]) -> int:
        """The number of one of several, by their odds."""
        return int(np.searchsorted(np.cumsum(odds), self.rng.random() * sum(odds)))


class Victim(IntEnum):
    """Whose account it is."""

    KNOWN = 0  # read here before
    SILENT = 1  # not for weeks
    NEVER_SEEN = 2


class Hours(IntEnum):
    """When the thief works, by the site's clock."""

    ANY = 0
    DAY = 1
    NIGHT = 2


class Source(IntEnum):
    """What the thief's networks are."""

    HOSTING = 0
    VPN = 1
    ABROAD = 2  # households and telephones of another country
    HOME = 3  # of the owner's
    NEAR = 4  # in the owner's city, now and then the owner's provider
    UNIVERSITY = 5  # another one


class Rotation(IntEnum):
    """How often another of them is used."""

    NEVER = 0
    SITTING = 1
    FEW = 2  # documents


class Take(IntEnum):
    """What is taken."""

    OWN = 0  # what the owner reads
    SOME = 1  # a few platforms
    JOURNAL = 2  # one, in order
    ANYTHING = 3  # whatever somebody asks for


class Dials(NamedTuple):
    """One theft."""

    victim: Victim
    silent: int  # days before it, of a silent account
    amount: int  # fetches in all
    run: float  # of a sitting, on the first day
    rest: float  # median s between sittings
    a_day: int  # fetches at most
    growth: float  # of a sitting, from one day to the next
    gap: float  # median s between fetches
    spread: float  # of ln(gap): 0.1 is a machine, 1 a person
    hours: Hours
    source: Source
    rotation: Rotation
    buyers: int  # each with networks and hours of their own
    carried: bool  # with the owner's session; else with the password
    guesses: int  # wrong passwords first
    pages: float  # looked at for each document
    texts: bool  # full texts; else records, searches and exports only
    probes: int  # platforms that are tried before anything is taken
    take: Take
    platforms: int
    refused: float  # share of fetches answered with an error
    beside: bool  # the owner goes on reading


def drawn(draws: Draws) -> Dials:
    """A theft at random."""
    victim = Victim(draws.one((0.80, 0.09, 0.11)))
    probing = draws.often(0.10)
    slow = draws.often(0.3)
    take = Take(draws.one((0.2, 0.35, 0.15, 0.3)))
    return Dials(
        victim=victim,
        silent=draws.upto(18, 120) if victim is Victim.SILENT else 0,
        amount=round(draws.about(6, 60) if probing else draws.about(12, 700)),
        run=draws.about(2, 250),
        rest=draws.about(300, 20 * HOUR),
        a_day=round(draws.about(4, 40)) if slow else UNLIMITED,
        growth=draws.between(1.08, 2.0) if draws.often(0.12) else 1.0,
        gap=draws.about(1, 400),
        spread=draws.about(0.05, 1.3),
        hours=Hours(draws.one((0.5, 0.3, 0.2))),
        source=Source(draws.one((0.24, 0.13, 0.2, 0.18, 0.18, 0.07))),
        rotation=Rotation(draws.one((0.62, 0.23, 0.15))),
        buyers=draws.upto(2, 8) if draws.often(0.12) else 1,
        carried=victim is Victim.KNOWN and draws.often(0.15),
        guesses=draws.upto(1, 9) if draws.often(0.12) else 0,
        pages=0.0 if draws.often(0.35) else draws.about(0.3, 20.0),
        texts=draws.often(0.91),
        probes=draws.upto(6, 30) if probing else 0,
        take=take,
        platforms=1 if take is Take.JOURNAL else round(draws.about(1, 8)),
        refused=draws.about(0.05, 0.6) if probing or draws.often(0.2) else 0.02,
        beside=victim is Victim.KNOWN and draws.often(0.5),
    )  # fmt: skip


# Region of the dials, by name; the first that fits is a theft's family. Models know them by their number.
FAMILIES = (
    "burst", "drip", "shared", "testing", "residential", "hijacked", "dormant", "ramp", "sweep", "scihub",
    "mimic", "first", "metadata",
)  # fmt: skip


def family(d: Dials) -> str:  # noqa: PLR0911  # one line for each region is how it is read
    """The name of the region that a theft lies in."""
    if d.victim is Victim.NEVER_SEEN:
        return "first"
    if d.victim is Victim.SILENT:
        return "dormant"
    if not d.texts:
        return "metadata"
    if d.probes:
        return "testing"
    if d.carried:
        return "hijacked"
    if d.buyers > 1:
        return "shared"
    if d.growth > 1.0:
        return "ramp"
    if d.source is Source.NEAR and d.take is Take.OWN:
        return "mimic"
    if d.rotation is not Rotation.NEVER and d.source in (Source.ABROAD, Source.HOME, Source.NEAR):
        return "residential"
    return _by_pace(d)


def _by_pace(d: Dials) -> str:
    if d.a_day < UNLIMITED or d.gap > 240.0:
        return "drip"
    if d.take is Take.JOURNAL:
        return "sweep"
    return "scihub" if d.take is Take.ANYTHING else "burst"
