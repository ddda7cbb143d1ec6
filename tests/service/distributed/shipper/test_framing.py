"""What leaves the shipper, however the stream is cut and wherever it dies."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.base.errors import CheckpointError
from service.distributed.protocol.partitions import partition_of_account
from service.distributed.protocol.wire import Frame, decode_frame
from service.distributed.shipper.framing import FRAMING, FULL, OLD, FrameBuilder
from service.pipeline.calendar import SiteCalendar
from service.records.events import AccessEvent
from tests.service.factories import DAY, NOON, TODAY, event

SHIPPER, PARTITIONS = 5, 3
FIRST = SHIPPER << 48


class Sent(NamedTuple):
    """One event as its partition gets it."""

    number: int
    event: AccessEvent
    day: int
    offset: int


class Wire:
    """An outbox with its clock, and all it has sent."""

    def __init__(self) -> None:
        self.now = 0.0
        self.frames: dict[int, list[Frame]] = {p: [] for p in range(PARTITIONS)}

    def builder(self, shipper: int = SHIPPER) -> FrameBuilder:
        def send(partition: int, value: bytes) -> None:
            self.frames[partition].append(decode_frame(value))

        return FrameBuilder(shipper, PARTITIONS, send, lambda: self.now, lambda: None)

    def without_repeats(self, partition: int) -> list[Sent]:
        """As workers see it: what is not newer than the newest number was there before."""
        sent: list[Sent] = []
        for header, events in self.frames[partition]:
            for number, each in zip(header.numbers, events, strict=True):
                if not sent or number > sent[-1].number:
                    sent.append(Sent(number, each, header.day, header.offset))
        return sent


def wanted(stream: Sequence[AccessEvent], partition: int) -> list[Sent]:
    """Every event's number is its place among all events, with and without account."""
    return [
        Sent(FIRST + at, stream[at], stretch.day, stretch.offset)
        for stretch in SiteCalendar().cut(stream)
        for at in range(stretch.start, stretch.stop)
        if (account := stream[at].account) and partition_of_account(account, PARTITIONS) == partition
    ]


def days_of(stream: Sequence[AccessEvent]) -> list[int]:
    return [stretch.day for stretch in SiteCalendar().cut(stream) if stretch.day]


def live(wire: Wire, stream: Sequence[AccessEvent], steps: Sequence[tuple[str, int]]) -> None:
    """Takes the stream in by ``absorb``, ``wait``, ``drain``, and ``die``: go on from the last drain."""
    builder, at = wire.builder(), 0
    saved, saved_at = dict(builder.drain().shared), 0
    for act, many in [*steps, ("absorb", len(stream))]:
        if act == "absorb":
            builder.absorb(stream[at : at + many])
            at = min(at + many, len(stream))
        elif act == "wait":
            wire.now += OLD * many / 10
            builder.send_old()
        elif act == "drain":
            saved, saved_at = dict(builder.drain().shared), at
        else:
            builder, at = wire.builder(), saved_at
            builder.restore((), saved)
    builder.drain()


events = st.builds(
    lambda time, name, offset: event(time, name, offset=offset),
    st.integers(NOON - 4 * DAY, NOON + 4 * DAY),
    st.sampled_from(["", "reader1", "reader2", "reader3", "reader4", "reader5"]),
    st.sampled_from([0, 3600]),
)
streams = st.lists(events, max_size=40).map(
    lambda drawn: [e for pair in zip(sorted(drawn, key=lambda e: e.time), drawn, strict=True) for e in pair]
)
lives = st.lists(
    st.tuples(st.sampled_from(["absorb", "absorb", "wait", "drain", "die"]), st.integers(1, 25)), max_size=20
)


@given(streams, lives)
def test_any_cut_and_any_restart_give_the_same_events_numbers_and_days(
    stream: list[AccessEvent], steps: list[tuple[str, int]]
) -> None:
    wire = Wire()
    live(wire, stream, steps)
    for partition in range(PARTITIONS):
        assert wire.without_repeats(partition) == wanted(stream, partition)


@given(streams, lives)
def test_every_day_begins_in_every_partition_with_a_frame_without_events(
    stream: list[AccessEvent], steps: list[tuple[str, int]]
) -> None:
    wire = Wire()
    live(wire, stream, steps)
    for frames in wire.frames.values():
        begun: list[int] = []
        for header, _ in frames:
            if header.day > max(begun, default=0):
                assert header.numbers == (), "the first of its day"
                begun.append(header.day)
        assert begun == days_of(stream)


@given(streams, lives)
def test_a_frame_is_of_one_partition_and_one_shipper(
    stream: list[AccessEvent], steps: list[tuple[str, int]]
) -> None:
    wire = Wire()
    live(wire, stream, steps)
    for partition, frames in wire.frames.items():
        assert {frame.header.shipper for frame in frames} <= {SHIPPER}
        assert {partition_of_account(e.account, PARTITIONS) for f in frames for e in f.events} <= {partition}


def test_a_frame_leaves_when_it_is_full() -> None:
    wire = Wire()
    builder = wire.builder()
    builder.absorb([event(NOON, document=i) for i in range(2 * FULL + 7)])
    partition = partition_of_account("reader", PARTITIONS)
    # The first event of all is of no day yet: the calendar believes the second.
    assert [len(frame.events) for frame in wire.frames[partition]] == [1, 0, FULL, FULL]
    builder.drain()
    assert len(wire.frames[partition][-1].events) == 6


def test_a_frame_leaves_when_it_is_old() -> None:
    wire = Wire()
    builder = wire.builder()
    builder.absorb([event()])
    partition = partition_of_account("reader", PARTITIONS)
    wire.now += 0.9 * OLD
    builder.send_old()
    assert wire.frames[partition] == []
    wire.now += 0.2 * OLD
    builder.send_old()
    assert len(wire.frames[partition][0].events) == 1


def test_counters_go_on_after_a_restart() -> None:
    wire = Wire()
    builder = wire.builder()
    builder.absorb([event(NOON), event(NOON + 1)])
    state = builder.drain().shared
    again = wire.builder()
    again.restore((), state)
    assert again.counters == builder.counters
    assert again.counters["frames_total"] == 2 + PARTITIONS


class TestAStateThatDoesNotFit:
    def test_of_another_shipper(self) -> None:
        state = Wire().builder().drain().shared
        with pytest.raises(
            CheckpointError, match=r"as shipper 5 and site.toml now says 6.*set shipper = 5 again"
        ):
            Wire().builder(6).restore((), state)

    def test_of_a_later_version(self) -> None:
        state = msgspec.json.decode(Wire().builder().drain().shared[FRAMING])
        later = msgspec.json.encode(state | {"v": 99})
        with pytest.raises(CheckpointError, match="newer journalguard"):
            Wire().builder().restore((), {FRAMING: later})

    @pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"\xff\xfe"])
    def test_garbage(self, garbage: bytes) -> None:
        with pytest.raises(CheckpointError, match="cannot be read"):
            Wire().builder().restore((), {FRAMING: garbage})


def test_the_first_start_has_no_state() -> None:
    wire = Wire()
    builder = wire.builder()
    builder.restore((), {})
    builder.absorb([event(NOON), event(NOON + 1)])
    builder.drain()
    numbers = [n for frame in wire.frames[partition_of_account("reader", 3)] for n in frame.header.numbers]
    assert numbers == [FIRST, FIRST + 1]
    assert TODAY in {frame.header.day for frame in wire.frames[0]}
