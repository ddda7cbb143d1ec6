"""What is left to read of a log, told without reading it."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.tail import Follower
from service.distributed.shipper.lag import unread_bytes

LINE = 100  # bytes


class Proxy:
    """Writes a log and rotates it; file times are its own, since the kernel's are coarse."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.lines = 0
        self._time = 10**18

    def write(self, lines: int) -> None:
        with self.log.open("ab") as file:
            for _ in range(lines):
                file.write(b"%09d%s\n" % (self.lines, b"." * (LINE - 10)))
                self.lines += 1
        self._touch(self.log)

    def rename(self) -> None:
        self.log.rename(self._next())

    def copy_and_truncate(self) -> None:
        copy = self._next()
        shutil.copyfile(self.log, copy)
        self._touch(copy)
        os.truncate(self.log, 0)
        self._touch(self.log)

    def _next(self) -> Path:
        for number in range(30, 0, -1):
            path = self.log.with_name(f"{self.log.name}.{number}")
            if path.exists():
                path.rename(self.log.with_name(f"{self.log.name}.{number + 1}"))
        return self.log.with_name(f"{self.log.name}.1")

    def _touch(self, path: Path) -> None:
        self._time += 10**9
        os.utime(path, ns=(self._time, self._time))


acts = st.tuples(st.sampled_from(["write", "write", "read", "rename", "copy"]), st.integers(1, 12))


@settings(deadline=None, max_examples=60)
@given(st.lists(acts, max_size=25))
def test_it_is_what_was_written_less_what_was_read(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    proxy = Proxy(folder / "access.log")
    proxy.write(11)
    follower = Follower(str(proxy.log))
    position, read = follower.begin(), 0
    for act, many in steps:
        if act == "read" and (batch := follower.read(many)) is not None:
            position, read = batch.position, read + len(batch.lines)
        elif act == "write":
            proxy.write(many)
        elif proxy.log.exists() and proxy.log.stat().st_size >= 1100:  # heads that tell files apart
            {"rename": proxy.rename, "copy": proxy.copy_and_truncate}.get(act, lambda: None)()
        assert unread_bytes(str(proxy.log), position) == LINE * (proxy.lines - read)
    follower.close()


def test_before_the_first_start_it_is_the_file_at_the_path(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "access.log")
    proxy.write(20)
    proxy.rename()
    assert unread_bytes(str(proxy.log), None) == 0
    proxy.write(3)
    assert unread_bytes(str(proxy.log), None) == 3 * LINE


def test_a_log_that_comes_later_counts_from_its_beginning(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "access.log")
    begin = Follower(str(proxy.log)).begin()
    proxy.write(20)
    proxy.rename()
    proxy.write(3)
    assert unread_bytes(str(proxy.log), begin) == 23 * LINE


def test_files_by_date(tmp_path: Path) -> None:
    for day, lines in ((1, 4), (2, 3), (3, 2)):
        Proxy(tmp_path / f"ezp2026110{day}.log").write(lines)
    pattern = str(tmp_path / "ezp%Y%m%d.log")
    assert unread_bytes(pattern, None) == 9 * LINE
    follower = Follower(pattern)
    batch = [follower.read(4), follower.read(1)][-1]
    assert batch is not None
    assert unread_bytes(pattern, batch.position) == 4 * LINE


def test_a_file_that_is_gone_leaves_the_one_at_the_path(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "access.log")
    proxy.write(20)
    batch = Follower(str(proxy.log)).read(5)
    assert batch is not None
    proxy.log.unlink()
    assert unread_bytes(str(proxy.log), batch.position) == 0
    proxy.lines = 500
    proxy.write(2)
    assert unread_bytes(str(proxy.log), batch.position) == 2 * LINE
