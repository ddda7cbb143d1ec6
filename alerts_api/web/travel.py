"""Journeys between places, as the events of an account show them."""

from collections.abc import Iterable
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

import msgspec

from service.records.events import AccessEvent, Location, NetworkKind

_EARTH_KM = 6371.0
_NEAR_KM = 50.0  # databases of places are no better than this


class Journey(msgspec.Struct, frozen=True):
    """All moves of an account from one place to another."""

    start: Location
    end: Location
    times: int
    kilometres: float
    shortest: int  # s between the event before the fastest move and the one after it
    last: int  # s UTC, of the newest arrival
    note: str  # why the place may not be where the reader was, or ""

    @property
    def speed(self) -> float | None:
        """km/h of the fastest move; ``None`` when it took no second at all."""
        return self.kilometres * 3_600 / self.shortest if self.shortest > 0 else None


def journeys(events: Iterable[AccessEvent]) -> tuple[Journey, ...]:
    """The journeys of 50 km or more in ``events``, fastest first.

    ``events`` must be in order of time; those at unknown coordinates are passed over.
    """
    placed = [
        event for event in events if event.place.latitude is not None and event.place.longitude is not None
    ]
    found: dict[tuple[str, ...], Journey] = {}
    for start, end in pairwise(placed):
        kilometres = _distance(start.place, end.place)
        if kilometres >= _NEAR_KM:
            key = (*_key(start.place), *_key(end.place))
            found[key] = _joined(found.get(key), start, end, kilometres)
    return tuple(sorted(found.values(), key=lambda journey: (-_haste(journey), -journey.last)))


def _joined(known: Journey | None, start: AccessEvent, end: AccessEvent, kilometres: float) -> Journey:
    seconds = max(0, end.time - start.time)
    return Journey(
        start=start.place,
        end=end.place,
        times=known.times + 1 if known else 1,
        kilometres=kilometres,
        shortest=min(known.shortest, seconds) if known else seconds,
        last=end.time,
        note=_note(start.place, end.place),
    )


def _key(place: Location) -> tuple[str, str]:
    return place.country, place.city


def _haste(journey: Journey) -> float:
    return float("inf") if journey.speed is None else journey.speed


def _note(start: Location, end: Location) -> str:
    kinds = {start.kind, end.kind}
    if kinds & {NetworkKind.VPN, NetworkKind.HOSTING}:
        return "VPN or hosting network"
    return "mobile network" if NetworkKind.MOBILE in kinds else ""


def _distance(start: Location, end: Location) -> float:
    """Great circle distance in km (haversine formula)."""
    lat1, lon1 = radians(start.latitude or 0.0), radians(start.longitude or 0.0)
    lat2, lon2 = radians(end.latitude or 0.0), radians(end.longitude or 0.0)
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * asin(sqrt(min(1.0, half)))
