"""The shipper's side of the pipeline's port: events get their numbers and days, and leave in frames.

``FrameBuilder`` stands where the embedded runner has its ``Pipeline``. A frame is closed when it is full,
when it is old, when its day ends and at every drain, so a checkpoint never has a frame half filled. However
the stream is cut into calls and restarts, a partition gets the same events with the same numbers in one
order.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from service.base.errors import CheckpointError
from service.distributed.protocol.partitions import partition_of_account
from service.distributed.protocol.wire import VERSION, FrameHeader, encode_frame
from service.pipeline.calendar import CalendarState, DaySpan, SiteCalendar
from service.records.checkpoints import Changes
from service.records.commands import Command, CommandKind
from service.records.events import AccessEvent
from service.records.identities import Link

FRAMING = "outbox"  # name of the state among the shared blobs
FULL = 500  # events of a frame: a message costs a worker about as much as 50 events
OLD = 0.2  # s that a frame waits for more
SHIPPER_BITS = 48  # of a number count the events of one shipper; the bits above are its number

Send = Callable[[int, bytes], None]  # partition, value


class FrameBuilderState(msgspec.Struct, frozen=True):
    """What a checkpoint keeps."""

    v: int
    shipper: int
    count: int  # events that have a number
    days: CalendarState
    frames: int
    sent_bytes: int  # of frames, before compression


class _Frame:
    """Events of one partition that have not been sent."""

    def __init__(self, opened: float) -> None:
        self.numbers: list[int] = []
        self.events: list[AccessEvent] = []
        self.opened = opened  # by the outbox's clock


class FrameBuilder:
    """Gives every event its number and day, and sends those with an account to their partition.

    ``send`` takes messages in order and may block; ``flush`` returns when all of them are acknowledged;
    ``clock`` counts seconds and says only how old a frame is.
    """

    def __init__(
        self,
        shipper: int,
        partitions: int,
        send: Send,
        clock: Callable[[], float],
        flush: Callable[[], None],
    ) -> None:
        self._flush = flush
        self._shipper = shipper
        self._partitions = partitions
        self._send = send
        self._clock = clock
        self._count = 0
        self._days = SiteCalendar()
        self._day = CalendarState()  # of the open frames
        self._open: dict[int, _Frame] = {}
        self._unnamed: dict[str, None] = {}
        self._counted = Counter(frames_total=0, frame_bytes_total=0)

    @property
    def counters(self) -> Mapping[str, int]:
        """Since the site was made."""
        return self._counted

    def link(self, links: Iterable[Link]) -> None:
        """The keys were rotated: tells the partitions, before the accounts' next events.

        A partition that an account comes to waits for its state. What it waits for is acknowledged before it
        is told to, so however the messages of several shippers mix, no two partitions wait for each other.
        """
        leaving: dict[int, list[Link]] = defaultdict(list)
        coming: dict[int, list[Link]] = defaultdict(list)
        for link in links:
            leaving[partition_of_account(link.old, self._partitions)].append(link)
            coming[partition_of_account(link.new, self._partitions)].append(link)
        self._close_all()
        for partition in sorted(leaving):
            self._post(partition, self._header(leaving=tuple(leaving[partition])), ())
        self._flush()
        for partition in sorted(coming):
            self._post(partition, self._header(coming=tuple(coming[partition])), ())

    def absorb(self, events: Sequence[AccessEvent]) -> None:
        """Takes events in, in order; batches may be cut anywhere."""
        for stretch in self._days.cut(events):
            if stretch.day != self._day.day:
                self._begin_day(stretch)
            self._fill(events[stretch.start : stretch.stop])
        self.send_old()

    def send_old(self) -> None:
        """Sends the frames that have waited long enough; to be called now and then while nothing comes."""
        now = self._clock()
        for partition in [p for p, frame in self._open.items() if now - frame.opened >= OLD]:
            self._close(partition)

    def apply(self, orders: Sequence[Command]) -> None:
        """Sends each command to its account's partition, behind the events so far."""
        for order in orders:
            partition = partition_of_account(order.account, self._partitions)
            if partition in self._open:
                self._close(partition)
            self._post(partition, self._header(orders=(order,)), ())
            if order.act is CommandKind.FORGET:
                self._unnamed[order.account] = None

    def drain(self) -> Changes:
        """Sends every open frame; what is needed to go on after these."""
        self._close_all()
        state = FrameBuilderState(
            v=VERSION,
            shipper=self._shipper,
            count=self._count,
            days=self._days.state,
            frames=self._counted["frames_total"],
            sent_bytes=self._counted["frame_bytes_total"],
        )
        unnamed = tuple(self._unnamed)
        self._unnamed.clear()
        return Changes(shared={FRAMING: msgspec.json.encode(state)}, unnamed=unnamed)

    def restore(self, accounts: Iterable[tuple[str, bytes]], shared: Mapping[str, bytes]) -> None:  # noqa: ARG002 - has none
        """Goes on from what ``drain`` gave. Raises ``CheckpointError``."""
        if FRAMING not in shared:
            return
        try:
            state = msgspec.json.decode(shared[FRAMING], type=FrameBuilderState)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CheckpointError(f"the shipper's place cannot be read ({error})") from None
        if state.v != VERSION:
            raise CheckpointError(f"the shipper's place has version {state.v}; use a newer journalguard")
        if state.shipper != self._shipper:
            raise CheckpointError(
                f"this folder was shipped from as shipper {state.shipper} and site.toml now says "
                f"{self._shipper}: events would count twice; set shipper = {state.shipper} again"
            )
        self._count = state.count
        self._days = SiteCalendar(state.days)
        self._day = state.days
        self._counted.update(frames_total=state.frames, frame_bytes_total=state.sent_bytes)

    def _begin_day(self, stretch: DaySpan) -> None:
        """Ends the frames of the day before, then tells every partition of the new one."""
        self._close_all()
        self._day = CalendarState(stretch.day, 0, stretch.offset)
        for partition in range(self._partitions):
            self._post(partition, self._header(), ())

    def _fill(self, events: Sequence[AccessEvent]) -> None:
        """Events of one day."""
        first = (self._shipper << SHIPPER_BITS) + self._count
        self._count += len(events)
        now = self._clock()
        for number, event in enumerate(events, first):
            if not event.account:
                continue
            partition = partition_of_account(event.account, self._partitions)
            frame = self._open.get(partition)
            if frame is None:
                frame = self._open[partition] = _Frame(now)
            frame.numbers.append(number)
            frame.events.append(event)
            if len(frame.numbers) >= FULL:
                self._close(partition)

    def _close_all(self) -> None:
        for partition in sorted(self._open):
            self._close(partition)

    def _close(self, partition: int) -> None:
        frame = self._open.pop(partition)
        self._post(partition, self._header(numbers=tuple(frame.numbers)), frame.events)

    def _header(
        self,
        numbers: tuple[int, ...] = (),
        leaving: tuple[Link, ...] = (),
        coming: tuple[Link, ...] = (),
        orders: tuple[Command, ...] = (),
    ) -> FrameHeader:
        day = self._day
        return FrameHeader(VERSION, self._shipper, day.day, day.offset, numbers, leaving, coming, orders)

    def _post(self, partition: int, header: FrameHeader, events: Sequence[AccessEvent]) -> None:
        value = encode_frame(header, events)
        self._counted["frames_total"] += 1
        self._counted["frame_bytes_total"] += len(value)
        self._send(partition, value)
