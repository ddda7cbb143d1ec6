"""Messages of programs that ship raw lines, as lines."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.distributed.shipper.rawtopic import _Partition, lines_of

LINE = b'192.0.2.7 - reader1 [24/Nov/2026:10:00:00 +0000] "GET https://www.example.com:443/ HTTP/1.1" 200 5'


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (LINE, [LINE]),
        (LINE + b"\n", [LINE]),
        (LINE + b"\r\n", [LINE]),
        (LINE + b"\n" + LINE, [LINE, LINE]),
        (msgspec.json.encode({"@timestamp": "x", "message": LINE.decode(), "log": {"offset": 7}}), [LINE]),
        (msgspec.json.encode({"message": (LINE + b"\r\n").decode()}), [LINE]),
        (b'{"message": 5}', [b'{"message": 5}']),
        (b"{not json", [b"{not json"]),
        (b'{"message": "\xff"}', [b'{"message": "\xff"}']),
        (b"", [b""]),
        (None, [b""]),
    ],
)
def test_text_and_json(value: bytes | None, lines: list[bytes]) -> None:
    assert lines_of(value) == lines


@given(st.binary(max_size=60))
def test_any_message_is_at_least_one_line(value: bytes) -> None:
    """A message that is no line is counted as a rejected one, not passed over."""
    lines = lines_of(value)
    assert lines
    assert not any(b"\n" in line for line in lines)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1), min_size=1))
def test_filebeat_s_json_holds_the_same_lines_as_text(lines: list[str]) -> None:
    wanted = [line.encode() for line in lines]
    assert lines_of(msgspec.json.encode({"message": "\n".join(lines)})) == wanted


def test_a_partition_is_read_in_whole_messages_from_its_place() -> None:
    """Positions are those of messages; however much is asked for, none is cut."""
    partition = _Partition("ezproxy.raw", 3, lambda: None)
    partition.start(7)
    assert partition.read(10) is None
    partition.take(7, b"one\ntwo\nthree")
    partition.take(9, b"four")  # 8 was a mark of a transaction
    before = partition.begin()
    first = partition.read(1)
    assert first is not None
    assert (first.lines, first.first_line) == ([b"one", b"two", b"three"], 8)
    second = partition.read(1)
    assert second is not None
    assert (second.lines, partition.read(1)) == ([b"four"], None)
    places = [before, first.position, second.position]
    assert places == [b'{"offset":7}', b'{"offset":8}', b'{"offset":10}']
