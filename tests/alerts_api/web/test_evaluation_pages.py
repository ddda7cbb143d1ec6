"""The statistics team's pages: live figures that can be handed on, reports as pages and as files."""

import re
from pathlib import Path

import msgspec
import pytest
from fastapi.testclient import TestClient
from msgspec.structs import replace

from alerts_api.stream.store import open_store, write_shared
from alerts_api.web.app import create_app
from alerts_api.web.evaluation_pages import EvaluationPlace
from alerts_api.web.live_figures import FEWER, live, read_own, rounded
from alerts_api.web.plots import Spot, Whisker, spots, whiskers
from alerts_api.web.reports import as_file
from models.evaluation.groups import compare
from models.evaluation.records import Cell, RaisedAlert
from service.decision.reader_groups import EVERYONE, PREFIX, GroupCount
from service.evaluation.ownsite import SiteAlert, SiteCounts, site_part
from tests.alerts_api.examples import NOW, fill
from tests.alerts_api.reports import example, keep

DAY = 86_400
TODAY = NOW // DAY
STUDENTS, NHS = "user type: student", "user type: nhs"


@pytest.fixture
def browser(file: Path, tmp_path: Path) -> TestClient:
    """Over a site with alerts, one report and counts of two days."""
    fill(file)
    folder = tmp_path / "reports"
    keep(folder, example())
    (folder / "evaluation-20261104T000000Z.json").write_text("{")
    counts = {
        EVERYONE: GroupCount(5012, 40),
        STUDENTS: GroupCount(5000, 38),
        NHS: GroupCount(12, 2),
        "VPN: without": GroupCount(9, 1),
    }
    store = open_store(file)
    with store._database.writing() as connection:
        for day in (TODAY - 1, TODAY):
            write_shared(connection, {f"{PREFIX}{day % 62:02d}": msgspec.msgpack.encode((day, counts))})
    store.close()
    app = create_app(file, clock=lambda: NOW + 30.0, evaluation=EvaluationPlace(folder, 3.0))
    return TestClient(app, base_url="http://127.0.0.1:8321", client=("127.0.0.1", 50_000))


def test_the_list_names_what_moved_and_leaves_out_what_cannot_be_read(browser: TestClient) -> None:
    page = browser.get("/evaluation").text
    assert 'href="/evaluation/evaluation-20261103T040506Z"' in page
    assert "20261104" not in page
    assert "recall: all" in page
    assert 'aria-current="page">Evaluation' in page


def test_a_report_has_a_sentence_and_a_table_for_each_picture(browser: TestClient) -> None:
    page = browser.get("/evaluation/evaluation-20261103T040506Z").text
    assert page.count('role="img"') == 4
    for sentence in re.findall(r'role="img"[^>]*aria-label="([^"]+)"', page):
        assert f"<figcaption>{sentence}</figcaption>" in page
    assert page.count("<figure>") == 4
    assert "<nhs>" not in page
    assert "&lt;nhs&gt;" in page
    assert "9 of 10 thefts were found" in page


@pytest.mark.parametrize("name", ["evaluation-20261104T000000Z", "..%2Fjournalguard", "evaluation-x"])
def test_no_other_file_can_be_asked_for(browser: TestClient, name: str) -> None:
    assert browser.get(f"/evaluation/{name}").status_code == 404


def test_small_counts_are_not_told_and_others_rounded(browser: TestClient) -> None:
    page = browser.get("/evaluation").text
    rows = dict(re.findall(r'<th scope="row">([\w ]+: [\w ]+)</th><td class="num">([^<]+)</td>', page))
    assert rows["user type: student"] == "10,000"
    assert rows["user type: nhs"] == "25"  # 24 account-days in both days
    assert rows["VPN: without"] == "20"
    assert FEWER in page


def test_a_site_without_reports_says_how_to_make_one(file: Path) -> None:
    fill(file)
    client = TestClient(
        create_app(file, clock=lambda: NOW + 30.0),
        base_url="http://127.0.0.1:8321",
        client=("127.0.0.1", 50_000),
    )
    assert "journalguard evaluate" in client.get("/evaluation").text


def test_the_file_needs_nothing_beside_it() -> None:
    text = as_file(example())
    assert "<style>" in text
    assert not re.search(r'(?:src|href)="', text.replace('<use href="', ""))
    assert "<script" not in text


def own(*alerts: SiteAlert) -> SiteCounts:
    counts = {EVERYONE: GroupCount(1000, 3), STUDENTS: GroupCount(900, 2), NHS: GroupCount(100, 1)}
    return SiteCounts(alerts, {TODAY - 1: counts, TODAY: counts}, 3.0)


def judged(account: int, verdict: str, *groups: str, days_ago: int = 0) -> SiteAlert:
    return SiteAlert(RaisedAlert(account, NOW - days_ago * DAY, 9.0, 0.4, verdict), (EVERYONE, *groups))


def test_the_site_s_part_is_of_verdicts_and_counts() -> None:
    part = site_part(
        own(
            judged(1, "confirmed", STUDENTS),
            judged(2, "expected", STUDENTS),
            judged(3, "", NHS),
            judged(4, "confirmed", NHS, days_ago=40),  # before the window
        )
    )
    assert (part.precision.hits, part.precision.of) == (1, 2)
    assert (part.burden.account_days, part.burden.alerts, part.burden.false_alarms) == (2000, 3, 1)
    assert part.families == ()
    assert part.loads[0].load.per_day == 1.5


def test_live_figures_of_a_site_that_has_none(file: Path) -> None:
    open_store(file).close()
    store = open_store(file)
    with store._database.reading() as connection:
        found = live(read_own(connection, 3.0))
    store.close()
    assert (found.groups, found.points, found.precision.of) == ((), (), 0)


def test_rounding_to_five() -> None:
    assert [rounded(n) for n in (0, 2, 3, 7, 8, 12, 13)] == [0, 0, 5, 5, 10, 10, 15]


def test_plots_keep_what_they_draw_inside() -> None:
    picture = whiskers([Whisker("a", 9.0, 0.5, 99.0)], "A sentence.", top=4.0, marks=(1.0,))
    assert max(float(x) for x in re.findall(r'c?x\d?="([\d.]+)"', picture)) <= 720
    assert spots([], "nothing", across="x", up="y", wide=1.0) == ""
    assert 'aria-label="A &amp; b"' in spots(
        [Spot(0.5, 0.5, 0.1, 0.9)], "A & b", across="x", up="y", wide=1.0
    )


def test_of_small_groups_together_the_sentence_says_which() -> None:
    cells = [Cell("country", name, 1000, 9, 9) for name in ("DE", "FR", "CH", "JP", "NL", "US", "<b>")]
    everyone = Cell("", "everyone", 17_000, 113, 113)
    report = example()
    part = replace(
        report.parts[0], burdens=compare((Cell("country", "GB", 10_000, 50, 50), *cells), everyone, 10)
    )
    text = as_file(replace(report, parts=(part,)))
    assert "country: &lt;b&gt;, CH, DE, FR, JP and 2 others together, with 1.35 times" in text
    assert "<b>" not in text


def test_a_report_without_a_single_alert_is_still_a_page() -> None:
    report = example()
    (part,) = report.parts
    bare = replace(part, bins=(), families=(), budgets=(), members=(), burdens=None, heavy=(), loads=())
    assert "Evaluation" in as_file(replace(report, parts=(bare,), changes=()))
