"""The history of a world: the same every time, in order, and shaped like a real library's."""

import datetime as dt
from collections import Counter, defaultdict
from pathlib import Path

import maxminddb
import msgspec
import numpy as np
import pytest

from service.simulator import SimulationError, SimulationSettings, SimulationSummary, simulate
from service.simulator.world import World
from tests.service.simulator.conftest import Made, Seen

FILES = ("access.log", "city.mmdb", "asn.mmdb", "truth.json")
SMALL = SimulationSettings(seed=4, accounts=60, days=5)


def test_equal_settings_give_identical_files(tmp_path: Path) -> None:
    first = simulate(SMALL, tmp_path / "a")
    assert simulate(SMALL, tmp_path / "b") == first
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_another_seed_gives_another_log(tmp_path: Path) -> None:
    simulate(SMALL, tmp_path / "a")
    simulate(msgspec.structs.replace(SMALL, seed=5), tmp_path / "b")
    assert (tmp_path / "a" / "access.log").read_bytes() != (tmp_path / "b" / "access.log").read_bytes()


def test_a_reader_stays_the_same_when_the_world_grows() -> None:
    small, large = World(SMALL), World(msgspec.structs.replace(SMALL, accounts=120, days=9))
    for account in range(60):
        assert small.readers[account] == large.readers[account]
        assert small.reading(account, 3) == large.reading(account, 3)
    assert small.active(4).tolist() == large.active(4)[:60].tolist()


def test_progress_and_summary_tell_what_was_written(tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    summary = simulate(SMALL, tmp_path, progress=lambda done, of: reported.append((done, of)))
    assert reported == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert summary.lines == len((tmp_path / "access.log").read_text().splitlines())
    assert isinstance(summary, SimulationSummary)
    assert summary.thefts == len(msgspec.json.decode((tmp_path / "truth.json").read_bytes())["thefts"])


def test_lines_are_in_time_order_and_within_the_days(made: Made) -> None:
    times = [line.time for line in made.lines]
    assert times == sorted(times)
    start = dt.datetime(2026, 9, 1, tzinfo=made.lines[0].local.tzinfo)
    assert start.timestamp() <= times[0]
    assert times[-1] < start.timestamp() + made.settings.days * 86400


def test_base_rates_are_near_those_of_real_libraries(made: Made) -> None:
    days = _account_days(_of_ordinary_readers(made))
    documents = np.array([len({line.url for line in day if _got_pdf(line)}) for day in days])
    assert 0.5 <= np.quantile(documents, 0.5) <= 2
    assert 6 <= np.quantile(documents, 0.95) <= 20
    assert 18 <= np.quantile(documents, 0.99) <= 90
    assert 18 <= np.mean([len(day) for day in days]) <= 36
    assert 0.08 <= len(days) / (600 * 42) <= 0.22
    assert np.quantile([len({line.session for line in day}) for day in days], 0.5) == 1
    sizes = [line.size / 1e6 for line in made.lines if _got_pdf(line) and line.status == 200]
    assert 0.6 <= np.quantile(sizes, 0.5) <= 1.0


def test_noise_of_a_real_log_is_there(made: Made) -> None:
    statuses = Counter(line.status for line in made.lines)
    assert {200, 204, 206, 302, 304, 404, 599, 906} <= set(statuses)
    nobody = [line for line in made.lines if line.user == "-"]
    assert 0.12 <= len(nobody) / len(made.lines) <= 0.28
    assert Counter(line.address for line in nobody).most_common(1)[0][1] > len(nobody) / 2
    assert any(line.user == f"auto-{line.address}" for line in made.lines)
    assert any(line.method == "HEAD" for line in made.lines)


def test_people_sleep_and_rest_at_weekends(made: Made) -> None:
    hours = Counter(line.local.hour for line in made.lines if line.user != "-")
    assert sum(hours[hour] for hour in (3, 4, 5)) * 4 < sum(hours[hour] for hour in (14, 15, 16))
    weekdays = Counter(line.local.weekday() for line in made.lines if line.user != "-")
    assert max(weekdays[5], weekdays[6]) < min(weekdays[0], weekdays[1], weekdays[2])


def test_readers_are_strange_in_many_ways(made: Made) -> None:
    traits = Counter(trait for reader in made.truth["readers"] for trait in reader["traits"])
    assert {"vpn", "traveller", "night", "shared-lab", "new", "dormant", "abroad", "reviewer"} <= set(traits)
    assert sum(made.truth["accounts_by_type"].values()) == made.settings.accounts
    assert len({reader["user"] for reader in made.truth["readers"]}) == made.settings.accounts
    named = {reader["user"] for reader in made.truth["readers"]}
    assert {line.user for line in made.lines if line.user != "-" and "auto-" not in line.user} <= named


@pytest.mark.parametrize("profile", ["college", "overseas", "vpn"])
def test_profiles_are_different_places(profile: str) -> None:
    usual, other = World(SMALL), World(msgspec.structs.replace(SMALL, accounts=400, profile=profile))
    assert usual.geography.home == other.geography.home
    traits = Counter(trait for reader in other.readers for trait in reader.traits)
    expected = {"college": "shared-lab", "overseas": "abroad", "vpn": "vpn"}[profile]
    assert traits[expected] > 60


def test_every_address_is_in_the_databases(made: Made) -> None:
    with (
        maxminddb.open_database(made.folder / "city.mmdb") as city,
        maxminddb.open_database(made.folder / "asn.mmdb") as asn,
    ):
        assert city.metadata().database_type == "GeoLite2-City"
        for address in {line.address for line in made.lines}:
            place, owner = city.get(address), asn.get(address)
            assert isinstance(place, dict)
            assert isinstance(owner, dict)
            assert len(str(place["country"]["iso_code"])) == 2  # type: ignore[index,call-overload]  # untyped records
            assert owner["autonomous_system_organization"]
        assert any(":" in line.address for line in made.lines)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("accounts", 3, "at least 10"),
        ("days", 0, "at least 1"),
        ("seed", -1, "from 0 up"),
        ("timezone", "Mars/Olympus", "IANA"),
        ("start", "tomorrow", "2026-09-01"),
        ("profile", "prison", "university"),
        ("log_format", "%h %q", "'%q'"),
    ],
)
def test_settings_that_cannot_be_used_say_what_to_mend(
    tmp_path: Path, field: str, value: object, words: str
) -> None:
    with pytest.raises(SimulationError, match=words):
        simulate(msgspec.structs.replace(SMALL, **{field: value}), tmp_path)


def _got_pdf(line: Seen) -> bool:
    return "pdf" in line.url.lower() and line.method == "GET" and line.status in (200, 206)


def _of_ordinary_readers(made: Made) -> list[Seen]:
    """Neither thieves nor text miners: the measured quantiles know neither."""
    miners = {reader["user"] for reader in made.truth["readers"] if reader["type"] == "text-miner"}
    stolen = {(theft["user"], address) for theft in made.truth["thefts"] for address in theft["addresses"]}
    return [
        line for line in made.lines if (line.user, line.address) not in stolen and line.user not in miners
    ]


def _account_days(lines: list[Seen]) -> list[list[Seen]]:
    days: dict[tuple[str, dt.date], list[Seen]] = defaultdict(list)
    for line in lines:
        if line.user != "-" and not line.user.startswith("auto-"):
            days[line.user, line.local.date()].append(line)
    return list(days.values())
