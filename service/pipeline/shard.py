"""The stages after ingest for one share of the accounts: events -> states -> scores -> decisions -> alerts.

Embedded there is one share, of all accounts; a worker has one for each of its partitions. What an event does
depends on its account and on what the site knew at the last midnight, so shares need nothing of each other
within a day. Results do not depend on how the stream is cut into calls, nor on stops and restarts between
them (``drain`` and ``restore``). No clock is read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.decision import reader_groups, reasons
from service.decision.decider import Decider, ScoredMoment
from service.decision.episodes import Decision
from service.kernel.encoder import EventEncoder, key32
from service.kernel.features import KEEP, absorb
from service.kernel.measures import GROUP_OF
from service.kernel.moments import KernelOutput, Moment
from service.kernel.training_rows import Examples, mixed
from service.learning import aggregation, attack_injection
from service.learning.account_update import close_accounts
from service.learning.aggregation import summarise_day
from service.learning.day_summary import DaySummary, InjectedAttacks
from service.learning.feedback import CONFIRMED, PendingCommands, apply_verdict, in_force, training_example
from service.learning.site_model import SiteModel
from service.learning.usage_counts import usage_counts
from service.pipeline import sampling
from service.pipeline.account_table import AccountTable
from service.policy import Policy
from service.records.checkpoints import AnalystVerdict, Trace
from service.records.commands import Command, CommandKind
from service.records.events import AccessEvent, Alert
from service.records.identities import Link

NAMED = ("owners", "cities", "countries", "platforms")  # tables of a state whose keys have names
STATES_DAYS = 90  # unless the site says otherwise


class PendingSnapshot(NamedTuple):
    """What the picture of an alert is drawn from; drawn once a drain, since most are overtaken."""

    moment: Moment
    table: NDArray[np.float32]
    offset: int


class ShardChanges(msgspec.Struct, frozen=True):
    """What a share changed since it was last drained."""

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
        self._alerts: dict[str, Alert] = {}
        self._snapshots: dict[str, PendingSnapshot] = {}
        self._traces: list[Trace] = []
        self.counters: Counter[str] = Counter()
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
            peer_groups = aggregation.peer_group(out.states[:count], self._site.home).tolist()
            for row, peer_group in enumerate(peer_groups):
                i = int(out.selected[row])
                self._decide(events[i], slots[i], numbers[i], day, out.moment(row), peer_group)
        self._states.touch(slots)
        for i in np.flatnonzero(out.flags & KEEP).tolist():
            self._traces.append(Trace(numbers[i], events[i], round(float(out.evidence[i]), 3)))

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
        self._snapshots.pop(account, None)
        self._alerts = {name: alert for name, alert in self._alerts.items() if alert.account != account}
        self._traces = [trace for trace in self._traces if trace.event.account != account]
        self.pending = self.pending.without_account(account)
        self._erased.append(account)

    def _score_moment(
        self, event: AccessEvent, number: int, day: int, moment: Moment, peer_group: int
    ) -> tuple[ScoredMoment, float]:
        """What the models say of the moment, and how much it looks like theft to those that were taught."""
        rank = int(moment.state["rank"])
        classified = self._site.classified(moment.states, moment.measures)
        said = self._site.member_scores(peer_group, moment.evidence, moment.groups, classified)
        table, model = self._site.table[rank], self._site.version
        place = number, day, moment, said, table, model, self._site.home
        return ScoredMoment(event.account, event.time, *place), classified

    def _decide(
        self, event: AccessEvent, slot: int, number: int, day: int, moment: Moment, peer_group: int
    ) -> None:
        """Score one moment, of a reader of ``circle``, and let the desk say what it means."""
        case, classified = self._score_moment(event, number, day, moment, peer_group)
        ensemble = self._decider.score(case, self._columns.names)
        sampling.sample(self._states, slot, moment, self._site.home, day)
        live = self._states.array[slot]
        live["model_day"] = max(float(live["model_day"]), classified)
        live["day_joined"] = max(float(live["day_joined"]), ensemble.score)
        if self._observer is not None:
            self._observer.on_scored(case, self._columns.names)
        decision, episode = self._decider.decide(case, ensemble, self._states.episodes.get(event.account))
        if episode is None:
            return
        if decision is Decision.OPENED:
            self.counters["alerts_total"] += 1
            self._refresh_alert(event.account)
        self._states.episodes[event.account] = episode
        self._snapshots[event.account] = PendingSnapshot(moment, case.table, event.offset)

    def _refresh_alert(self, account: str) -> None:
        """Give the account's alert the picture of its newest moment, and hand it to the next drain."""
        snapshot = self._snapshots.pop(account, None)
        if snapshot is None:
            return
        picture = reasons.picture(
            snapshot.moment, snapshot.table, self._policy, self._columns.names, snapshot.offset
        )
        episode = self._states.episodes[account]
        alert = msgspec.structs.replace(episode.alert, picture=picture)
        self._states.episodes[account] = msgspec.structs.replace(episode, alert=alert)
        self._alerts[alert.alert_id] = alert

    def link(self, link: Link) -> None:
        """The keys were rotated: what was learnt of one pseudonym goes on under another."""
        self._refresh_alert(link.old)
        self._states.rename(link.old, link.new)
        self.pending = self.pending.with_renamed_account(link.old, link.new)
        for alert in list(self._alerts.values()):
            if alert.account == link.old:
                self._alerts[alert.alert_id] = msgspec.structs.replace(alert, account=link.new)

    def has_account(self, account: str) -> bool:
        """Has the account a state here?"""
        return self._states.has_account(account)

    def export_account(self, account: str) -> tuple[bytes, tuple[str, ...]]:
        """The state of an account that goes elsewhere, empty for none, and the names behind its keys."""
        self._refresh_alert(account)
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

    def sums(self, day: int, offset: int) -> DaySummary:
        """What the accounts active on local ``day`` come to, before they are closed."""
        active = self._active()
        names = [self._states.names[i] for i in active]
        opened = [self._opened_on(name) == day for name in names]
        ids = self._states.ids[active]
        site, known = self._site, self._known()
        today = self._states.array[active]
        summed = summarise_day(day, today, ids, sum(opened), site.table, site.guards, site.home, self._policy)
        return msgspec.structs.replace(
            summed,
            promoted=self.pending.promoted,
            known=len(known),
            injected=self._injected_attacks(day, offset, known),
            groups=reader_groups.count(
                self._readers(active),
                today["day_joined"].tolist(),
                opened,
                site.threshold.near,
                self._stolen(day),
            ),
            usage=usage_counts(day, today, site.prevalence, self._columns.names),
            readers=sampling.sampled(self._states, active, day, self._policy.training.ordinary),
            feedback=self._training_examples(day),
        )

    def _readers(self, active: NDArray[np.intp]) -> list[tuple[str, ...]]:
        """The groups of readers that active accounts belong to today."""
        states, names, readers = self._states, self._columns.names, self._policy.readers
        return [reader_groups.groups_of(states.array[i], states.names[i], names, readers) for i in active]

    def _stolen(self, day: int) -> list[tuple[str, ...]]:
        """The groups of readers of each account whose newest alert is a confirmed theft."""
        return [
            episode.alert.groups
            for account, episode in self._states.episodes.items()
            if episode.judged == CONFIRMED
            and episode.teaches
            and day - episode.opened_on < reader_groups.KEPT_DAYS
            and account not in self._restricted
        ]

    def _training_examples(self, day: int) -> Examples:
        """What analysts found alerts of the last weeks to be."""
        training = self._policy.training
        judged_of = {
            account: episode
            for account, episode in self._states.episodes.items()
            if episode.judged
            and day - episode.opened_on < training.verdict_days
            and account not in self._restricted
        }
        keys = mixed(self._states.ids[self._states.slots(list(judged_of))], day).tolist()
        labelled = [
            training_example(episode, key) for episode, key in zip(judged_of.values(), keys, strict=True)
        ]
        return Examples.concatenated(labelled).lowest(training.verdicts)

    def _injected_attacks(self, day: int, offset: int, known: NDArray[np.intp]) -> InjectedAttacks:
        """Thefts from copies of some of these accounts: the merge takes the site's share of them."""
        count, site = self._policy.training.shadows, self._site
        chosen = known[attack_injection.lowest(self._states.ids[known], day, count, site.known)]
        states, ids = self._states.array[chosen], self._states.ids[chosen]
        return attack_injection.inject_attacks(day, offset, states, ids, site, self._policy)

    def _known(self) -> NDArray[np.intp]:
        """Accounts that were ever active; of restricted ones nothing is learnt."""
        return self._unrestricted_slots(self._states.array["events"])

    def _active(self) -> NDArray[np.intp]:
        return self._unrestricted_slots(self._states.array["day_events"])

    def _unrestricted_slots(self, counted: NDArray[np.generic]) -> NDArray[np.intp]:
        """Where something was counted."""
        found = np.flatnonzero(counted[: len(self._states.names)])
        if not self._restricted:
            return found
        return np.array([i for i in found if self._states.names[i] not in self._restricted], np.intp)

    def _opened_on(self, account: str) -> int:
        episode = self._states.episodes.get(account)
        return episode.opened_on if episode else 0

    def close(self, day: int, offset: int, guards: NDArray[np.float64]) -> None:
        """Close local ``day`` for the accounts that were active on it; closed ones are left alone.

        ``offset`` is the site's from UTC in s, ``guards`` (CLASSES,) those in force during the day.
        """
        active = self._active()
        if self._observer is not None:
            accounts, ids = [self._states.names[i] for i in active], self._states.ids[active]
            self._observer.on_day_closed(day, accounts, ids, self._readers(active), self._site.drift.began)
        close_accounts(self._states.array, active, day, day * 86400 - offset, guards)
        sampling.forget(self._states, active)
        self._states.touch(active.tolist())
        self._columns.forget()
        self._apply_pending(day)

    def enqueue_verdicts(self, verdicts: Sequence[AnalystVerdict]) -> None:
        """Verdicts of accounts of this share: they take effect at the next close of a day."""
        self.pending = self.pending.enqueue(verdicts)

    def _apply_pending(self, day: int) -> None:
        """The verdicts that wait take effect, and allowances that are over end."""
        episodes = self._states.episodes
        allowed = {account for account, episode in episodes.items() if episode.allowances}
        for verdict in self.pending.waiting:
            account = verdict.account
            if account not in episodes:
                self.counters["verdicts_without_effect_total"] += 1
                continue
            self._refresh_alert(account)
            episodes[account] = episode = apply_verdict(episodes[account], verdict, day)
            self.counters["verdicts_effective_total"] += 1
            allowed.add(account)
            if episode.alert.alert_id == verdict.alert_id:
                self._alerts[verdict.alert_id] = episode.alert
        self.pending = self.pending.applied()
        for account, slot in zip(sorted(allowed), self._states.slots(sorted(allowed)), strict=True):
            live = self._states.array[slot]
            live["quiet_until"], live["quiet_groups"] = in_force(episodes[account].allowances, day + 1)
            self._states.touch([slot])

    def retire(self, day: int, offset: int) -> None:
        """Forget the states of accounts not seen for so long when local ``day`` begins.

        A state in which nothing was measured says nothing, and goes at once.
        """
        before = (day - self._states_days) * 86400 - offset
        names = self._states.names
        unseen = np.flatnonzero(self._states.array["last_time"][: len(names)] < before)
        for account in [names[i] for i in unseen if names[i] and names[i] not in self._restricted]:
            self._refresh_alert(account)
            self._states.forget(account)

    def drain(self) -> ShardChanges:
        """What changed since the last call."""
        for account in list(self._snapshots):
            self._refresh_alert(account)
        names: tuple[str, ...] = ()
        if self._columns.new_names:
            names = tuple(sorted(self._columns.names.values()))
            self._columns.new_names.clear()
        changes = ShardChanges(
            accounts=self._states.drain(),
            gone=self._states.drain_gone(),
            erased=tuple(dict.fromkeys(self._erased)),
            alerts=tuple(self._alerts.values()),
            traces=tuple(self._traces),
            names=names,
        )
        self._alerts.clear()
        self._traces.clear()
        self._erased.clear()
        return changes

    def restore(self, accounts: Iterable[tuple[str, bytes]], names: Iterable[str]) -> None:
        """Start again from what ``drain`` gave. Raises StateError for states of another version."""
        self._states.restore(accounts)
        for name in names:
            self._columns.names[key32(name)] = name
