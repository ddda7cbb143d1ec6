"""``evaluate`` as an operator calls it, and the report that ``run`` makes by itself once a month."""

import json
import time
from pathlib import Path

import pytest

from service.base.progress import progress
from service.cli.monthly_report import MonthlyReport
from service.config.loader import load_site
from service.evaluation.report import listed, read
from service.evaluation.study import Played, study
from tests.alerts_api.examples import fill
from tests.e2e.sites import call, made
from tests.service.evaluation.conftest import LIBRARY, TRIALS

SECONDS = 240.0


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return made(tmp_path / "site")


def test_a_site_s_own_report_is_kept_and_compared_with_the_last(site: Path) -> None:
    fill(site / "journalguard.db")
    for _ in range(2):
        result = call("evaluate", "--site", site)
        assert result.exit_code == 0, result.output
        time.sleep(1.1)  # its name is a moment, to the second
    first, second = listed(site / "reports")
    assert read(second).before == read(first).made_at
    assert [part.source for part in read(second).parts] == ["site"]
    assert first.stat().st_mode & 0o777 == 0o600
    assert "<h1>Evaluation</h1>" in first.with_suffix(".html").read_text()


def test_a_site_that_has_scored_nothing_yet_has_an_empty_report(site: Path) -> None:
    assert call("evaluate", "--site", site).exit_code == 0
    assert json.loads(listed(site / "reports")[0].read_text())["parts"] == []


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        ((), "give --site, or --out"),
        (("--out", "/tmp/reports"), "give --seeds"),
        (("--out", "/nowhere/at/all", "--seeds", "1"), "make it first"),
    ],
)
def test_wrong_calls_say_what_to_mend(arguments: tuple[str, ...], mend: str) -> None:
    result = call("evaluate", *arguments)
    assert result.exit_code != 0
    assert mend in result.output


@pytest.mark.slow
def test_processes_play_as_one_process_does(played: Played, tmp_path: Path) -> None:
    with progress("testing") as shown:
        assert study([LIBRARY], TRIALS, None, tmp_path, shown) == (played,)


@pytest.mark.slow
def test_run_makes_a_report_once_a_month(site: Path) -> None:
    path = site / "site.toml"
    path.write_text(path.read_text().replace("evaluation_day = 0", "evaluation_day = 1"))
    monthly = MonthlyReport(load_site(site, {}))
    until = time.monotonic() + SECONDS
    while not listed(site / "reports") and time.monotonic() < until:
        monthly.check()
        time.sleep(0.2)
    assert len(listed(site / "reports")) == 1
    monthly.stop()
    again = MonthlyReport(load_site(site, {}))
    again.check()
    assert again._process is None


def test_a_site_without_a_day_makes_none(site: Path) -> None:
    monthly = MonthlyReport(load_site(site, {}))
    monthly.check()
    assert monthly._process is None
