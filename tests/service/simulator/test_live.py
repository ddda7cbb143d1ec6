"""Live traffic goes on where the history ended."""

from pathlib import Path

import maxminddb
import msgspec
import pytest

from service.simulator import LiveTraffic, SimulationError, SimulationSettings, simulate
from tests.service.simulator.conftest import Made, read_line

SMALL = SimulationSettings(seed=4, accounts=80, days=3, thefts_per_day=0.0)


def test_live_lines_are_those_a_longer_history_would_have(tmp_path: Path) -> None:
    short = simulate(SMALL, tmp_path / "short")
    simulate(msgspec.structs.replace(SMALL, days=4), tmp_path / "long")
    long = (tmp_path / "long" / "access.log").read_text(encoding="utf-8").splitlines()
    midnight = 1788217200 + 3 * 86400
    live = LiveTraffic(SMALL, tmp_path / "short").lines(midnight, midnight + 86400)
    assert sorted(line for _, line in live) == sorted(long[short.lines :])


def test_any_split_gives_the_same_lines(made: Made) -> None:
    live = LiveTraffic(made.settings, made.folder)
    start = made.lines[-1].time + 20_000
    parts = [line for cut in range(0, 90_000, 9000) for line in live.lines(start + cut, start + cut + 9000)]
    assert parts == live.lines(start, start + 90_000)
    assert parts == LiveTraffic(made.settings, made.folder).lines(start, start + 90_000)
    assert all(start <= time < start + 90_000 for time, _ in parts)
    assert all(read_line(line).time == time for time, line in parts)
    assert live.lines(start, start) == []


def test_a_live_theft_is_fast_foreign_and_of_a_fresh_account(made: Made) -> None:
    live = LiveTraffic(made.settings, made.folder)
    start = made.lines[-1].time + 500
    stolen = {theft["user"] for theft in made.truth["thefts"]}
    with (
        maxminddb.open_database(made.folder / "city.mmdb") as city,
        maxminddb.open_database(made.folder / "asn.mmdb") as asn,
    ):
        for _ in range(5):
            seen = [read_line(line) for _, line in live.theft(start)]
            assert start <= seen[0].time
            assert seen[-1].time <= start + 60
            assert (
                len({line.url for line in seen if "pdf" in line.url.lower() and line.status in (200, 206)})
                > 50
            )
            assert len({line.user for line in seen}) == 1
            assert seen[0].user not in stolen
            stolen.add(seen[0].user)
            place = city.get(seen[0].address)
            assert isinstance(place, dict)
            assert place["country"] != {"iso_code": "GB", "names": {"en": "United Kingdom"}}
            assert asn.get(seen[0].address)


def test_a_folder_of_another_world_is_refused(made: Made, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="other settings"):
        LiveTraffic(msgspec.structs.replace(made.settings, seed=99), made.folder)
    with pytest.raises(SimulationError, match="run simulate"):
        LiveTraffic(made.settings, tmp_path)
