"""After a crash the lines of several logs are read in the order in which they were read before."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudonymiser.logfile import Batch
from service.distributed.shipper.merge_order import PATIENCE, MergeOrderFile, RecordedMerge


class Log:
    """A source in memory: of its lines the first ``there`` are written."""

    audit = False

    def __init__(self, key: str, lines: Sequence[bytes], there: int = 1_000_000) -> None:
        self.key = key
        self.there = there
        self._lines = list(lines)
        self._read = 0

    def read(self, limit: int) -> Batch | None:
        lines = self._lines[self._read : min(self.there, self._read + limit)]
        self._read += len(lines)
        return Batch(self.key, self._read - len(lines) + 1, lines, b"") if lines else None


def clock(lines: Sequence[bytes], audit: bool) -> list[int]:
    """A line is its time."""
    return [int(line) for line in lines]


def taken(merge: RecordedMerge, logs: Sequence[Log], turns: int) -> list[tuple[str, bytes]]:
    """Lines in the order in which they come, of so many turns."""
    order: list[tuple[str, bytes]] = []
    for _ in range(turns):
        batch_taken = merge.next(logs)
        if batch_taken is None:
            break
        merge.fed(batch_taken, clock(batch_taken.batch.lines, False))
        order += [(batch_taken.source.key, line) for line in batch_taken.batch.lines]
    return order


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ship.turns"


times = st.lists(st.integers(0, 40_000), min_size=1, max_size=30).map(
    lambda drawn: [b"%d" % t for t in sorted(drawn)]
)


@given(times, times, st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 4)), max_size=8))
def test_the_same_order_whatever_the_logs_hold_by_then(
    first: list[bytes], second: list[bytes], steps: list[tuple[int, int, int]]
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "turns")
        before = _one_life(path, [Log("a", first, 0), Log("b", second, 0)], steps)
        file = MergeOrderFile(path)
        again = RecordedMerge(clock, file, file.begin(7))
        after = taken(again, [Log("a", first), Log("b", second)], 10_000)
        file.close()
        assert after[: len(before)] == before
        assert sorted(after) == sorted([("a", line) for line in first] + [("b", line) for line in second])


def _one_life(path: Path, logs: list[Log], steps: list[tuple[int, int, int]]) -> list[tuple[str, bytes]]:
    """The logs grow while they are read; then the process dies."""
    file = MergeOrderFile(path)
    merge = RecordedMerge(clock, file, file.begin(7))
    order: list[tuple[str, bytes]] = []
    for grows_a, grows_b, turns in steps:
        logs[0].there += grows_a
        logs[1].there += grows_b
        order += taken(merge, logs, turns)
    file.close()
    return order


def test_a_checkpoint_forgets_what_was_before(path: Path) -> None:
    file = MergeOrderFile(path)
    assert file.begin(1) == []
    file.add("a", 3)
    file.renew(2)
    file.add("b", 4)
    file.sync()
    file.close()
    assert MergeOrderFile(path).begin(2) == [("b", 4)]


def test_turns_after_another_checkpoint_do_not_count(path: Path) -> None:
    """The process died between the checkpoint and the new beginning of this file."""
    file = MergeOrderFile(path)
    file.begin(1)
    file.add("a", 3)
    file.close()
    assert MergeOrderFile(path).begin(2) == []
    assert MergeOrderFile(path).begin(2) == []


@pytest.mark.parametrize("torn", [b'["b",', b'["b",4]', b"\x00\x00"])
def test_what_a_crash_left_half_does_not_count(path: Path, torn: bytes) -> None:
    file = MergeOrderFile(path)
    file.begin(1)
    file.add("a", 3)
    file.close()
    path.write_bytes(path.read_bytes() + torn)
    again = MergeOrderFile(path)
    assert again.begin(1) == [("a", 3)]
    again.add("c", 5)
    again.close()
    assert MergeOrderFile(path).begin(1) == [("a", 3), ("c", 5)]


def test_while_it_repeats_there_is_no_checkpoint(path: Path) -> None:
    file = MergeOrderFile(path)
    file.begin(0)
    merge = RecordedMerge(clock, file, [("a", 2), ("b", 1)])
    logs = [Log("a", [b"1", b"2", b"3"]), Log("b", [b"9"], there=0)]
    assert taken(merge, logs, 1) == [("a", b"1"), ("a", b"2")]
    assert merge.repeating
    assert merge.next(logs) is None, "b has the next turn, and nothing yet"
    logs[1].there = 1
    assert taken(merge, logs, 1) == [("b", b"9")]
    assert not merge.repeating


def test_lines_that_are_gone_are_not_waited_for_for_ever(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = MergeOrderFile(path)
    file.begin(0)
    merge = RecordedMerge(clock, file, [("gone", 2)])
    log = Log("a", [b"1"])
    looks = [merge.next([log]) for _ in range(PATIENCE)]
    batch_taken = looks.pop()
    assert looks == [None] * len(looks)
    assert batch_taken is not None
    assert batch_taken.source is log
    assert "order-lost" in caplog.text
