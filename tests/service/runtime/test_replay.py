"""Old logs: order, compression, output."""

import gzip
import json
import os
from pathlib import Path

import pytest

from service.base.errors import LogFileError, OutputError
from service.records.events import Alert, Reason
from service.runtime.alert_lines import alert_line, check_writable, write_alerts
from service.runtime.merge import line_clock
from service.runtime.replay import ReplayFile, plan
from tests.e2e.sites import access_lines
from tests.pseudonymiser.ingest_factory import ingest

ALERT = Alert(
    alert_id="JG-0000000001",
    account="u1_a",
    opened_at=1795478940,
    updated_at=1795479000,
    score=9.5,
    probability=0.5,
    detections=("bulk-download",),
    reasons=(Reason("bulk-download", "docs_1h", "many", 412.0, 14.0, 60.0, "documents", 9.2),),
    summary="Many.",
    events=500,
    documents=412,
    policy="abc",
    model="m/1",
)


def written(path: Path, times: range, *, packed: bool = False) -> Path:
    data = "".join(f"{line}\n" for line in access_lines(times)).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return path


def lines_of(file: ReplayFile, limit: int = 7) -> list[bytes]:
    lines: list[bytes] = []
    while (batch := file.read(limit)) is not None:
        assert batch.first_line == len(lines) + 1
        lines += batch.lines
    return lines


@pytest.mark.parametrize("packed", [False, True])
def test_gzip_is_told_by_its_first_bytes_not_by_its_name(tmp_path: Path, packed: bool) -> None:
    file = ReplayFile(written(tmp_path / "log", range(40), packed=packed))
    assert [line.decode() for line in lines_of(file)] == access_lines(range(40))
    assert file.bytes_read == file.size == (tmp_path / "log").stat().st_size


def test_a_last_line_without_newline_counts(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\ntwo")
    assert lines_of(ReplayFile(tmp_path / "log")) == [b"one", b"two"]


def test_an_audit_log_is_told_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\xef\xbb\xbfDate/Time\tEvent\tIP\tUsername\tSession\tOther\n")
    file = ReplayFile(tmp_path / "log")
    lines_of(file)
    assert file.audit


def test_cut_gzip_data_name_the_file_and_how_far_they_go(tmp_path: Path) -> None:
    path = written(tmp_path / "log.gz", range(30_000), packed=True)
    os.truncate(path, path.stat().st_size - 10_000)
    with pytest.raises(LogFileError, match=r"log\.gz: the gzip data are damaged or cut after \d{4,} lines"):
        lines_of(ReplayFile(path), limit=2000)


def test_logs_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    clock = line_clock(ingest())
    late, early = written(tmp_path / "a", range(20_000, 20_010)), written(tmp_path / "b", range(0, 10))
    planned = plan([late, early], clock)
    assert (planned.paths, planned.moved) == ((early, late), True)
    assert planned.size == early.stat().st_size + late.stat().st_size
    assert not plan([early, late], clock).moved


def test_small_disorder_leaves_the_given_order_alone(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", range(3000, 3010)), written(tmp_path / "b", range(0, 10))
    assert plan([first, second], line_clock(ingest())).paths == (first, second)


def test_a_file_is_given_once(tmp_path: Path) -> None:
    path = written(tmp_path / "a", range(3))
    (tmp_path / "b").symlink_to(path)
    with pytest.raises(LogFileError, match="is the same file as"):
        plan([path, tmp_path / "b"], line_clock(ingest()))


def test_an_alert_is_a_line_with_its_keys_in_order() -> None:
    line = alert_line(ALERT)
    found = json.loads(line)
    assert list(found) == [
        "alert_id", "account", "opened_at", "updated_at", "score", "probability", "detections", "reasons",
        "summary", "events", "documents", "policy", "model",
    ]  # fmt: skip
    assert found["opened_at"] == "2026-11-24T00:09:00Z"
    assert list(found["reasons"][0]) == [
        "detection", "measure", "text", "observed", "usual", "peers", "unit", "surprise",
    ]  # fmt: skip
    assert line.endswith(b"\n")


def test_output_is_whole_or_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    write_alerts(out, [ALERT, ALERT])
    assert out.read_bytes().count(b"\n") == 2
    assert out.stat().st_mode & 0o077 == 0
    with pytest.raises(AttributeError):
        write_alerts(out, [ALERT, None])  # type: ignore[list-item]  # breaks in the middle
    assert out.read_bytes().count(b"\n") == 2
    assert list(tmp_path.iterdir()) == [out]


def test_an_output_that_cannot_be_is_told_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        check_writable(tmp_path / "none" / "out.jsonl")
    with pytest.raises(OutputError, match="is a folder"):
        check_writable(tmp_path)
