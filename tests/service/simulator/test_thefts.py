"""The thefts of a world: each family is there, and the truth says of each what the log shows."""

import datetime as dt
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service.simulator import SimulationSettings, simulate
from service.simulator.families import FAMILIES
from service.simulator.settings import theft_count
from tests.service.simulator.conftest import Made, Seen

Theft = dict[str, Any]


def test_every_family_appears_and_no_account_is_stolen_twice(made: Made) -> None:
    thefts = made.truth["thefts"]
    assert {theft["family"] for theft in thefts} == set(FAMILIES)
    assert max(Counter(theft["user"] for theft in thefts).values()) == 1
    assert len(thefts) == round(0.8 * 42)


def test_truth_agrees_with_the_lines(made: Made) -> None:
    for theft in made.truth["thefts"]:
        lines = _thief(made, theft)
        assert len(lines) == theft["requests"], theft
        assert _stamp(lines[0].time) == theft["started_at"]
        assert _stamp(lines[-1].time) == theft["ended_at"]
        first_got: dict[str, int] = {}
        for line in lines:
            if "pdf" in line.url.lower() and line.status in (200, 206):
                first_got.setdefault(line.url, line.time)
        assert len(first_got) == theft["documents"], theft
        assert [_stamp(time) for time in sorted(first_got.values())] == theft["document_times"]


def test_no_thief_uses_a_reader_s_address(made: Made) -> None:
    thieves = {address for theft in made.truth["thefts"] for address in theft["addresses"]}
    stolen = {theft["user"] for theft in made.truth["thefts"]}
    assert {line.user for line in made.lines if line.address in thieves} <= stolen


def test_quiet_days_come_first(made: Made) -> None:
    assert min(theft["started_at"] for theft in made.truth["thefts"]) >= "2026-09-14T23"


def test_victims_go_on_reading(made: Made) -> None:
    users = Counter(line.user for line in made.lines)
    own = [users[theft["user"]] - theft["requests"] for theft in made.truth["thefts"]]
    assert sum(count > 20 for count in own) > len(own) * 0.7


def test_families_do_what_they_are_called(made: Made) -> None:
    by_family: dict[str, list[Theft]] = defaultdict(list)
    for theft in made.truth["thefts"]:
        by_family[theft["family"]].append(theft)
    assert all(len(theft["source_countries"]) >= 3 for theft in by_family["shared"])
    assert all(len(theft["source_countries"]) == 1 for theft in by_family["residential"] + by_family["mimic"])
    assert all(len(theft["addresses"]) >= 10 for theft in by_family["residential"])
    assert all(_length(theft) > 86400 for theft in by_family["drip"] + by_family["ramp"])
    assert all(theft["documents"] >= 50 for theft in by_family["burst"] + by_family["sweep"])
    for theft in by_family["testing"]:
        lines = _thief(made, theft)
        assert len({line.url.split("/")[2] for line in lines}) >= 10
        assert sum(line.status in (404, 599) for line in lines) > len(lines) * 0.12
    for theft in by_family["scihub"]:
        assert len({line.url.split("/")[2] for line in _thief(made, theft)}) >= 12


def test_a_hijacked_session_is_the_victim_s_own(made: Made) -> None:
    for theft in made.truth["thefts"]:
        if theft["family"] == "hijacked":
            sessions = {line.session for line in _thief(made, theft)}
            own = {line.session for line in made.lines if line.user == theft["user"]} - {"-"}
            outside = {
                line.session
                for line in made.lines
                if line.user == theft["user"] and line.address not in theft["addresses"]
            }
            assert len(sessions) == 1
            assert sessions <= own & outside


def test_a_dormant_account_slept_before(made: Made) -> None:
    for theft in made.truth["thefts"]:
        if theft["family"] == "dormant":
            start = _thief(made, theft)[0].time
            before = [line.time for line in made.lines if line.user == theft["user"] and line.time < start]
            assert not before or start - before[-1] > 5 * 86400


@pytest.mark.parametrize(
    ("accounts", "days", "asked", "thefts"),
    [(5000, 60, None, 48), (200, 14, None, 8), (100, 5, None, 1), (5000, 10, 2.0, 20), (5000, 60, 0.0, 0)],
)
def test_number_of_thefts(accounts: int, days: int, asked: float | None, thefts: int) -> None:
    settings = SimulationSettings(seed=1, accounts=accounts, days=days, thefts_per_day=asked)
    assert theft_count(settings) == thefts


@pytest.mark.parametrize("days", [1, 2, 14])
def test_short_worlds_work(tmp_path: Path, days: int) -> None:
    simulate(SimulationSettings(seed=9, accounts=60, days=days), tmp_path)
    truth = msgspec.json.decode((tmp_path / "truth.json").read_bytes())
    assert len(truth["thefts"]) >= (8 if days == 14 else 1)


def _thief(made: Made, theft: Theft) -> list[Seen]:
    addresses = set(theft["addresses"])
    return [line for line in made.lines if line.user == theft["user"] and line.address in addresses]


def _length(theft: Theft) -> float:
    started, ended = (dt.datetime.fromisoformat(theft[key]) for key in ("started_at", "ended_at"))
    return (ended - started).total_seconds()


def _stamp(time: int) -> str:
    return dt.datetime.fromtimestamp(time, dt.UTC).isoformat().replace("+00:00", "Z")
