"""A scene is the log's events with the truth; thefts laid over a log leave its readers as they are."""

from collections import Counter
from pathlib import Path

import pytest

from models.evaluation.records import DAY
from pseudonymiser.ingest import IngestSettings
from service.base.errors import LogFileError
from service.evaluation import scenes
from service.evaluation.background import Background, Databases
from service.evaluation.exposure import Census
from service.evaluation.scenes import Scene, read_events
from service.evaluation.study import Played
from service.evaluation.trials import run
from service.records.events import AccessEvent, Location, NetworkKind
from tests.service.evaluation.conftest import TRIALS, quiet
from tests.service.factories import event

FORMAT = '%h %l %u %t "%r" %s %b'
SETTINGS = IngestSettings(FORMAT, "Europe/London")
WHERE = Databases(None, None)


def test_events_come_back_in_order(scene: Scene, scene_folder: Path) -> None:
    events = [one for frame in read_events(scene_folder) for one in frame]
    assert {one.account for one in events if one.account} == set(scene.accounts)
    thief = scene.thefts[0]
    lines = [one for one in events if one.account == scene.accounts[thief.account]]
    assert {thief.started_at, thief.ended_at} <= {one.time for one in lines}


@pytest.mark.parametrize("number", range(3))
def test_a_shared_pass_gives_the_alerts_of_a_pass_of_one_s_own(
    played: Played, scene_folder: Path, number: int
) -> None:
    assert run(scene_folder, TRIALS[number : number + 1], None, quiet).alerts == (played.alerts[number],)
    assert played.alerts[number]
    assert len(set(played.alerts)) == len(TRIALS), "the trials differ"


def log_of(folder: Path, *, days: int, readers: int) -> Path:
    """A plain log: every reader takes three articles each day."""
    lines = []
    for day in range(days):
        for number in range(readers):
            for document in range(3):
                time = f"{day + 1:02d}/Nov/2026:1{document}:{number:02d}:00 +0000"
                lines.append(
                    f"192.0.2.{number + 1} - reader{number} [{time}] "
                    f'"GET https://www.example.com:443/doi/pdf/10.1234/x.{number}.{day}.{document} HTTP/1.1" '
                    "200 500000"
                )
    path = folder / "ezproxy.log"
    path.write_text("\n".join(sorted(lines, key=lambda line: line.split("[")[1])) + "\n")
    return path


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, list[AccessEvent], Path]:
    folder = tmp_path_factory.mktemp("laid")
    log = log_of(folder, days=4, readers=20)
    Background((log,), SETTINGS, WHERE, draw=0).make(folder, quiet)
    events = [one for frame in read_events(folder) for one in frame]
    return scenes.load(folder), events, folder


def test_each_theft_is_on_another_account_of_the_log(laid: tuple[Scene, list[AccessEvent], Path]) -> None:
    scene, _, _ = laid
    assert len(scene.accounts) == 20
    assert len({theft.account for theft in scene.thefts}) == len(scene.thefts) >= 6


def test_families_that_need_a_longer_log_are_left_out(laid: tuple[Scene, list[AccessEvent], Path]) -> None:
    families = {theft.family for theft in laid[0].thefts}
    assert "burst" in families
    assert not families & {"ramp", "dormant"}


def test_readers_keep_their_lines_and_the_order_of_time(laid: tuple[Scene, list[AccessEvent], Path]) -> None:
    scene, events, _ = laid
    assert [one.time for one in events] == sorted(one.time for one in events)
    documents = Counter(one.account for one in events if one.size == 500_000)
    assert set(documents.values()) == {12}
    stolen = {scene.accounts[theft.account] for theft in scene.thefts}
    lines = Counter(one.account for one in events)
    assert {account for account, n in lines.items() if n > 12} == stolen


def test_the_truth_of_a_theft_is_in_its_events(laid: tuple[Scene, list[AccessEvent], Path]) -> None:
    scene, events, _ = laid
    for theft in scene.thefts:
        account = scene.accounts[theft.account]
        times = [one.time for one in events if one.account == account and one.size != 500_000]
        assert (theft.started_at, theft.ended_at) == (min(times), max(times))
        assert set(theft.document_times) <= set(times)


def test_no_clear_name_is_left_in_a_scene(laid: tuple[Scene, list[AccessEvent], Path]) -> None:
    _, events, folder = laid
    assert not any("reader" in one.account for one in events)
    assert b"reader1" not in (folder / "scene.msgpack").read_bytes()


def test_a_log_that_names_nobody_is_an_error(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text(
        '192.0.2.1 - - [01/Nov/2026:10:00:00 +0000] "GET https://www.example.com/ HTTP/1.1" 200 5\n'
    )
    with pytest.raises(LogFileError, match="no line names a reader"):
        Background((log,), SETTINGS, WHERE, draw=0).make(tmp_path, quiet)


def test_groups_of_an_account_day() -> None:
    census = Census()
    vpn = Location("NL", "Amsterdam", 52.4, 4.9, "Example VPN", NetworkKind.VPN)
    night = 20_371 * DAY + 2 * 3600
    census.see([event(night), event(night + 60, place=vpn), event(night + 120, place=vpn)])
    ((key, groups),) = census.account_days().items()
    assert key == (0, 20_371)
    assert (groups.country, groups.network, groups.vpn, groups.night) == ("NL", "vpn", True, True)
