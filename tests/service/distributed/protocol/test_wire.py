"""What goes over Kafka: what is written reads back, and whatever else comes is refused with a reason."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.distributed.protocol.wire import (
    VERSION,
    AlertRecord,
    AsideRecord,
    FrameHeader,
    WireError,
    WireFault,
    decode,
    decode_frame,
    encode,
    encode_frame,
)
from service.records.events import AccessEvent
from tests.service.distributed.records import EVENT, EXAMPLES, HEADER, RECORDS, any_of

FRAME = encode_frame(HEADER, [EVENT, EVENT])


def refused(value: bytes, record: type[Any] | None = None) -> WireFault:
    with pytest.raises(WireError) as caught:
        decode(value, record) if record else decode_frame(value)
    return caught.value.refusal


@pytest.mark.parametrize("record", RECORDS)
@settings(max_examples=25)
@given(data=st.data())
def test_what_is_written_reads_back(record: type[Any], data: st.DataObject) -> None:
    written = data.draw(any_of(record))
    assert decode(encode(written), record) == written


@given(st.lists(any_of(AccessEvent), max_size=4), st.integers(0, 2**62))
def test_a_frame_reads_back(events: list[AccessEvent], first: int) -> None:
    header = FrameHeader(VERSION, 1, 2, 3, tuple(first + 2 * i for i in range(len(events))))
    assert decode_frame(encode_frame(header, events)) == (header, events)


@pytest.mark.parametrize("record", [None, *RECORDS])
@given(value=st.binary(max_size=60))
def test_garbage_is_refused(record: type[Any] | None, value: bytes) -> None:
    assert refused(value, record) in set(WireFault)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@pytest.mark.parametrize("record", [None, *RECORDS])
@given(fields=st.dictionaries(st.sampled_from(["a", "alert", "numbers", "traces"]), json), v=json)
def test_other_json_is_refused(record: type[Any] | None, fields: dict[str, Any], v: object) -> None:
    assert refused(msgspec.json.encode({"v": v, **fields}), record) in set(WireFault)


@given(st.integers(0, len(FRAME) - 1), st.binary(min_size=1, max_size=3))
def test_a_damaged_frame_is_refused_or_is_another_frame(at: int, put: bytes) -> None:
    try:
        frame = decode_frame(FRAME[:at] + put + FRAME[at + len(put) :])
    except WireError:
        return
    assert len(frame.events) == len(frame.header.numbers)


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        (b"", WireFault.GARBAGE),
        (b"\n" + FRAME, WireFault.GARBAGE),
        (b"\xff\xfe{}", WireFault.GARBAGE),
        (b'{"v":1,"new":' + b"[" * 100_000, WireFault.GARBAGE),
        (FRAME[:-20], WireFault.GARBAGE),
        (b"{}", WireFault.WRONG_SCHEMA),
        (b"[1]", WireFault.WRONG_SCHEMA),
        (b'{"v":true,"shipper":0}', WireFault.WRONG_SCHEMA),
        (b'{"v":0,"shipper":0,"day":1,"offset":0}', WireFault.WRONG_SCHEMA),
        (b'{"v":1,"shipper":0}', WireFault.WRONG_SCHEMA),
        (FRAME + b"{}\n", WireFault.WRONG_SCHEMA),
        (encode_frame(HEADER, [EVENT]), WireFault.WRONG_SCHEMA),
        (encode_frame(FrameHeader(1, 0, 1, 0, (7, 7)), [EVENT, EVENT]), WireFault.WRONG_ORDER),
        (encode_frame(FrameHeader(2, 0, 1, 0), []), WireFault.FUTURE_VERSION),
        (b'{"v":2,"what":"else"}\nnot even JSON', WireFault.FUTURE_VERSION),
    ],
)
def test_a_frame_is_refused_with_its_reason(value: bytes, refusal: WireFault) -> None:
    assert refused(value) == refusal


def test_a_record_is_refused_with_its_reason() -> None:
    assert refused(b'{"v":2,"alerts":[]}', AlertRecord) == WireFault.FUTURE_VERSION
    assert refused(encode(EXAMPLES[AsideRecord]), AlertRecord) == WireFault.WRONG_SCHEMA
    assert refused(encode(EXAMPLES[AlertRecord])[:-1], AlertRecord) == WireFault.GARBAGE
