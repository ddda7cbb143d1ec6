"""Events -> columns for the kernel.

Addresses and resources repeat, so what the kernel needs of them is worked out once and kept in two
side tables; an event row only points there. The tables are caches: emptied when large and at the
close of a day (they hold the site's prevalences of that day), with no effect on results.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from math import nan

import numpy as np
from numpy.typing import NDArray

from service.kernel.input_rows import EVENT, IGNORED, LOGIN_FAILED, LOGIN_OK, OWN_PAGE, PAGE, WHAT, WHERE
from service.kernel.input_rows import READING as READING_CODE
from service.records.events import READING, AccessEvent, EventKind, Location, NetworkKind, Resource

LARGEST = 200_000  # rows of a side table before it is emptied
MEASURED_AS: Mapping[EventKind, int] = {
    **dict.fromkeys(EventKind, PAGE),
    **dict.fromkeys(READING, READING_CODE),
    EventKind.ASSET: IGNORED,
    EventKind.POLL: IGNORED,
    EventKind.AUDIT: IGNORED,
    EventKind.MEDIA: OWN_PAGE,
    EventKind.LOGIN: OWN_PAGE,
    EventKind.CONNECT: OWN_PAGE,
    EventKind.MENU: OWN_PAGE,
    EventKind.LOGOUT: OWN_PAGE,
    EventKind.INTRUDER: OWN_PAGE,
    EventKind.BLOCKED: OWN_PAGE,
    EventKind.LOGIN_OK: LOGIN_OK,
    EventKind.LOGIN_FAILED: LOGIN_FAILED,
}
KIND_BIT = {kind: 1 << bit for bit, kind in enumerate(NetworkKind)}  # as kept in states: append only
HOSTING = frozenset({NetworkKind.HOSTING, NetworkKind.VPN})
NOT_READING = frozenset({"HEAD", "CONNECT"})  # others read what ingest says they do

Prevalence = Callable[[str, int], float]  # (table, key) -> share of the site's account-days


def key32(text: str) -> int:
    """A stable key of a name or pseudonym, 1 to 2**32 - 1; 0 stands for none."""
    if not text:
        return 0
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "little") or 1


def token32(token: str) -> int:
    """The same of a keyed token in base32hex, which is evenly spread already."""
    return int(token, 32) & 0xFFFFFFFF or 1 if token else 0


class KeyCache(dict[str, int]):
    """``keys[text]`` is what ``make`` made of it, at the cost of a dict lookup; "" is 0."""

    def __init__(self, make: Callable[[str], int]) -> None:
        super().__init__({"": 0})
        self._make = make

    def __missing__(self, text: str) -> int:
        key = self[text] = self._make(text)
        return key


class SideTable:
    """Rows added one by one and written to a structured array in bulk; ``array`` grows by doubling."""

    def __init__(self, layout: np.dtype[np.void]) -> None:
        self.array = np.zeros(1024, layout)
        self._written = 0
        self._waiting: list[tuple[object, ...]] = []

    def __len__(self) -> int:
        return self._written + len(self._waiting)

    def add(self, row: tuple[object, ...]) -> int:
        """The index of the new row, which ``array`` holds after the next ``write``."""
        self._waiting.append(row)
        return self._written + len(self._waiting) - 1

    def write(self) -> None:
        if not self._waiting:
            return
        while len(self) > len(self.array):
            self.array = np.concatenate([self.array, np.zeros_like(self.array)])
        end = len(self)
        self.array[self._written : end] = np.array(self._waiting, self.array.dtype)
        self._written = end
        self._waiting.clear()


class EventEncoder:
    """Turns batches into kernel rows and remembers the names behind the keys that pages show."""

    def __init__(self, prevalence: Prevalence) -> None:
        self._prevalence = prevalence
        self.names: dict[int, str] = {}
        self.new_names: list[str] = []
        self._keys = KeyCache(self._named)
        self._sessions = KeyCache(self._session)
        self.forget()

    @property
    def wheres(self) -> NDArray[np.void]:
        """WHERE rows that the event rows point to."""
        return self._where_rows.array

    @property
    def whats(self) -> NDArray[np.void]:
        """WHAT rows that the event rows point to."""
        return self._what_rows.array

    def forget(self) -> None:
        """Empty the side tables."""
        self._where_rows, self._what_rows = SideTable(WHERE), SideTable(WHAT)
        self._wheres: dict[str, tuple[Location, int]] = {}
        self._whats: dict[Resource, int] = {}
        # Ingest hands out one object per resource it remembers: looking at which one it is saves hashing it.
        self._same: dict[int, int] = {}
        self._held: list[Resource] = []  # of these ids, which nothing else may get meanwhile

    def name(self, names: Iterable[str]) -> None:
        """Remember names behind keys."""
        for text in names:
            if text not in self._keys:
                self._keys[text] = self._named(text)

    def rows(self, events: Sequence[AccessEvent], slots: Sequence[int]) -> NDArray[np.void]:
        """Kernel rows (n,) EVENT of events with an account; ``slots`` are their states' indexes."""
        if len(self._where_rows) + len(self._same) > LARGEST:
            self.forget()
        out = np.zeros(len(events), EVENT)
        out["slot"] = slots
        out["where"] = [self._where(e) for e in events]
        same = self._same
        out["what"] = [
            same[id(e.resource)] if id(e.resource) in same else self._what(e.resource) for e in events
        ]
        self._where_rows.write()
        self._what_rows.write()
        out["session"] = [self._sessions[e.session] for e in events]
        out["category"] = [self._keys[e.category] for e in events]
        out["time"] = [e.time for e in events]
        out["local"] = [e.time + e.offset for e in events]
        out["mb"] = [e.size for e in events]
        out["mb"] = np.maximum(out["mb"], 0.0) / 1e6
        status = np.array([e.status for e in events], np.int64)
        out["error"] = ((status >= 400) & (status < 500)) | (status == 599)
        out["document"] = (
            (self.whats["kind"][out["what"]] == READING_CODE)
            & (self.whats["document"][out["what"]] != 0)
            & ((status == 200) | (status == 206) | (status == 0))
            & np.array([e.method not in NOT_READING for e in events], np.bool_)
        )
        return out

    def _where(self, event: AccessEvent) -> int:
        found = self._wheres.get(event.address)
        if found is not None and (found[0] is event.place or found[0] == event.place):
            return found[1]
        return self._add_where(event)

    def _what(self, resource: Resource) -> int:
        row = self._whats.get(resource)
        if row is None:
            row = self._add_what(resource)
        self._same[id(resource)] = row
        self._held.append(resource)
        return row

    def _session(self, session: str) -> int:
        if len(self._sessions) > LARGEST:
            self._sessions.clear()
        return key32(session)

    def _named(self, text: str) -> int:
        key = key32(text)
        if key not in self.names:
            self.names[key] = text
            self.new_names.append(text)
        return key

    def _add_where(self, event: AccessEvent) -> int:
        place = event.place
        network, owner = key32(event.network), self._keys[place.owner]
        city = self._keys[f"{place.city}, {place.country}" if place.city else ""]
        located = place.latitude is not None and place.longitude is not None
        row = self._where_rows.add(
            (
                key32(event.address),
                network,
                owner,
                city,
                self._keys[place.country],
                place.latitude if located else nan,
                place.longitude if located else nan,
                place.kind in HOSTING,
                KIND_BIT[place.kind],
                self._prevalence("networks", network),
                self._prevalence("owners", owner),
                self._prevalence("cities", city),
            )
        )
        self._wheres[event.address] = (place, row)
        return row

    def _add_what(self, resource: Resource) -> int:
        platform = self._keys[resource.platform]
        row = self._what_rows.add(
            (
                MEASURED_AS[resource.kind],
                platform,
                token32(resource.journal),
                int(resource.document, 32) if resource.document else 0,
                resource.sequence,
                self._prevalence("platforms", platform),
            )
        )
        self._whats[resource] = row
        return row
