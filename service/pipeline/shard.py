"""The stages after ingest for one shard of the accounts: events -> states -> scores -> decisions -> alerts.

Embedded there is one shard, of all accounts; a worker has one for each of its partitions. What an event does
depends on its account and on what the site knew at the last midnight, so shards need nothing of each other
within a day. Results do not depend on how the stream is cut into calls, nor on stops and restarts between
them (``drain`` and ``restore``). No clock is read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.decision.decider import Decider, ScoredMoment
from service.kernel.encoder import EventEncoder, key32
from service.kernel.features import KEEP, absorb
from service.kernel.measures import GROUP_OF
from service.kernel.moments import KernelOutput
from service.kernel.peer_groups import peer_group
from service.learning.account_update import close_accounts
from service.learning.day_summary import DaySummary
from service.learning.feedback import PendingCommands
from service.learning.site_model import SiteModel
from service.pipeline import sampling
from service.pipeline.account_table import AccountTable
from service.pipeline.alert_book import AlertBook
from service.pipeline.scoring import score_moment
from service.pipeline.shard_summary import ShardView, readers, shard_summary
from service.policy.model import Policy
from service.records.checkpoints import AnalystVerdict, Trace
from service.records.commands import Command, CommandKind
from service.records.events import AccessEvent, Alert
from service.records.identities import Link

NAMED = ("owners", "cities", "countries", "platforms")  # tables of a state whose keys have names
STATES_DAYS = 90  # unless the site says otherwise


class ShardChanges(msgspec.Struct, frozen=True):
    """What a shard changed since it was last drained."""

    accounts: tuple[tuple[str, bytes], ...]
    alerts: tuple[Alert, ...]
    traces: tuple[Trace, ...]
    names: tuple[str, ...]  # all names behind the keys that pictures show; empty if there are no new ones
    gone: tuple[str, ...]  # accounts without a state from now on
    erased: tuple[str, ...]  # of these everything goes, wherever it is kept; before the rest is written


class ScoreObserver(Protocol):
    """Who looks on and changes nothing: what else might have been made of the same moments."""

    def on_scored(self, case: ScoredMoment, names: Mapping[int, str]) -> None:
        """A moment was scored; ``names`` of categories and countries by their keys."""

    def on_day_closed(
        self, day: int, accounts: Sequence[str], ids: NDArray[np.uint64], readers: Sequence[Sequence[str]],
        disturbed: bool,
    ) -> None:  # fmt: skip
        """The site has taken in the day of these accounts, stable numbers and groups of readers.

        Of a day on which a disturbance began no threshold is learnt.
        """


class Shard:
    """States and open alerts of some accounts; what the site knows is shared and changed by others.

    ``states_days``: local days after which the state of an account that is not seen is forgotten.
    """

    def __init__(
        self,
        policy: Policy,
        site: SiteModel,
        states_days: int = STATES_DAYS,
        observer: ScoreObserver | None = None,
    ) -> None:
        self._policy = policy
        self._site = site
        self._decider = Decider(policy, site.threshold)
        self._observer = observer
        self._states_days = states_days
        self._restricted: set[str] = set()
        self._erased: list[str] = []
        self._states = AccountTable()
        self._columns = EventEncoder(site.prevalence)
        self._group_of = np.array(GROUP_OF)
        self._traces: list[Trace] = []
        self.counters: Counter[str] = Counter()
        self._alerts = AlertBook(policy, self._states, self._columns.names, self.counters)
        self.pending = PendingCommands()

    def absorb(self, events: Sequence[AccessEvent], numbers: Sequence[int], day: int) -> None:
        """Take in events of one site day, all with an account, in order; ``numbers`` in the stream."""
        if self._restricted:
            events, numbers = self._unrestricted(events, numbers)
        if not events:
            return
        slots = self._states.slots([e.account for e in events])
        rows = self._columns.rows(events, slots)
        out = KernelOutput.of(len(events))
        budget = self._policy.budget
        at = 0
        while at < len(events):
            at, count = absorb(
                self._states.array, rows, at, self._columns.wheres, self._columns.whats,
                self._site.table, self._group_of, self._site.mean, self._site.var,
                budget.gate, budget.gate_moved, budget.gate_minutes,
                out.flags, out.evidence, out.selected, out.states, out.measures, out.groups,
            )  # fmt: skip
            self.counters["events_scored_total"] += count
            peer_groups = peer_group(out.states[:count], self._site.home).tolist()
            for row, group in enumerate(peer_groups):
                i = int(out.selected[row])
                case = score_moment(self._site, events[i], numbers[i], day, out.moment(row), group)
                self._decide(case, slots[i], events[i].offset)
        self._states.touch(slots)
        for i in np.flatnonzero(out.flags & KEEP).tolist():
            self._traces.append(Trace(numbers[i], events[i], round(float(out.evidence[i]), 3)))

    def _decide(self, case: ScoredMoment, slot: int, offset: int) -> None:
        """Decide on one scored moment of the account at ``slot``, and remember it."""
        names = self._columns.names
        sampling.sample(self._states, slot, case.moment, self._site.home, case.day)
        decided = self._decider.decide(case, self._alerts.episode(case.account), names)
        live = self._states.array[slot]
        live["model_day"] = max(float(live["model_day"]), case.classified)
        live["day_joined"] = max(float(live["day_joined"]), decided.score)
        if self._observer is not None:
            self._observer.on_scored(case, names)
        self._alerts.record(case, decided, offset)

    def _unrestricted(
        self, events: Sequence[AccessEvent], numbers: Sequence[int]
    ) -> tuple[Sequence[AccessEvent], Sequence[int]]:
        kept = [i for i, event in enumerate(events) if event.account not in self._restricted]
        self.counters["events_restricted_total"] += len(events) - len(kept)
        return [events[i] for i in kept], [numbers[i] for i in kept]

    @property
    def restricted(self) -> frozenset[str]:
        """Accounts whose events are dropped and whose states stay as they are."""
        return frozenset(self._restricted)

    def apply(self, command: Command) -> None:
        """Take an order between events."""
        if command.act is CommandKind.PROMOTE:
            self.pending = self.pending.with_promotion(command.model)
            return
        if command.act is CommandKind.RESTRICT:
            self._restricted.add(command.account)
            return
        self._restricted.discard(command.account)
        if command.act is CommandKind.FORGET:
            self._erase(command.account)

    def _erase(self, account: str) -> None:
        self._states.forget(account)
        self._alerts.erase(account)
        self._traces = [trace for trace in self._traces if trace.event.account != account]
        self.pending = self.pending.without_account(account)
        self._erased.append(account)

    def link(self, link: Link) -> None:
        """The keys were rotated: what was learnt of one pseudonym goes on under another."""
        self._alerts.refresh(link.old)
        self._states.rename(link.old, link.new)
        self.pending = self.pending.with_renamed_account(link.old, link.new)
        self._alerts.rename(link)

    def has_account(self, account: str) -> bool:
        """Has the account a state here?"""
        return self._states.has_account(account)

    def export_account(self, account: str) -> tuple[bytes, tuple[str, ...]]:
        """The state of an account that goes elsewhere, empty for none, and the names behind its keys."""
        self._alerts.refresh(account)
        if not self.has_account(account):
            return b"", ()
        (slot,) = self._states.slots([account])
        keys = {int(key) for table in NAMED for key in self._states.array[slot][table]["key"]}
        names = (self._columns.names.get(key, "") for key in keys)
        return self._states.export_account(account), tuple(sorted(name for name in names if name))

    def import_account(self, account: str, state: bytes, names: Iterable[str]) -> None:
        """Take in a state that was given elsewhere. Raises StateError."""
        self._states.import_account(account, state)
        self._columns.name(names)

    def summary(self, day: int, offset: int) -> DaySummary:
        """Sum up the accounts active on local ``day``, before they are closed."""
        return shard_summary(self._view(), day, offset)

    def _view(self) -> ShardView:
        return ShardView(
            self._policy, self._site, self._states, self._columns.names, self.restricted, self.pending
        )

    def close(self, day: int, offset: int, guards: NDArray[np.float64]) -> None:
        """Close local ``day`` for the accounts that were active on it; closed ones are left alone.

        ``offset`` is the site's from UTC in s, ``guards`` (CLASSES,) those in force during the day.
        """
        view = self._view()
        active = view.active()
        if self._observer is not None:
            accounts, ids = [self._states.names[i] for i in active], self._states.ids[active]
            self._observer.on_day_closed(day, accounts, ids, readers(view, active), self._site.drift.began)
        close_accounts(self._states.array, active, day, day * 86400 - offset, guards)
        sampling.forget(self._states, active)
        self._states.touch(active.tolist())
        self._columns.forget()
        self.pending = self._alerts.apply_verdicts(self.pending, day)

    def enqueue_verdicts(self, verdicts: Sequence[AnalystVerdict]) -> None:
        """Verdicts of accounts of this shard: they take effect at the next close of a day."""
        self.pending = self.pending.enqueue(verdicts)

    def retire(self, day: int, offset: int) -> None:
        """Forget the states of accounts not seen for so long when local ``day`` begins.

        A state in which nothing was measured says nothing, and goes at once.
        """
        before = (day - self._states_days) * 86400 - offset
        names = self._states.names
        unseen = np.flatnonzero(self._states.array["last_time"][: len(names)] < before)
        for account in [names[i] for i in unseen if names[i] and names[i] not in self._restricted]:
            self._alerts.refresh(account)
            self._states.forget(account)

    def drain(self) -> ShardChanges:
        """What changed since the last call."""
        alerts = self._alerts.drain()
        names: tuple[str, ...] = ()
        if self._columns.new_names:
            names = tuple(sorted(self._columns.names.values()))
            self._columns.new_names.clear()
        changes = ShardChanges(
            accounts=self._states.drain(),
            gone=self._states.drain_gone(),
            erased=tuple(dict.fromkeys(self._erased)),
            alerts=alerts,
            traces=tuple(self._traces),
            names=names,
        )
        self._traces.clear()
        self._erased.clear()
        return changes

    def restore(self, accounts: Iterable[tuple[str, bytes]], names: Iterable[str]) -> None:
        """Start again from what ``drain`` gave. Raises StateError for states of another version."""
        self._states.restore(accounts)
        for name in names:
            self._columns.names[key32(name)] = name
