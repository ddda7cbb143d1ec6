"""Cutting bytes into lines: any cut of the stream gives the same, and an endless line is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from pseudonymiser.lines import LONGEST, LineCutter


def test_line_ends_of_both_kinds() -> None:
    cutter = LineCutter()
    cutter.push(b"a\r\nb\n\nc")
    assert cutter.take(9) == [b"a", b"b", b""]
    assert cutter.taken == 6
    assert cutter.rest() == [b"c"]


def test_an_endless_line_is_given_once_and_bounded() -> None:
    cutter = LineCutter()
    for _ in range(3 * LONGEST // 65536):
        cutter.push(b"x" * 65536)
        assert not cutter.ready
    cutter.push(b"yz\nnext\n")
    first, second = cutter.take(9)
    assert (len(first), second) == (LONGEST, b"next")
    assert cutter.taken == 3 * LONGEST + 2 + 1 + 5


@given(st.binary(max_size=200).map(lambda data: data.replace(b"x", b"\n")), st.data())
def test_any_cut_gives_the_same_lines(data: bytes, draw: st.DataObject) -> None:
    cutter, lines, position = LineCutter(), [], 0
    while position < len(data):
        size = draw.draw(st.integers(1, 40))
        cutter.push(data[position : position + size])
        position += size
        while cutter.ready:
            lines += cutter.take(draw.draw(st.integers(1, 3)))
            assert data[: cutter.taken].endswith(b"\n")
    lines += cutter.rest()
    expected = data.split(b"\n")
    assert lines == [part.removesuffix(b"\r") for part in (expected if expected[-1] else expected[:-1])]
