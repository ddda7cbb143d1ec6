"""The order of the stages for a whole site in one process: days, accounts, what the site learns.

``absorb`` takes events in the order of the log. Results do not depend on how the stream is cut into
calls, nor on stops and restarts between them (``drain`` and ``restore``). No clock is read. A day is
closed when the newest event time passes local midnight; what the site knows changes only then.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from service.base.decoding import decoding_guard
from service.learning import site_blobs
from service.learning.feedback import PendingCommands
from service.learning.site_learning import learn_day
from service.learning.site_model import SiteModel
from service.pipeline.calendar import CalendarState, DaySpan, SiteCalendar
from service.pipeline.day_close import begin_day, end_day
from service.pipeline.shard import STATES_DAYS, ScoreObserver, Shard
from service.policy.model import Policy
from service.records.checkpoints import AnalystVerdict, Changes
from service.records.commands import Command
from service.records.events import AccessEvent
from service.records.identities import Link

VERDICTS = "verdicts"  # name of the pending commands among the shared blobs


class PipelineState(msgspec.Struct, frozen=True):
    """The pipeline's own place in the stream."""

    sequence: int  # events so far
    days: CalendarState


class Pipeline:
    """All stages after ingest, for one site; arguments as in :class:`service.pipeline.shard.Shard`."""

    def __init__(
        self, policy: Policy, states_days: int = STATES_DAYS, observer: ScoreObserver | None = None
    ) -> None:
        self.policy = policy
        self._site = SiteModel(policy)
        self._shard = Shard(policy, self._site, states_days, observer)
        self._days = SiteCalendar()
        self._sequence = 0
        self._pending_changed = False  # may the pending commands differ from those that were saved?
        self._links: list[Link] = []  # since the last drain

    @property
    def counters(self) -> Mapping[str, int]:
        """Since the site was made."""
        return self._shard.counters

    def absorb(self, events: Sequence[AccessEvent]) -> None:
        """Take events in, in order; batches may be cut anywhere."""
        day = self._days.state.day
        for stretch in self._days.cut(events):
            if stretch.day > day:
                if day:
                    closing = end_day(self._shard, self._site, day, stretch.day, stretch.offset)
                    learn_day(self._site, closing.sums)
                    begin_day(self._shard, closing)
                day = stretch.day
            self._absorb(stretch, events)

    def link(self, links: Iterable[Link]) -> None:
        """The keys were rotated: accounts go on under new pseudonyms. To be told before their events."""
        for link in links:
            self._shard.link(link)
            self._links.append(link)

    def _absorb(self, stretch: DaySpan, events: Sequence[AccessEvent]) -> None:
        known = [i for i in range(stretch.start, stretch.stop) if events[i].account]
        numbers = [self._sequence + i - stretch.start for i in known]
        self._sequence += stretch.stop - stretch.start
        self._shard.absorb([events[i] for i in known], numbers, stretch.day)

    def enqueue_verdicts(self, verdicts: Sequence[AnalystVerdict]) -> None:
        """Take verdicts in: they take effect at the next close of a day."""
        before = self._shard.pending
        self._shard.enqueue_verdicts(verdicts)
        self._pending_changed |= self._shard.pending != before

    @property
    def newest_verdict(self) -> int:
        """Id of the newest verdict that was taken in."""
        return self._shard.pending.newest

    def apply(self, commands: Sequence[Command]) -> None:
        """Take commands between events. Restrictions are not saved here: they are told anew after a start."""
        before = self._shard.pending
        for command in commands:
            self._shard.apply(command)
        self._pending_changed |= self._shard.pending != before

    def drain(self) -> Changes:
        """What changed since the last call; the caller writes it in one transaction."""
        changed = self._shard.drain()
        place = PipelineState(self._sequence, self._days.state)
        shared = site_blobs.drain(self._site)
        if self._pending_changed:
            shared[VERDICTS] = msgspec.json.encode(self._shard.pending)
            self._pending_changed = self._shard.pending.is_pending
        shared["pipeline"] = msgspec.json.encode((place, dict(self.counters)))
        if changed.names:
            shared["names"] = msgspec.json.encode(changed.names)
        links = tuple(self._links)
        self._links.clear()
        return Changes(
            accounts=changed.accounts,
            shared=shared,
            alerts=changed.alerts,
            traces=changed.traces,
            gone=changed.gone,
            erased=changed.erased,
            untraced=changed.erased,
            unnamed=changed.erased,
            links=links,
        )

    def restore(self, accounts: Iterable[tuple[str, bytes]], shared: Mapping[str, bytes]) -> None:
        """Start again from what ``drain`` gave. Raises StateError for states of another version."""
        site_blobs.restore(self._site, shared)
        with decoding_guard("place in the stream"):
            names = msgspec.json.decode(shared.get("names", b"[]"), type=list[str])
            if "pipeline" in shared:
                place, counters = msgspec.json.decode(
                    shared["pipeline"], type=tuple[PipelineState, dict[str, int]]
                )
                self._sequence, self._days = place.sequence, SiteCalendar(place.days)
                self._shard.counters.update(counters)
            if VERDICTS in shared:
                self._shard.pending = msgspec.json.decode(shared[VERDICTS], type=PendingCommands)
                self._pending_changed = self._shard.pending.is_pending
        self._shard.restore(accounts, names)
