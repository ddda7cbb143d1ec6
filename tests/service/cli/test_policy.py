"""``journalguard policy``: a site's own files checked, compared, tried on their examples, accepted."""

import json
import logging
from importlib.resources import files
from pathlib import Path

import pytest

from service.base.errors import PolicyError
from service.evaluation.detection_tests import Result, try_all
from service.policy.difference import differences
from service.policy.examples import DAY, Example, Step, doings, history
from service.policy.history import accept, is_accepted, read, warn_if_unaccepted
from service.policy.loading import SETTLED, load_policy
from tests.e2e.sites import call, made
from tests.service.policy.test_policy import OWN_BUDGET, SHIPPED, detection, prior

RESULTS = list(try_all(SHIPPED))


@pytest.mark.parametrize("result", RESULTS, ids=lambda r: f"{r.detection}-{r.example.fires}")
def test_shipped_detections_come_out_as_their_examples_say(result: Result) -> None:
    assert result.passed, result.fired


def test_every_shipped_detection_has_an_example_of_each() -> None:
    for shipped in SHIPPED.detections.values():
        assert {example.fires for example in shipped.examples} == {True, False}, shipped.id


def test_an_example_is_days_of_events_in_order() -> None:
    example = Example(
        "Two steps.", True, (Step(documents=3), Step(documents=2, after_days=4, each_day=2)), days=5
    )
    days = [*history(example), *doings(example)]
    assert len(days) == 5 + 3
    assert [d[0].time // DAY - days[0][0].time // DAY for d in days] == [0, 1, 2, 3, 4, 5, 9, 10]
    times = [event.time for day in days for event in day]
    assert times == sorted(times)
    documents = [e.resource.document for day in days for e in day if e.resource.document]
    assert len(documents) == len(set(documents)) == 5 * 3 + 3 + 2 * 2


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = made(tmp_path / "site")
    (folder / "policy").mkdir()
    return folder


def test_a_sound_policy_is_told_file_by_file(site: Path) -> None:
    (site / "policy/budget.toml").write_text(OWN_BUDGET)
    result = call("policy", "check", "--site", site)
    assert result.exit_code == 0
    assert f"{site}/policy/budget.toml: replaces the shipped one" in result.stdout
    assert "It was not accepted" in result.stdout


@pytest.mark.parametrize("name", SETTLED)
def test_each_shipped_file_is_sound_at_a_site(site: Path, name: str) -> None:
    """Those that are no detections are not read as one."""
    shipped = files("service.policy").joinpath(name).read_text("utf-8")
    (site / "policy" / name).write_text(shipped)
    result = call("policy", "check", "--site", site)
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"{site}/policy/{name}: replaces the shipped one" in result.stdout


def test_everything_that_is_wrong_is_told_at_once_with_file_and_line(site: Path) -> None:
    (site / "policy/budget.toml").write_text(OWN_BUDGET.replace("gate = 4.0", 'gate = "high"'))
    (site / "policy/own.toml").write_text(detection("[]") + "colour = 1\n")
    (site / "policy/prior.toml").write_text(prior("[9, 6, 15, 16]"))
    result = call("policy", "check", "--site", site)
    assert result.exit_code == 1
    for place in (
        "budget.toml, line 4: gate: expected",
        "own.toml, line 10: ",
        "prior.toml, line 4: DOCS_10M",
    ):
        assert f"{site}/policy/{place}" in result.stderr


def test_what_is_wrong_with_the_files_together_is_told_too(site: Path) -> None:
    (site / "policy/own.toml").write_text(detection('["DOCS_1H"]'))
    assert "DOCS_1H belongs to bulk-download already" in call("policy", "check", "--site", site).stderr


def test_a_difference_is_told_in_words(site: Path) -> None:
    assert "the one that ships" in call("policy", "diff", "--site", site).stdout
    (site / "policy/budget.toml").write_text(OWN_BUDGET)
    (site / "policy/prior.toml").write_text(prior("[1, 6, 20, 35]"))
    reported = call("policy", "diff", "--site", site).stdout
    assert "budget: guard is 6 here, 4.6 as shipped" in reported
    assert "prior: one in 100 account-days reaches DOCS_10M 20 here, 15.3 as shipped" in reported


def test_a_moved_measure_and_another_text_are_told(tmp_path: Path) -> None:
    shipped = SHIPPED.detections["odd-hours"]
    (tmp_path / "odd-hours.toml").write_text(detection("[]", "odd-hours"))
    (tmp_path / "own.toml").write_text(detection('["DOCS_ODD_HOUR_1D"]'))
    reported = differences(SHIPPED, load_policy(tmp_path))
    assert "DOCS_ODD_HOUR_1D: told by own here, by odd-hours as shipped" in reported
    assert f"odd-hours: title is “t” here, “{shipped.title}” as shipped" in reported
    assert any(sentence.startswith("own: a detection of this site") for sentence in reported)


def test_examples_are_tried_by_the_command_with_the_sites_own_prior(site: Path) -> None:
    assert call("policy", "test").exit_code == 0
    # Where sixty documents in ten minutes are ordinary, the shipped example of them does not fire.
    text = prior("[50, 70, 90, 120]")
    for name in ("DOCS_1H", "REQUESTS_1H", "MB_1H", "DOCS_10M_Z", "DOCS_1H_Z"):
        text += f"{name} = [400, 500, 600, 700]\n"
    (site / "policy/prior.toml").write_text(text)
    result = call("policy", "test", "--site", site)
    assert result.exit_code == 1
    assert "bulk-download: must fire" in result.stdout


def test_a_change_is_accepted_with_a_reason_and_kept(site: Path) -> None:
    (site / "policy/budget.toml").write_text(OWN_BUDGET)
    done = call("policy", "accept", "--site", site, "--by", "desk", "--why", "exam weeks")
    assert done.exit_code == 0
    (line,) = (site / "policy/history.jsonl").read_text().splitlines()
    assert json.loads(line).keys() == {"at", "by", "before", "after", "why"}
    assert "desk: exam weeks" in call("policy", "history", "--site", site).stdout
    assert "nothing has changed" in call("policy", "accept", "--site", site, "--why", "again").stderr
    assert "was accepted." in call("policy", "check", "--site", site).stdout
    (site / "policy/budget.toml").write_text(OWN_BUDGET + "# changed\n")
    assert "It was not accepted" in call("policy", "history", "--site", site).stdout
    call("policy", "accept", "--site", site, "--by", "desk", "--why", "tidied")
    first, second = read(site)
    assert first.after == second.before


def test_a_service_that_starts_tells_of_a_policy_nobody_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "policy"
    folder.mkdir()
    with caplog.at_level(logging.WARNING, "journalguard.policy"):
        warn_if_unaccepted(tmp_path, SHIPPED)
        assert not caplog.messages
        (folder / "budget.toml").write_text(OWN_BUDGET)
        own = load_policy(folder)
        warn_if_unaccepted(tmp_path, own)
    assert own.hash in caplog.text
    accept(tmp_path, own, by="desk", why="why", now=1)
    assert is_accepted(tmp_path, own)
    assert not is_accepted(tmp_path, SHIPPED)


def test_a_damaged_history_names_its_line(tmp_path: Path) -> None:
    accept(tmp_path, SHIPPED, by="desk", why="why", now=1)
    with (tmp_path / "policy/history.jsonl").open("a") as file:
        file.write("{\n")
    with pytest.raises(PolicyError, match=r"history\.jsonl, line 2: "):
        read(tmp_path)
