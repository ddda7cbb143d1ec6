"""Frames of the right schema that no state can take in are refused; a partition processor never fails at what
it accepts.
"""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.distributed.protocol import wire
from service.distributed.protocol.validation import is_valid
from service.distributed.protocol.wire import Frame, FrameHeader, WireError, WireFault
from service.distributed.worker.partition_processor import PartitionProcessor
from service.distributed.worker.site_replica import SiteReplica
from service.records.events import AccessEvent
from tests.service.distributed.records import any_of
from tests.service.factories import NOON, POLICY, TODAY, event

HEADER = FrameHeader(1, 0, TODAY, 0, (7,))
HUGE = 2**70


def processor() -> PartitionProcessor:
    return PartitionProcessor(0, 1, POLICY, SiteReplica(POLICY, 1).site)


def with_resource(**changes: object) -> AccessEvent:
    one = event()
    return msgspec.structs.replace(one, resource=msgspec.structs.replace(one.resource, **changes))


@pytest.mark.parametrize(
    "frame",
    [
        Frame(HEADER, [msgspec.structs.replace(event(), time=HUGE)]),
        Frame(HEADER, [msgspec.structs.replace(event(), time=-1)]),
        Frame(HEADER, [msgspec.structs.replace(event(), offset=2**63)]),
        Frame(HEADER, [msgspec.structs.replace(event(), status=HUGE)]),
        Frame(HEADER, [msgspec.structs.replace(event(), size=-HUGE)]),
        Frame(HEADER, [with_resource(sequence=HUGE)]),
        Frame(HEADER, [with_resource(document="not a token")]),
        Frame(HEADER, [with_resource(document="v" * 13)]),
        Frame(HEADER, [with_resource(journal="0_1")]),
        Frame(msgspec.structs.replace(HEADER, shipper=HUGE), [event()]),
        Frame(msgspec.structs.replace(HEADER, day=HUGE, numbers=()), []),
        Frame(msgspec.structs.replace(HEADER, offset=HUGE, numbers=()), []),
        Frame(msgspec.structs.replace(HEADER, numbers=(HUGE,)), [event()]),
    ],
)
def test_a_frame_that_no_state_can_take_in(frame: Frame) -> None:
    read = wire.decode_frame(wire.encode_frame(*frame))
    here = processor()
    with pytest.raises(WireError) as refused:
        here.take(0, read)
    assert refused.value.refusal is WireFault.WRONG_SCHEMA
    assert here.offset == 0
    assert not here.drain()[0].accounts


def test_what_ingest_gives_is_sound() -> None:
    assert is_valid(Frame(HEADER, [event(NOON, document=3)]))
    assert is_valid(Frame(msgspec.structs.replace(HEADER, numbers=()), []))


@settings(max_examples=200, deadline=None)
@given(any_of(AccessEvent), any_of(FrameHeader), st.integers(0, 2**70))
def test_what_is_accepted_is_saved(odd: AccessEvent, header: FrameHeader, number: int) -> None:
    """Before and after it others are taken as ever."""
    here = processor()
    here.take(0, Frame(HEADER, [event()]))
    header = msgspec.structs.replace(header, day=TODAY, numbers=(number,))
    frame = Frame(header, [msgspec.structs.replace(odd, account=odd.account or "reader")])
    try:
        here.take(1, frame)
    except WireError as error:
        assert error.refusal is WireFault.WRONG_SCHEMA
    here.take(2, Frame(msgspec.structs.replace(HEADER, numbers=(8,)), [event(NOON + 1, document=1)]))
    _, ledger = here.drain()
    assert ledger
    assert here.offset == 2
