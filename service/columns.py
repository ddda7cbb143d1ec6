"""Events -> columns for the kernel.

Addresses and resources repeat, so what the kernel needs of them is worked out once and kept in two
side tables; an event row only points there. The tables are caches: emptied when large and at the
close of a day (they hold the site's prevalences of that day), with no effect on results.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from service.events import READING, AccessEvent, Kind, NetworkKind, Place, Resource
from service.rows import EVENT, IGNORED, LOGIN_FAILED, LOGIN_OK, OWN_PAGE, PAGE, WHAT, WHERE
from service.rows import READING as READING_CODE

LARGEST = 200_000  # rows of a side table before it is emptied
MEASURED_AS: Mapping[Kind, int] = {
    **dict.fromkeys(Kind, PAGE),
    **dict.fromkeys(READING, READING_CODE),
    Kind.ASSET: IGNORED,
    Kind.POLL: IGNORED,
    Kind.AUDIT: IGNORED,
    Kind.MEDIA: OWN_PAGE,
    Kind.LOGIN: OWN_PAGE,
    Kind.CONNECT: OWN_PAGE,
    Kind.MENU: OWN_PAGE,
    Kind.LOGOUT: OWN_PAGE,
    Kind.INTRUDER: OWN_PAGE,
    Kind.BLOCKED: OWN_PAGE,
    Kind.LOGIN_OK: LOGIN_OK,
    Kind.LOGIN_FAILED: LOGIN_FAILED,
}
HOSTING = frozenset({NetworkKind.HOSTING, NetworkKind.VPN})
NOT_READING = frozenset({"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE"})

Prevalence = Callable[[str, int], float]  # (table, key) -> share of the site's account-days


def key32(text: str) -> int:
    """A stable key of a name or pseudonym, 1 to 2**32 - 1; 0 stands for none."""
    if not text:
        return 0
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "little") or 1


class Columns:
    """Turns batches into kernel rows and remembers the names behind the keys that pages show."""

    def __init__(self, prevalence: Prevalence) -> None:
        self._prevalence = prevalence
        self.names: dict[int, str] = {}
        self.new_names: list[str] = []
        self._sessions: dict[str, int] = {}
        self.forget()

    def forget(self) -> None:
        """Empty the side tables."""
        self._wheres: dict[str, tuple[Place, int]] = {}
        self._whats: dict[Resource, int] = {}
        # Ingest hands out one object per resource it remembers: looking at which one it is saves hashing it.
        self._same: dict[int, tuple[Resource, int]] = {}
        self.wheres = np.zeros(1024, WHERE)
        self.whats = np.zeros(1024, WHAT)
        self._rows_of_wheres = 0

    def rows(self, events: Sequence[AccessEvent], slots: Sequence[int]) -> NDArray[np.void]:
        """Kernel rows (n,) EVENT of events with an account; ``slots`` are their states' indexes."""
        if self._rows_of_wheres + len(self._same) > LARGEST:
            self.forget()
        out = np.zeros(len(events), EVENT)
        out["slot"] = slots
        out["where"] = [self._where(e) for e in events]
        out["what"] = [self._what(e.resource) for e in events]
        out["session"] = [self._session(e.session) for e in events]
        out["time"] = [e.time for e in events]
        out["local"] = [e.time + e.offset for e in events]
        out["mb"] = [e.size for e in events]
        out["mb"] = np.maximum(out["mb"], 0.0) / 1e6
        status = np.fromiter((e.status for e in events), np.int64, len(events))
        out["error"] = ((status >= 400) & (status < 500)) | (status == 599)
        out["document"] = (
            (self.whats["kind"][out["what"]] == READING_CODE)
            & (self.whats["document"][out["what"]] != 0)
            & ((status == 200) | (status == 206) | (status == 0))
            & np.fromiter((e.method not in NOT_READING for e in events), np.bool_, len(events))
        )
        return out

    def _where(self, event: AccessEvent) -> int:
        found = self._wheres.get(event.address)
        if found is not None and (found[0] is event.place or found[0] == event.place):
            return found[1]
        return self._add_where(event)

    def _what(self, resource: Resource) -> int:
        found = self._same.get(id(resource))
        if found is not None:
            return found[1]
        row = self._whats.get(resource)
        if row is None:
            row = self._add_what(resource)
        self._same[id(resource)] = (resource, row)
        return row

    def _session(self, session: str) -> int:
        key = self._sessions.get(session)
        if key is None:
            if len(self._sessions) > LARGEST:
                self._sessions.clear()
            key = self._sessions[session] = key32(session)
        return key

    def _named(self, text: str) -> int:
        key = key32(text)
        if key and key not in self.names:
            self.names[key] = text
            self.new_names.append(text)
        return key

    def _add_where(self, event: AccessEvent) -> int:
        place = event.place
        row = self._rows_of_wheres
        self._rows_of_wheres += 1
        self._wheres[event.address] = (place, row)
        if row == len(self.wheres):
            self.wheres = np.concatenate([self.wheres, np.zeros_like(self.wheres)])
        network, owner = key32(event.network), self._named(place.owner)
        city = self._named(f"{place.city}, {place.country}" if place.city else "")
        nan = float("nan")
        self.wheres[row] = (
            key32(event.address),
            network,
            owner,
            city,
            self._named(place.country),
            nan if place.latitude is None else place.latitude,
            nan if place.longitude is None else place.longitude,
            place.kind in HOSTING,
            self._prevalence("networks", network),
            self._prevalence("owners", owner),
            self._prevalence("cities", city),
        )
        return row

    def _add_what(self, resource: Resource) -> int:
        row = self._whats[resource] = len(self._whats)
        if row == len(self.whats):
            self.whats = np.concatenate([self.whats, np.zeros_like(self.whats)])
        platform = self._named(resource.platform)
        self.whats[row] = (
            MEASURED_AS[resource.kind],
            platform,
            key32(resource.journal),
            int(resource.document, 32) if resource.document else 0,
            resource.sequence,
            self._prevalence("platforms", platform),
        )
        return row
