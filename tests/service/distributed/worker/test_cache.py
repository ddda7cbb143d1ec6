"""A partition's states on disk: kept over restarts, thrown away whenever in doubt."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from service.distributed.protocol.errors import CacheInUseError
from service.distributed.worker import cache
from service.distributed.worker.cache import Cache, folder_of, forget_others

CHANGES = {b"reader": b"\x00state", b"/ledger/0/0": b"place"}


def test_changes_are_there_again_with_their_place(tmp_path: Path) -> None:
    with closing(Cache(tmp_path / "p")) as first:
        first.write(CHANGES, "log-1", 7)
        first.write({b"gone": b"x"}, "log-1", 8)
        first.write({b"gone": None}, "log-1", 9)
    with closing(Cache(tmp_path / "p")) as second:
        assert second.position("log-1") == 9
        assert dict(second.items()) == CHANGES


def test_of_another_topic_nothing_is_kept(tmp_path: Path) -> None:
    """The changelog was deleted and made again."""
    with closing(Cache(tmp_path / "p")) as states:
        states.write(CHANGES, "log-1", 7)
        assert states.position("log-2") == 0
        assert dict(states.items()) == {}


def test_an_old_one_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deletions may have been compacted away meanwhile."""
    monkeypatch.setattr(cache, "TOO_OLD", 0.0)
    with closing(Cache(tmp_path / "p")) as states:
        states.write(CHANGES, "log-1", 7)
        assert states.position("log-1") == 0


def test_a_damaged_one_is_begun_anew(tmp_path: Path) -> None:
    with closing(Cache(tmp_path / "p")) as states:
        states.write(CHANGES, "log-1", 7)
    (tmp_path / "p" / "CURRENT").write_bytes(b"nothing of the kind\n")
    with closing(Cache(tmp_path / "p")) as states:
        assert states.position("log-1") == 0


def test_two_workers_of_one_name_are_told_apart(tmp_path: Path) -> None:
    with closing(Cache(tmp_path / "p")), pytest.raises(CacheInUseError, match="its own --name"):
        Cache(tmp_path / "p")


def test_a_partition_that_went_elsewhere_leaves_no_copy(tmp_path: Path) -> None:
    with closing(Cache(folder_of(tmp_path, 3))) as there:
        there.write({b"reader": b"x"}, "log-1", 8)
    leaving = Cache(folder_of(tmp_path, 4))
    leaving.close(forget=True)
    assert [path.name for path in tmp_path.iterdir()] == ["003"]


def test_copies_of_a_killed_predecessor_go_unless_they_are_mine_or_open_elsewhere(tmp_path: Path) -> None:
    for partition in (0, 1):
        Cache(folder_of(tmp_path, partition)).close()
    code = (
        "from service.distributed.worker.cache import Cache; from pathlib import Path; import sys; "
        "kept = Cache(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(folder_of(tmp_path, 2))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == b"open\n"
        forget_others(tmp_path, {1})
        assert sorted(path.name for path in tmp_path.iterdir()) == ["001", "002"]
        other.stdin.close()
    forget_others(tmp_path, {1})
    assert [path.name for path in tmp_path.iterdir()] == ["001"]
