"""The order of the stages, written once: events -> states -> scores -> decisions -> alerts.

``absorb`` takes events in the order of the log. Results do not depend on how the stream is cut into
calls, nor on stops and restarts between them (``drain`` and ``restore``). No clock is read. A day is
closed when the newest event time passes local midnight; what the site knows changes only then.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from service import alerting, explain
from service.alerting import Decision
from service.closing import close_accounts
from service.columns import Columns, key32
from service.events import AccessEvent, Alert, Reason
from service.features import KEEP, absorb
from service.measures import GROUP_OF
from service.moments import Moment, Outcome
from service.policy import Policy
from service.saved import reading
from service.site import Site
from service.states import States
from service.store import Changes, Trace

MODEL = "evidence-trees/1"


class Sitting(NamedTuple):
    """What the picture of an alert is drawn from; drawn once a drain, since most are overtaken."""

    moment: Moment
    table: NDArray[np.float32]
    offset: int


class PipelineState(msgspec.Struct, frozen=True):
    """The pipeline's own place in the stream."""

    sequence: int
    day: int  # local day in progress, 0 before the second event
    last: int  # local day of the newest event in the stream
    opened_today: int


class Pipeline:
    """All stages after ingest, for one site."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._site = Site(policy)
        self._states = States()
        self._columns = Columns(self._site.prevalence)
        self._group_of = np.array(GROUP_OF)
        self._place = PipelineState(sequence=0, day=0, last=0, opened_today=0)
        self._alerts: dict[str, Alert] = {}
        self._sittings: dict[str, Sitting] = {}
        self._traces: list[Trace] = []
        self.counters: Counter[str] = Counter()

    def absorb(self, events: Sequence[AccessEvent]) -> None:
        """Take events in, in order; batches may be cut anywhere."""
        if not events:
            return
        local = np.fromiter(((e.time + e.offset) // 86400 for e in events), np.int64, len(events))
        # One stray line does not close days: none is believed to be more than a day after the one before it.
        before = np.concatenate(([self._place.last], local[:-1]))
        believed = np.minimum(local, np.where(before > 0, before + 1, 0))
        newest = np.maximum.accumulate(np.maximum(believed, self._place.day))
        self._place = msgspec.structs.replace(self._place, last=int(local[-1]))
        start = 0
        while start < len(events):
            day = int(newest[start])
            stop = int(np.searchsorted(newest, day, side="right"))
            if day > self._place.day:
                if self._place.day:
                    self._close_day(events[start].offset)
                self._place = msgspec.structs.replace(self._place, day=day, opened_today=0)
            self._stretch(events[start:stop])
            start = stop

    def _stretch(self, events: Sequence[AccessEvent]) -> None:
        """Events of one site day."""
        first = self._place.sequence
        self._place = msgspec.structs.replace(self._place, sequence=first + len(events))
        known = [i for i, e in enumerate(events) if e.account]
        if not known:
            return
        named = [events[i] for i in known]
        slots = self._states.slots([e.account for e in named])
        rows = self._columns.rows(named, slots)
        out = Outcome.of(len(named))
        budget = self._policy.budget
        at = 0
        while at < len(named):
            at, count = absorb(
                self._states.array, rows, at, self._columns.wheres, self._columns.whats,
                self._site.table, self._group_of, self._site.mean, self._site.var,
                budget.gate, budget.gate_moved, budget.gate_minutes,
                out.flags, out.evidence, out.asked, out.states, out.measures, out.groups,
            )  # fmt: skip
            self.counters["events_scored_total"] += count
            for row in range(count):
                i = int(out.asked[row])
                self._decide(named[i], slots[i], first + known[i], out.moment(row))
        self._states.touch(slots)
        for i in np.flatnonzero(out.flags & KEEP).tolist():
            self._traces.append(Trace(first + known[i], named[i], round(float(out.evidence[i]), 3)))

    def _decide(self, event: AccessEvent, slot: int, sequence: int, moment: Moment) -> None:
        """Score one moment and let the alerting say what it means."""
        score = self._site.joined(int(moment.state["rank"]), moment.evidence, moment.groups)
        live = self._states.array[slot]
        live["day_joined"] = max(float(live["day_joined"]), score)
        episode = self._states.episodes.get(event.account)
        threshold = self._site.calibration.threshold
        if episode is None and score < threshold:
            return
        table = self._site.table[int(moment.state["rank"])]
        found: tuple[Reason, ...] = ()
        if alerting.speaks_anew(episode, event.time, score):
            found = explain.reasons(moment.state, moment.measures, table, self._policy)
        decision = alerting.decide(episode, event.time, score, threshold, tuple(r.detection for r in found))
        if decision is Decision.QUIET:
            return
        if decision is Decision.OPENED or episode is None:
            self._place = msgspec.structs.replace(self._place, opened_today=self._place.opened_today + 1)
            self.counters["alerts_total"] += 1
            self._settle(event.account)
            episode = alerting.opened(event.account, event.time, sequence, moment.state)
        self._states.episodes[event.account] = alerting.grown(
            episode, event.time, moment.state, score, threshold, found, self._policy, MODEL
        )
        self._sittings[event.account] = Sitting(moment, table, event.offset)

    def _settle(self, account: str) -> None:
        """Give the account's alert the picture of its newest moment, and hand it to the next drain."""
        sitting = self._sittings.pop(account, None)
        if sitting is None:
            return
        picture = explain.picture(
            sitting.moment, sitting.table, self._policy, self._columns.names, sitting.offset
        )
        episode = self._states.episodes[account]
        alert = msgspec.structs.replace(episode.alert, picture=picture)
        self._states.episodes[account] = msgspec.structs.replace(episode, alert=alert)
        self._alerts[alert.alert_id] = alert

    def _close_day(self, offset: int) -> None:
        states = self._states.array
        active = np.flatnonzero(states["day_events"][: len(self._states.names)] > 0)
        hashes = [key32(self._states.names[i]) for i in active]
        day = self._place.day
        guards = self._site.guards.copy()
        self._site.close(day, states, active, hashes, self._place.opened_today)
        close_accounts(states, active, day, day * 86400 - offset, guards)
        self._states.touch(active.tolist())
        self._columns.forget()

    def drain(self) -> Changes:
        """What changed since the last call; the caller writes it in one transaction."""
        for account in list(self._sittings):
            self._settle(account)
        shared = self._site.drain()
        shared["pipeline"] = msgspec.json.encode((self._place, dict(self.counters)))
        if self._columns.new_names:
            shared["names"] = msgspec.json.encode(sorted(self._columns.names.values()))
            self._columns.new_names.clear()
        changes = Changes(
            accounts=self._states.drain(),
            shared=shared,
            alerts=tuple(self._alerts.values()),
            traces=tuple(self._traces),
        )
        self._alerts.clear()
        self._traces.clear()
        return changes

    def restore(self, accounts: Iterable[tuple[str, bytes]], shared: Mapping[str, bytes]) -> None:
        """Start again from what ``drain`` gave. Raises StateError for states of another version."""
        self._states.restore(accounts)
        self._site.restore(shared)
        with reading("place in the stream"):
            if "pipeline" in shared:
                self._place, counters = msgspec.json.decode(
                    shared["pipeline"], type=tuple[PipelineState, dict[str, int]]
                )
                self.counters.update(counters)
            for name in msgspec.json.decode(shared.get("names", b"[]"), type=list[str]):
                self._columns.names[key32(name)] = name
