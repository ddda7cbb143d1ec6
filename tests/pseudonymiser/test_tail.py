"""Following logs: every line once, in order, whatever rotates them and whenever reading stops."""

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.logfile import Batch
from pseudonymiser.rotation import SURE, Pattern, PatternError, is_rotated
from pseudonymiser.tail import Follower, Tail


def line(number: int) -> str:
    """A line long enough that two of them make a sure fingerprint."""
    return f"192.0.2.{number % 250} - reader{number:05d} a line that is followed, number {number}"


def append(path: Path, numbers: range) -> None:
    with path.open("a") as file:
        file.writelines(f"{line(number)}\n" for number in numbers)


class Reader:
    """Reads a source as a runner does; ``restart`` begins again from the last position."""

    def __init__(self, where: Path | str) -> None:
        self.where = str(where)
        self.seen: list[str] = []
        self.batches: list[Batch] = []
        self.follower = Follower(self.where)
        self.position = self.follower.begin()

    def read(self, limit: int = 2000) -> list[str]:
        """All that can be read now."""
        before = len(self.seen)
        while (batch := self.follower.read(limit)) is not None:
            self.batches.append(batch)
            self.position = batch.position
            self.seen += [text.decode() for text in batch.lines]
        return self.seen[before:]

    def restart(self) -> None:
        self.follower.close()
        self.follower = Follower(self.where, position=self.position)

    def expect(self, numbers: range) -> None:
        assert self.seen == [line(number) for number in numbers]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "ezproxy.log"


def test_a_file_not_there_yet_is_waited_for(log: Path) -> None:
    reader = Reader(log)
    assert reader.read() == []
    append(log, range(3))
    reader.read()
    reader.expect(range(3))


def test_a_half_written_line_waits_for_its_newline(log: Path) -> None:
    reader = Reader(log)
    log.write_text(line(0)[:20])
    assert reader.read() == []
    with log.open("a") as file:
        file.write(line(0)[20:] + "\n" + line(1))
    reader.read()
    reader.expect(range(1))
    assert json.loads(reader.position or b"")["offset"] == len(line(0)) + 1  # not inside the second line
    reader.restart()
    with log.open("a") as file:
        file.write("\n")
    reader.read()
    reader.expect(range(2))


def test_lines_are_numbered_in_their_file(log: Path) -> None:
    append(log, range(10))
    reader = Reader(log)
    reader.read(limit=4)
    assert [(batch.first_line, len(batch.lines)) for batch in reader.batches] == [(1, 4), (5, 4), (9, 2)]
    assert {batch.source for batch in reader.batches} == {"ezproxy.log"}


def test_a_position_is_json_of_a_known_shape(log: Path) -> None:
    append(log, range(30))
    reader = Reader(log)
    reader.read()
    position: dict[str, Any] = json.loads(reader.position or b"")
    status = log.stat()
    assert position == {
        "device": status.st_dev,
        "inode": status.st_ino,
        "offset": status.st_size,
        "line": 30,
        "head": 1024,
        "fingerprint": position["fingerprint"],
        "name": str(log),
        "written": 0,
    }
    assert len(position["fingerprint"]) == 8  # 32 bits: no use for confirming a guessed first line


