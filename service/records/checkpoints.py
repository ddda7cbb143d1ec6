"""The port to a store, and what crosses it. ``alerts_api.stream.store`` implements it over SQL.

Everything of one checkpoint is written in one transaction: where the logs were read up to, the
states that include those lines, the alerts they raised. So a crash anywhere neither loses nor repeats.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from service.records.events import AccessEvent, Alert, Rejected
from service.records.identities import Link, SealedIdentity


class Trace(msgspec.Struct, frozen=True):
    """One event kept for the analyst: an account's doings while its evidence was raised."""

    sequence: int  # number of the event in the pipeline's order: unique and increasing
    event: AccessEvent
    evidence: float  # after this event


class AnalystVerdict(msgspec.Struct, frozen=True):
    """An analyst's verdict as the stream takes it: without note and name."""

    verdict_id: int  # increasing
    alert_id: str
    account: str
    verdict: str
    quiet_days: int = 0  # for which the like shall raise no alert of this account, if it was expected
    teaches: bool = True  # false beyond what one analyst may teach in a day: it only ends what others did


class Changes(msgspec.Struct, frozen=True):
    """What the pipeline changed since it was last drained."""

    accounts: tuple[tuple[str, bytes], ...] = ()  # pseudonym, packed record
    shared: Mapping[str, bytes] = {}  # name -> blob; only those that changed
    alerts: tuple[Alert, ...] = ()  # new or grown, each the whole alert
    traces: tuple[Trace, ...] = ()
    identities: tuple[SealedIdentity, ...] = ()  # each replaces what there was of its pseudonym
    gone: tuple[str, ...] = ()  # accounts without a record from now on
    links: tuple[Link, ...] = ()  # what is kept under the old pseudonym is the new one's; before all the rest
    # Pseudonyms whose kept events, sealed identity, or all else goes; after the links, before the rest.
    untraced: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()


class Checkpoint(msgspec.Struct, frozen=True):
    """One transaction of the store."""

    changes: Changes
    positions: Mapping[str, bytes]  # log source -> JSON position, all of them
    counters: Mapping[str, int]  # name -> value since the site was made, all of them
    rejected: tuple[Rejected, ...] = ()  # newest few, for the quarantine index
    last_event_time: int = 0  # s UTC, 0 = none yet
    forget_before: int = 0  # kept events (traces) of earlier event times are deleted, s UTC
    written_at: float = 0.0  # wall clock, s UTC; only for the pages to tell how stale they are


class SavedState(msgspec.Struct, frozen=True):
    """What a runner starts again from."""

    accounts: Iterable[tuple[str, bytes]]
    shared: Mapping[str, bytes]
    positions: Mapping[str, bytes]
    counters: Mapping[str, int]
    last_event_time: int


class Store(Protocol):
    """What a runner needs of a store."""

    def load(self) -> SavedState: ...

    def commit(self, checkpoint: Checkpoint) -> None: ...

    def close(self) -> None: ...
