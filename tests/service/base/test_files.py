"""Files that are complete or not there: modes, errors in the middle, killed writers and what they leave."""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from service.base.files import sync_folder, whole_file, write_atomically, write_new

WRITER = """
import sys, time
from pathlib import Path
from service.base.files import whole_file
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    time.sleep(60)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def half_written(path: Path) -> subprocess.Popen[bytes]:
    """A process that is in the middle of writing a file."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.communicate()


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_written_and_replaced(tmp_path: Path, *, durable: bool) -> None:
    path = tmp_path / "out"
    write_atomically(path, b"first", durable=durable)
    assert (path.read_bytes(), mode(path)) == (b"first", 0o600)
    write_atomically(path, [b"sec", b"ond"], 0o640, durable=durable)
    assert (path.read_bytes(), mode(path)) == (b"second", 0o640)
    assert names(tmp_path) == ["out"]


def test_the_mode_never_exceeds_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "out", b"", 0o644)
        write_new(tmp_path / "new", b"", 0o644)
    finally:
        os.umask(before)
    assert mode(tmp_path / "out") == mode(tmp_path / "new") == 0o600


def test_a_relative_name_lies_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically(Path("out"), b"1")
    write_new(Path("new"), b"2")
    assert names(tmp_path) == ["new", "out"]


def test_an_error_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out"
    write_atomically(path, b"old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as file:  # noqa: PT012 - of a block
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out"]


def test_a_disk_that_is_full_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    """The largest size of a file stands for the end of the disk."""
    code = """
import resource, sys
from pathlib import Path
from service.base.files import write_atomically, write_new
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for write in (write_atomically, write_new):
    try:
        write(Path(sys.argv[1]), bytes(5000))
    except OSError as error:
        print(error.strerror)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], capture_output=True, check=True, text=True
    )
    assert done.stdout == "File too large\n" * 2
    assert names(tmp_path) == []


def test_a_folder_that_is_missing_is_an_os_error(tmp_path: Path) -> None:
    for write in (write_atomically, write_new):
        with pytest.raises(FileNotFoundError):
            write(tmp_path / "nowhere" / "out", b"1")


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_new(path, b"first")
    with pytest.raises(FileExistsError):
        write_new(path, b"second")
    assert (path.read_bytes(), mode(path)) == (b"first", 0o600)


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    write_atomically(path, b"old")
    end(half_written(path))
    assert path.read_bytes() == b"old"


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    end(half_written(tmp_path / "out"))
    (left,) = tmp_path.iterdir()
    assert left.read_bytes() == b"half"
    write_atomically(tmp_path / "other", b"1")
    assert left.exists()
    write_atomically(tmp_path / "out", b"1")
    assert names(tmp_path) == ["other", "out"]


def test_a_writer_at_work_keeps_its_part(tmp_path: Path) -> None:
    writer = half_written(tmp_path / "out")
    write_atomically(tmp_path / "out", b"1")
    assert len(names(tmp_path)) == 2
    end(writer)


def test_many_writers_of_one_file_leave_one_whole_file(tmp_path: Path) -> None:
    texts = [bytes([65 + number]) * 5_000 for number in range(8)]
    threads = [threading.Thread(target=write_atomically, args=(tmp_path / "out", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "out").read_bytes() in texts


def test_a_folder_is_flushed(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    write_new(tmp_path / "file", b"")
    with pytest.raises(NotADirectoryError):
        sync_folder(tmp_path / "file")