@pytest.mark.parametrize("restart", [False, True], ids=["running", "down"])
class TestRotation:
    """Each while it runs and while it is down."""

    def turn(self, reader: Reader, restart: bool) -> None:
        if restart:
            reader.restart()

    def test_rename(self, log: Path, restart: bool) -> None:
        reader = Reader(log)
        append(log, range(5))
        reader.read()
        append(log, range(5, 8))
        log.rename(log.with_name("ezproxy.log.1"))
        append(log, range(8, 10))
        self.turn(reader, restart)
        reader.read()
        reader.expect(range(10))

    def test_the_writer_goes_on_in_the_renamed_file_for_a_while(self, log: Path, restart: bool) -> None:
        reader = Reader(log)
        append(log, range(5))
        reader.read()
        old = log.rename(log.with_name("ezproxy.log.1"))
        log.touch()  # logrotate's `create`; the writer has not been told yet
        self.turn(reader, restart)
        append(old, range(5, 7))
        reader.read()
        append(old, range(7, 9))
        append(log, range(9, 12))
        reader.read()
        reader.expect(range(12))

    def test_several_renames_at_once(self, log: Path, restart: bool) -> None:
        reader = Reader(log)
        append(log, range(5))
        reader.read()
        for start in (5, 10, 15):
            append(log, range(start, start + 5))
            for number in (3, 2, 1):
                old = log.with_name(f"ezproxy.log.{number}" if number > 1 else "ezproxy.log.1")
                if old.exists():
                    old.rename(log.with_name(f"ezproxy.log.{number + 1}"))
            os.utime(log, (2**32 + start, 2**32 + start))
            log.rename(log.with_name("ezproxy.log.1"))
        append(log, range(20, 22))
        self.turn(reader, restart)
        reader.read()
        reader.expect(range(22))

    def test_copytruncate(self, log: Path, restart: bool) -> None:
        reader = Reader(log)
        append(log, range(20))
        reader.read()
        append(log, range(20, 25))  # not read before the copy is made
        shutil.copyfile(log, log.with_name("ezproxy.log.1"))
        os.truncate(log, 0)
        append(log, range(25, 27))
        self.turn(reader, restart)
        reader.read()
        reader.expect(range(27))

    def test_copytruncate_grown_beyond_the_old_size(self, log: Path, restart: bool) -> None:
        reader = Reader(log)
        append(log, range(3))
        reader.read()
        shutil.copyfile(log, log.with_name("ezproxy.log.1"))
        os.truncate(log, 0)
        append(log, range(3, 40))
        self.turn(reader, restart)
        reader.read()
        reader.expect(range(40))

    def test_a_renamed_file_is_deleted_when_it_was_read(self, log: Path, restart: bool) -> None:
        reader = Reader(log)
        append(log, range(5))
        reader.read()
        log.rename(log.with_name("ezproxy.log.1"))
        log.with_name("ezproxy.log.1").unlink()
        append(log, range(5, 9))
        self.turn(reader, restart)
        reader.read()
        reader.expect(range(9))

    def test_compressed_remains_are_ignored(self, log: Path, restart: bool) -> None:
        reader = Reader(log)
        append(log, range(5))
        reader.read()
        with gzip.open(log.with_name("ezproxy.log.1.gz"), "wb") as packed:
            packed.write(log.read_bytes())
        log.unlink()
        append(log, range(5, 9))
        self.turn(reader, restart)
        reader.read()
        reader.expect(range(9))

    def test_daily_names(self, tmp_path: Path, restart: bool) -> None:
        reader = Reader(f"{tmp_path}/ezp%Y%m%d.log")
        append(tmp_path / "ezp20261130.log", range(3))
        append(tmp_path / "ezp20261201.log", range(3, 6))
        append(tmp_path / "other20261202.log", range(90, 99))
        reader.read()
        self.turn(reader, restart)
        append(tmp_path / "ezp20261201.log", range(6, 8))
        (tmp_path / "ezp20261203.log").touch()  # empty: the writer may still be at the older one
        reader.read()
        append(tmp_path / "ezp20261201.log", range(8, 9))
        append(tmp_path / "ezp20261203.log", range(9, 12))
        self.turn(reader, restart)
        reader.read()
        reader.expect(range(12))
        assert [batch.source for batch in reader.batches][-1] == "ezp20261203.log"

    def test_the_last_line_of_a_finished_file_needs_no_newline(self, tmp_path: Path, restart: bool) -> None:
        reader = Reader(f"{tmp_path}/ezp%Y%m%d.log")
        (tmp_path / "ezp20261130.log").write_text(line(0) + "\n" + line(1))
        reader.read()
        self.turn(reader, restart)
        append(tmp_path / "ezp20261201.log", range(2, 4))
        reader.read()
        self.turn(reader, restart)
        reader.read()
        reader.expect(range(4))


def test_the_doubled_hour_of_an_hourly_name_is_appended_to_the_same_file(tmp_path: Path) -> None:
    reader = Reader(f"{tmp_path}/ezp%Y%m%d%H.log")
    hour = tmp_path / "ezp2026102501.log"
    append(hour, range(4))
    reader.read()
    append(hour, range(4, 8))  # the clock went back
    append(tmp_path / "ezp2026102502.log", range(8, 9))
    reader.read()
    reader.expect(range(9))


def test_a_day_renamed_and_compressed_while_down_does_not_bring_the_past_back(tmp_path: Path) -> None:
    reader = Reader(f"{tmp_path}/ezp%Y%m%d.log")
    append(tmp_path / "ezp20261129.log", range(3))
    append(tmp_path / "ezp20261130.log", range(3, 6))
    reader.read()
    (tmp_path / "ezp20261130.log").rename(tmp_path / "ezp20261130.log.gz")
    reader.restart()
    assert reader.read() == []
    append(tmp_path / "ezp20261201.log", range(6, 8))
    reader.read()
    reader.expect(range(8))


