"""A partition's states on disk: kept over restarts, thrown away whenever in doubt."""

from contextlib import closing
from pathlib import Path

import pytest

from service.distributed import cache
from service.distributed.cache import Cache
from service.distributed.errors import CacheInUseError

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
