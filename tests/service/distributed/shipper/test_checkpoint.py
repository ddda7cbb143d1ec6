"""The shipper's checkpoint file: the old one or the new one, and never half of either."""

from pathlib import Path

import msgspec
import pytest

from service.base.errors import CheckpointError
from service.distributed.shipper.checkpoint import CheckpointFile
from service.records.checkpoints import Changes, Checkpoint


def checkpoint(lines: int, **shared: bytes) -> Checkpoint:
    return Checkpoint(
        changes=Changes(shared=shared),
        positions={"log:/a.log": b"at %d" % lines},
        counters={"lines_total": lines},
        rejected=(),
        last_event_time=1000 + lines,
        forget_before=0,
        written_at=0.5,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ship.checkpoint"


def test_the_first_start(path: Path) -> None:
    file = CheckpointFile(path)
    saved = file.load()
    assert (dict(saved.positions), dict(saved.shared), saved.last_event_time, file.serial) == ({}, {}, 0, 0)


def test_what_was_committed_is_loaded(path: Path) -> None:
    CheckpointFile(path).commit(checkpoint(5, outbox=b"o", ingest=b"i"))
    file = CheckpointFile(path)
    saved = file.load()
    assert saved.positions == file.positions == {"log:/a.log": b"at 5"}
    assert (saved.shared, saved.counters) == ({"outbox": b"o", "ingest": b"i"}, {"lines_total": 5})
    assert (saved.last_event_time, file.serial) == (1005, 1)


def test_states_that_did_not_change_stay(path: Path) -> None:
    file = CheckpointFile(path)
    file.load()
    file.commit(checkpoint(5, outbox=b"o", ingest=b"i"))
    file.keep(checkpoint(6, outbox=b"not yet"))
    assert CheckpointFile(path).load().shared["outbox"] == b"o"
    file.commit(checkpoint(7, ingest=b"j"))
    again = CheckpointFile(path)
    assert again.load().shared == {"outbox": b"not yet", "ingest": b"j"}
    assert again.serial == 2


def test_a_crash_while_writing_leaves_the_old_one(path: Path) -> None:
    CheckpointFile(path).commit(checkpoint(5))
    path.with_name(".ship.checkpoint.0f0f0f0f.part").write_bytes(b"half")
    file = CheckpointFile(path)
    assert file.load().counters == {"lines_total": 5}
    file.commit(checkpoint(6))
    assert [each.name for each in path.parent.iterdir()] == ["ship.checkpoint"]


def test_only_its_owner_reads_it(path: Path) -> None:
    CheckpointFile(path).commit(checkpoint(5))
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_a_damaged_file_is_not_guessed_at(path: Path, cut: int) -> None:
    CheckpointFile(path).commit(checkpoint(5))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match=r"ship.checkpoint: damaged .*take it from a backup"):
        CheckpointFile(path).load()


def test_a_later_version_is_refused(path: Path) -> None:
    path.write_bytes(msgspec.msgpack.encode({"v": 2}))
    with pytest.raises(CheckpointError, match="version 2 is not known"):
        CheckpointFile(path).load()