def test_a_restored_file_with_another_inode_is_gone_on_with(log: Path) -> None:
    reader = Reader(log)
    append(log, range(20))
    reader.read()
    copy = log.with_name("copy")
    shutil.copyfile(log, copy)
    log.unlink()
    copy.rename(log)
    append(log, range(20, 22))
    reader.restart()
    reader.read()
    reader.expect(range(22))


def test_a_wildcard_is_one_source_for_each_file_without_rotated_ones(tmp_path: Path) -> None:
    for name in ("a.log", "b.log", "a.log.1", "a.log.2.gz", "a.log-20261101", "b-20261101.log"):
        append(tmp_path / name, range(1))
    tail = Tail([f"{tmp_path}/*.log*"], [], {})
    assert [source.key for source in tail.sources()] == [f"log:{tmp_path}/a.log", f"log:{tmp_path}/b.log"]
    append(tmp_path / "c.log", range(1))
    assert len(tail.sources()) == 3
    tail.close()


def test_audit_logs_are_sources_of_their_own(tmp_path: Path) -> None:
    tail = Tail([f"{tmp_path}/a"], [f"{tmp_path}/a"], {})
    assert [(source.key, source.audit) for source in tail.sources()] == [
        (f"log:{tmp_path}/a", False),
        (f"audit:{tmp_path}/a", True),
    ]


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("/l/ezp%Y%Q.log", "%Q is not known"),
        ("/l/ezp%m%d.log", "no year"),
        ("/l/*%Y.log", "not both"),
        ("/l/ezp%Y.log.gz", "journalguard replay"),
    ],
)
def test_a_name_that_cannot_be_followed_says_what_to_write(name: str, mend: str) -> None:
    with pytest.raises(PatternError, match=mend):
        Tail([name], [], {})


def test_pattern_keys_sort_by_time() -> None:
    pattern = Pattern("/l/%Y/ezp.%d%b%Y.log")
    names = ["/l/2026/ezp.02Jan2026.log", "/l/2025/ezp.24Dec2025.log", "/l/2026/ezp.01Feb2026.log"]
    keys = [key for name in names if (key := pattern.key(name)) is not None]
    assert len(keys) == 3
    assert sorted(keys) == [keys[1], keys[0], keys[2]]
    assert pattern.key("/l/2025/ezp.24Dec2026.log") is None


def test_names_of_rotated_files() -> None:
    rotated = ["a.log.1", "a.log.12", "a.log-20261101", "a-20261101.log", "a.log.2.1"]
    assert [name for name in rotated if not is_rotated(name, "a.log")] == []
    assert not any(is_rotated(name, "a.log") for name in ["a.log", "b.log", "a.log.bak", "ab.log", "a.txt"])


def test_a_folder_of_that_name_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    assert Follower(str(tmp_path / "log")).read(10) is None


STEPS = st.lists(
    st.sampled_from(["append", "half", "rename", "copytruncate", "read", "restart"]), max_size=25
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_no_line_is_lost_or_repeated_under_any_history(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """A model: what the writer wrote, in order, is what the reader saw."""
    log = tmp_path_factory.mktemp("history") / "ezproxy.log"
    log.touch()
    reader, written, clock = Reader(log), 0, 4_000_000_000
    for step in [*steps, "append", "read"]:
        clock += 10
        if step == "append":
            append(log, range(written, written + 3))
            written += 3
        elif step == "half":
            text = line(written) + "\n"
            with log.open("a") as file:
                file.write(text[:30])
                file.flush()
                reader.read()
                file.write(text[30:])
            written += 1
        elif step == "read":
            reader.read(limit=2)
        elif step == "restart":
            reader.restart()
        elif log.stat().st_size:
            if step == "copytruncate" and known_bytes(reader) < SURE:
                reader.read()  # a file truncated before anyone looked at it cannot be told from an empty one
            rotate(log, copy=step == "copytruncate", clock=clock)
    reader.expect(range(written))


def known_bytes(reader: Reader) -> int:
    positions = (reader.position, reader.follower.begin())
    return min(int(json.loads(position or b'{"head": 0}')["head"]) for position in positions)


def rotate(log: Path, *, copy: bool, clock: int) -> None:
    numbers = sorted((int(path.suffix[1:]) for path in log.parent.glob("ezproxy.log.*")), reverse=True)
    for number in numbers:
        log.with_name(f"ezproxy.log.{number}").rename(log.with_name(f"ezproxy.log.{number + 1}"))
    first = log.with_name("ezproxy.log.1")
    if copy:
        shutil.copyfile(log, first)
        os.truncate(log, 0)
    else:
        log.rename(first)
        log.touch()
    os.utime(first, (clock, clock))
