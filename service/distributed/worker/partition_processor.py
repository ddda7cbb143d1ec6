"""One partition's part of the work, without any I/O: frames in their order -> changes to be saved.

A partition processor takes frames while its day is open. When a frame of the next day comes, the partition
processor hands out the sums of its accounts and rests until the site has learnt the day from all partitions;
then it closes its accounts and goes on. So every partition processor scores by the same knowledge as one
process would.

Saved with every checkpoint, in one transaction with the states: up to which offset, and of each shipper up to
which number, the states include what was sent. Whatever comes again, by a repeat of the broker's, the
shipper's or our own after a crash, is dropped.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from service.base.decoding import decoding_guard
from service.distributed.protocol import wire
from service.distributed.protocol.partitions import partition_of_account
from service.distributed.protocol.validation import is_valid
from service.distributed.protocol.wire import Frame, FrameHeader, MoveRecord, WireError, WireFault
from service.learning.feedback import PendingCommands
from service.learning.site_model import SiteModel
from service.pipeline.day_close import DayClose, begin_day, end_day
from service.pipeline.shard import STATES_DAYS, Shard, ShardChanges
from service.policy.model import Policy
from service.records.checkpoints import AnalystVerdict
from service.records.commands import Command, CommandKind
from service.records.identities import Link

VERSION = 1  # of the ledger


class PartitionLedger(msgspec.Struct, frozen=True):
    """Where a partition processor is. Saved with its states."""

    version: int = VERSION
    offset: int = -1  # of the newest frame taken
    seen: Mapping[int, int] = {}  # shipper -> newest number taken
    day: int = 0  # local day in progress, 0 before the first
    closed: int = 0  # newest day that was closed, 0 for none
    closing: DayClose | None = None
    last_event_time: int = 0
    names: tuple[str, ...] = ()
    pending: PendingCommands = msgspec.field(default=PendingCommands(), name="docket")
    restricted: tuple[str, ...] = ()  # accounts whose events are dropped
    counters: Mapping[str, int] = {}


class PartitionProcessor:
    """A partition's states and its place in the stream."""

    def __init__(
        self, partition: int, partitions: int, policy: Policy, site: SiteModel, states_days: int = STATES_DAYS
    ) -> None:
        self.partition = partition
        self._partitions = partitions
        self._site = site
        self._shard = Shard(policy, site, states_days)
        self._ledger = PartitionLedger()
        self._counters: Counter[str] = Counter()
        self._names: tuple[str, ...] = ()
        self._handovers: list[MoveRecord] = []  # accounts that left since the last drain
        self._received: dict[str, MoveRecord] = {}  # by the new pseudonym
        self.expected_accounts: tuple[Link, ...] = ()  # accounts whose states must come before the next frame

    @property
    def offset(self) -> int:
        """Of the newest frame taken; -1 for none."""
        return self._ledger.offset

    @property
    def closing(self) -> DayClose | None:
        """The day whose sums the site waits for, while the partition processor rests."""
        return self._ledger.closing

    @property
    def day(self) -> int:
        """Local day in progress, 0 before the first."""
        return self._ledger.day

    @property
    def needs(self) -> int:
        """The day whose eve the site must have learnt before the partition may go on; 0: nothing."""
        if self._ledger.closing:
            return self._ledger.closing.next_day
        return self._ledger.day if self._ledger.closed else 0

    @property
    def newest_verdict(self) -> int:
        """Id of the newest verdict that was taken in."""
        return self._shard.pending.newest

    def enqueue_verdicts(self, verdicts: Sequence[AnalystVerdict]) -> None:
        """Take in verdicts of the partition's accounts; while it rests it wants them again later."""
        if self._ledger.closing is None:
            self._shard.enqueue_verdicts(verdicts)

    @property
    def counters(self) -> Mapping[str, int]:
        """Since the site was made."""
        return {**self._counters, **self._shard.counters}

    def take(self, offset: int, frame: Frame) -> bool:
        """Take in the next frame; false where it rests now and wants the frame again.

        That is where the frame begins a day, or where the state of an account must come first
        (``expected_accounts``).

        Raises ``WireError`` for a frame that is not sound or of other partitions' accounts; its offset counts
        as taken.
        """
        if offset <= self._ledger.offset:
            return True
        if not is_valid(frame):
            self.skip(offset)
            raise WireError(WireFault.WRONG_SCHEMA)
        if not all(map(self._is_mine, _accounts(frame))):
            self.skip(offset)
            raise WireError(WireFault.WRONG_PARTITION)
        if frame.header.day > self._ledger.day > 0:
            self._wait_for_close(frame)
            return False
        self.expected_accounts = tuple(link for link in frame.header.coming if not self._is_here(link))
        if self.expected_accounts:
            return False
        self._hand_over(frame.header)
        self._absorb(offset, frame)
        return True

    def receive_account(self, record: MoveRecord) -> None:
        """A state that left another partition; the first of an account counts, later ones only repeat it."""
        self._received.setdefault(record.link.new, record)

    def abandon_expected(self) -> None:
        """What is awaited does not come: these accounts begin anew."""
        for link in self.expected_accounts:
            self.receive_account(MoveRecord(wire.VERSION, link))

    def _is_mine(self, account: str) -> bool:
        return partition_of_account(account, self._partitions) == self.partition

    def _is_here(self, link: Link) -> bool:
        return self._is_mine(link.old) or self._shard.has_account(link.new) or link.new in self._received

    def _hand_over(self, header: FrameHeader) -> None:
        """Lets accounts go, and takes in those that came."""
        for link in header.leaving:
            if self._is_mine(link.new):
                self._shard.link(link)
                self._handovers.append(MoveRecord(wire.VERSION, link))  # for the pages
            else:
                self._handovers.append(MoveRecord(wire.VERSION, link, *self._shard.export_account(link.old)))
        for link in header.coming:
            record = self._received.pop(link.new, None)
            if record is not None and record.state and not self._shard.has_account(link.new):
                self._shard.import_account(link.new, record.state, record.names)

    @property
    def has_handovers(self) -> bool:
        """Do other partitions wait for what the next drain gives?"""
        return bool(self._handovers)

    def drain_handovers(self) -> tuple[MoveRecord, ...]:
        """Accounts that left since the last call."""
        moves = tuple(self._handovers)
        self._handovers.clear()
        return moves

    def skip(self, offset: int) -> None:
        """Count a message that cannot be used as taken."""
        self._ledger = msgspec.structs.replace(self._ledger, offset=max(offset, self._ledger.offset))

    def _wait_for_close(self, frame: Frame) -> None:
        closing = end_day(self._shard, self._site, self._ledger.day, frame.header.day, frame.header.offset)
        self._ledger = msgspec.structs.replace(self._ledger, closing=closing)

    def _absorb(self, offset: int, frame: Frame) -> None:
        header, events = frame
        for order in header.orders:
            self._shard.apply(order)
        last = self._ledger.seen.get(header.shipper, -1)
        new = next((i for i, number in enumerate(header.numbers) if number > last), len(events))
        self._counters["events_repeated_total"] += new
        self._counters["events_absorbed_total"] += len(events) - new
        day = max(self._ledger.day, header.day)
        self._shard.absorb(events[new:], header.numbers[new:], day)
        times = [event.time for event in events[new:]]
        self._ledger = msgspec.structs.replace(
            self._ledger,
            offset=offset,
            day=day,
            seen={**self._ledger.seen, header.shipper: max([last, *header.numbers[-1:]])},
            last_event_time=max(self._ledger.last_event_time, *times, 0),
        )

    def begin_next_day(self) -> None:
        """Begin the next day: the site has learnt the one that was closing."""
        closing = self._ledger.closing
        if closing is None:
            return
        begin_day(self._shard, closing)
        self._ledger = msgspec.structs.replace(
            self._ledger, day=closing.next_day, closed=closing.day, closing=None
        )

    def drain(self) -> tuple[ShardChanges, bytes]:
        """What changed since the last call, and the ledger as it is now."""
        changes = self._shard.drain()
        self._names = changes.names or self._names
        self._ledger = msgspec.structs.replace(
            self._ledger,
            counters=dict(self.counters),
            names=self._names,
            restricted=tuple(sorted(self._shard.restricted)),
            pending=self._shard.pending,
        )
        return changes, msgspec.msgpack.encode(self._ledger)

    @property
    def last_event_time(self) -> int:
        """Newest event time, s UTC; 0 for none."""
        return self._ledger.last_event_time

    def restore(self, accounts: Iterable[tuple[str, bytes]], ledger: bytes) -> None:
        """Start again from what ``drain`` gave. Raises StateError for states of another version."""
        with decoding_guard("ledger of a partition"):
            self._ledger = msgspec.msgpack.decode(ledger, type=PartitionLedger)
        self._names = self._ledger.names
        self._shard.pending = self._ledger.pending
        self._shard.restore(accounts, self._names)
        for account in self._ledger.restricted:
            self._shard.apply(Command(CommandKind.RESTRICT, account))
        for name, value in self._ledger.counters.items():
            (self._shard.counters if name in SHARED_COUNTERS else self._counters)[name] = value


SHARED_COUNTERS = frozenset(
    {
        "events_scored_total",
        "alerts_total",
        "events_restricted_total",
        "verdicts_effective_total",
        "verdicts_without_effect_total",
    }
)


def _accounts(frame: Frame) -> Iterator[str]:
    """All that must be of the frame's partition."""
    yield from (event.account for event in frame.events)
    yield from (link.old for link in frame.header.leaving)
    yield from (link.new for link in frame.header.coming)
    yield from (order.account for order in frame.header.orders)
