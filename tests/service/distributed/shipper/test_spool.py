"""Standard input by way of files: every line once and in order, whatever happens to the process."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.distributed.shipper.intake import StandardInput
from service.distributed.shipper.spool import SEGMENT, Spool

KEY = "log:{}/stdin.log"


class Pipe:
    """What the program that writes holds, and the end that is read."""

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()

    def write(self, data: bytes) -> None:
        os.write(self._writing, data)

    def end(self) -> None:
        os.close(self._writing)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reading)


def until(done: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if done():
            return
        time.sleep(0.005)
    raise AssertionError("nothing came of it")


def read(intake: StandardInput) -> tuple[list[bytes], bytes]:
    """All lines that are there, and the position behind them."""
    (source,) = intake.sources()
    lines, position = [], source.begin() or b""
    while (batch := source.read(500)) is not None:
        lines += batch.lines
        position = batch.position
    return lines, position


def test_lines_come_as_they_were_written(tmp_path: Path, pipe: Pipe) -> None:
    intake = StandardInput(spool := Spool(tmp_path, pipe.reading), [], {})
    pipe.write(b"one\ntw")
    pipe.write(b"o\nthree")
    pipe.end()
    until(lambda: spool.finished)
    lines, position = read(intake)
    assert lines == [b"one", b"two", b"three"]
    assert intake.ended({KEY.format(tmp_path): position})
    assert intake.lag_bytes({KEY.format(tmp_path): position}) == 0
    intake.close()


def test_it_has_not_ended_before_all_is_acknowledged(tmp_path: Path, pipe: Pipe) -> None:
    intake = StandardInput(spool := Spool(tmp_path, pipe.reading), [], {})
    (source,) = intake.sources()
    begin = {KEY.format(tmp_path): source.begin() or b""}
    pipe.write(b"one\n")
    until(lambda: intake.lag_bytes(begin) == 4)
    assert not intake.ended(begin)
    pipe.end()
    until(lambda: spool.finished)
    assert not intake.ended(begin)
    assert not intake.ended({})
    intake.close()


def test_an_input_without_lines_ends(tmp_path: Path, pipe: Pipe) -> None:
    intake = StandardInput(spool := Spool(tmp_path, pipe.reading), [], {})
    pipe.end()
    until(lambda: spool.finished)
    assert intake.ended({KEY.format(tmp_path): read(intake)[1]})
    intake.close()


def test_files_that_were_full_before_the_first_look_are_read(tmp_path: Path) -> None:
    """Kafka may be away for long when the command starts."""
    written = [b"%09d" % i + b"." * 90 for i in range(5 * SEGMENT // 100)]
    log = tmp_path / "log"
    log.write_bytes(b"".join(line + b"\n" for line in written))
    descriptor = os.open(log, os.O_RDONLY)
    spool = Spool(tmp_path / "spool", descriptor)
    until(lambda: spool.finished)
    intake = StandardInput(spool, [], {})
    assert intake.lag_bytes({}) == len(written) * 100
    assert len(list((tmp_path / "spool").iterdir())) >= 4
    lines, position = read(intake)
    assert lines == written
    key = KEY.format(tmp_path / "spool")
    intake.acknowledged({key: position})
    assert len(list((tmp_path / "spool").iterdir())) <= 2, "what Kafka has is deleted"
    assert intake.ended({key: position})
    intake.close()
    os.close(descriptor)


def test_only_what_is_acknowledged_is_deleted(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"stdin.log.{number}").write_bytes(b"line %d\n" % number * 200)
        os.utime(tmp_path / f"stdin.log.{number}", ns=(number, number))
    (tmp_path / "stdin.log").write_bytes(b"newest\n")
    (tmp_path / "other.log.1").write_bytes(b"not ours\n")
    pipe = Pipe()
    intake = StandardInput(spool := Spool(tmp_path, pipe.reading), [], {})
    (source,) = intake.sources()
    source.begin()
    second = [source.read(200), source.read(100)][-1]
    assert second is not None
    assert second.lines[0] == b"line 2"
    intake.acknowledged({KEY.format(tmp_path): second.position})
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["other.log.1", "stdin.log", "stdin.log.2", "stdin.log.3"]
    assert intake.lag_bytes({KEY.format(tmp_path): second.position}) == 7 * 100 + 7 * 200 + 7
    pipe.end()
    intake.close()
    until(lambda: spool.finished)
    os.close(pipe.reading)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.lists(st.integers(1, 60_000), max_size=12), min_size=1, max_size=4))
def test_lives_of_the_process_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, lives: list[list[int]]
) -> None:
    """In each life some pieces come and are spooled, and some of the lines are acknowledged."""
    folder = tmp_path_factory.mktemp("spool")
    number = 0
    got: list[int] = []
    positions: dict[str, bytes] = {}
    for pieces in lives:
        pipe = Pipe()
        spool = Spool(folder, pipe.reading)
        intake = StandardInput(spool, [], positions)
        for size in pieces:
            pipe.write(b"%09d%s\n" % (number, b"." * size))
            number += 1
        pipe.end()
        until(lambda spool=spool: spool.finished)  # type: ignore[misc]  # of this life
        (source,) = intake.sources()
        position = source.begin()
        while len(got) < number - len(pieces) // 2 and (batch := source.read(3)) is not None:
            got += [int(line[:9]) for line in batch.lines]
            position = batch.position
        assert position is not None
        positions = {KEY.format(folder): position}
        intake.acknowledged(positions)
        intake.close()
        os.close(pipe.reading)
    spool = Spool(folder, os.open(os.devnull, os.O_RDONLY))
    lines, _ = read(StandardInput(spool, [], positions))
    assert got + [int(line[:9]) for line in lines] == list(range(number))


def test_what_was_read_is_kept_also_while_it_closes(tmp_path: Path, pipe: Pipe) -> None:
    spool = Spool(tmp_path, pipe.reading)
    pipe.write(b"one\n")
    until(lambda: spool.path.stat().st_size == 4)
    time.sleep(0.05)  # now it waits for more
    spool.close()
    pipe.write(b"half a li")
    until(lambda: spool.finished)
    assert spool.path.read_bytes() == b"one\nhalf a li\n"
    pipe.end()


def test_only_its_owner_reads_it(tmp_path: Path, pipe: Pipe) -> None:
    spool = Spool(tmp_path / "spool", pipe.reading)
    assert (tmp_path / "spool").stat().st_mode & 0o077 == 0
    assert spool.path.stat().st_mode & 0o077 == 0
    pipe.end()
    until(lambda: spool.finished)
