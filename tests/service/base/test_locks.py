"""Who is told to be at work in a site: the true holder with its command, and never a process that is gone."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from service.base.errors import SiteError
from service.base.locks import Holder, exclusive_lock, holder, try_lock

HOLDER = """
import sys, time
from pathlib import Path
from service.base.locks import exclusive_lock
with exclusive_lock(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(path: Path, command: str = "run") -> subprocess.Popen[bytes]:
    """A process that holds the lock until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def refused(path: Path) -> str:
    with pytest.raises(SiteError) as error, exclusive_lock(path, "rotate"):
        pass
    return str(error.value)


@pytest.mark.parametrize("command", ["run", "models promote", "rights erase"])
def test_the_holder_is_named_with_its_command(tmp_path: Path, command: str) -> None:
    lock = tmp_path / "run.lock"
    process = hold(lock, command)
    text = refused(lock)
    assert text == (
        f"{tmp_path}: `journalguard {command}` (process {process.pid}) is at work here; "
        "let it finish or end it first"
    )
    process.communicate()


def test_a_released_lock_says_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    process = hold(lock)
    process.communicate()
    assert process.returncode == 0
    assert lock.read_bytes() == b""
    with try_lock(lock, "rotate") as free:
        assert free
        assert holder(lock) == Holder("rotate", os.getpid(), holder(lock).began)  # type: ignore[union-attr]
    assert lock.read_bytes() == b""


def test_an_error_in_the_block_releases_it(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    with pytest.raises(ZeroDivisionError), exclusive_lock(lock, "run"):
        raise ZeroDivisionError
    with try_lock(lock, "run") as free:
        assert free


def test_a_killed_holder_releases_it(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    process = hold(lock)
    process.kill()
    process.communicate()
    assert str(process.pid).encode() in lock.read_bytes()  # nobody could take it out
    assert holder(lock) is None
    with try_lock(lock, "run") as free:
        assert free


@pytest.mark.parametrize("dead", [True, False])
def test_a_process_that_wrote_there_before_is_never_named(tmp_path: Path, *, dead: bool) -> None:
    """Dead, or another one by now that has the same id; the true holder did not write."""
    lock = tmp_path / "run.lock"
    process = hold(lock)
    written = msgspec.json.decode(lock.read_bytes(), type=Holder)
    process.kill()
    process.communicate()
    pid = written.pid if dead else os.getppid()
    lock.write_bytes(msgspec.json.encode(msgspec.structs.replace(written, pid=pid)))
    with lock.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = refused(lock)
    assert str(pid) not in text.removeprefix(str(tmp_path))
    assert "which cannot be seen from here" in text


@pytest.mark.parametrize("content", [b"", b"99999\n", b"\xff\x00", b'{"command": 1}', b"{}"])
def test_what_others_wrote_is_not_believed(tmp_path: Path, content: bytes) -> None:
    """Such as the bare id that earlier releases left."""
    lock = tmp_path / "run.lock"
    lock.write_bytes(content)
    assert holder(lock) is None
    with lock.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "99999" not in refused(lock)
    with try_lock(lock, "run") as free:
        assert free
        assert b"99999" not in lock.read_bytes()


def test_one_lock_says_nothing_of_another(tmp_path: Path) -> None:
    process = hold(tmp_path / "run.lock")
    with try_lock(tmp_path / "ship.lock", "ship") as free:
        assert free
    process.communicate()
