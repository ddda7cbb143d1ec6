"""Reports kept, read again, compared; and when the next is due."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from models.evaluation.intervals import proportion
from service.base.errors import ReportError
from service.evaluation import report as reports
from service.evaluation.comparing import compared
from service.evaluation.parts import assemble
from service.evaluation.report import MINIMUM_CELL, VERSION, Report
from service.evaluation.schedule import is_due, made_at, recent_logs
from service.evaluation.study import Played
from tests.service.evaluation.conftest import TRIALS


@pytest.fixture(scope="module")
def report(played: Played) -> Report:
    part = assemble("simulated", "one library", [played], TRIALS)
    return Report(VERSION, "2026-11-03T04:05:06Z", "0123456789ab", "model/1", 2.0, MINIMUM_CELL, (part,))


def keep(folder: Path, report: Report) -> Path:
    path = folder / f"{reports.file_name(report)}.json"
    path.write_bytes(reports.to_json(report))
    return path


def test_a_report_comes_back_as_it_was(report: Report, tmp_path: Path) -> None:
    assert reports.read(keep(tmp_path, report)) == report


def test_the_newest_that_can_be_read_counts(report: Report, tmp_path: Path) -> None:
    keep(tmp_path, report)
    later = keep(tmp_path, replace(report, made_at="2026-12-03T04:05:06Z"))
    assert reports.newest(tmp_path) == reports.read(later)
    later.write_text("{")
    assert reports.newest(tmp_path) == report
    with pytest.raises(ReportError, match="remove it, or make it again"):
        reports.read(later)


def test_another_version_is_refused(report: Report, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="version 9"):
        reports.read(keep(tmp_path, replace(report, version=9)))


def test_no_report_names_an_account(report: Report, played: Played) -> None:
    text = reports.to_json(report).decode()
    assert not any(account in text for account in played.scene.accounts)


def test_the_same_again_has_not_changed(report: Report) -> None:
    (changes,) = compared(report, report).changes
    assert changes.changes
    assert not any(change.beyond for change in changes.changes)


def test_what_moved_by_more_than_chance_is_told(report: Report) -> None:
    (part,) = report.parts
    worse = [
        replace(row, found=proportion(0, 60))
        if row.family == "all"
        else replace(row, found=proportion(60, 60))
        for row in part.families
    ]
    better = [replace(row, found=proportion(60, 60)) for row in part.families]
    before = replace(report, parts=(replace(part, families=tuple(better)),))
    now = replace(report, parts=(replace(part, families=tuple(worse)),))
    (changes,) = compared(now, before).changes
    assert [change.figure for change in changes.changes if change.beyond] == ["recall: all"]


def test_parts_of_other_sources_are_not_compared(report: Report) -> None:
    (part,) = report.parts
    other = replace(report, parts=(replace(part, title="another library"),))
    assert compared(other, report).changes == ()
    assert compared(report, None) == report


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("made", "day", "now", "due"),
    [
        ([], 0, "2026-11-27", False),  # never
        ([], 5, "2026-11-27", True),
        (["2026-11-05T00:00:01"], 5, "2026-11-27", False),
        (["2026-11-04T23:59:59"], 5, "2026-11-05", True),
        (["2026-11-05"], 5, "2026-12-04T23:59:59", False),
        (["2026-11-05"], 5, "2026-12-05", True),
        (["2025-12-28"], 28, "2026-01-03", False),  # over the turn of the year
        (["2025-12-27"], 28, "2026-01-03", True),
    ],
)
def test_when_a_report_is_due(made: list[str], day: int, now: str, due: bool) -> None:
    assert is_due(map(moment, made), day, moment(now)) is due


def test_a_report_s_name_says_when_it_was_made(report: Report, tmp_path: Path) -> None:
    assert made_at(keep(tmp_path, report)) == moment("2026-11-03T04:05:06")


def test_recent_logs_of_patterns_and_wildcards(tmp_path: Path) -> None:
    for name in ("ezp20261101.log", "ezp20261102.log", "ezp20261003.log.gz", "other.txt", "a.log"):
        (tmp_path / name).touch()
    os.utime(tmp_path / "ezp20261101.log", (0, 0))
    found = recent_logs(["ezp%Y%m%d.log", "a*.log"], tmp_path, datetime.now(UTC).timestamp())
    assert [path.name for path in found] == ["a.log", "ezp20261003.log.gz", "ezp20261102.log"]
