"""The same lines give the same alerts, byte for byte, however they come."""

import gzip
import random
import sqlite3
from pathlib import Path

import pytest

from service.simulator import SimulationSettings, simulate
from tests.e2e.sites import alerts, followed, made, replayed


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    simulate(SimulationSettings(seed=11, accounts=80, days=15, thefts_per_day=1.0), folder)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Path:
    geo = ("--geo-city", library / "city.mmdb", "--geo-asn", library / "asn.mmdb")
    return made(tmp_path_factory.mktemp("site") / "s", *geo)


@pytest.fixture(scope="module")
def whole(site: Path, library: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return replayed(site, tmp_path_factory.mktemp("out") / "whole.jsonl", library / "access.log")


def test_there_is_something_to_compare(whole: bytes) -> None:
    found = alerts(whole)
    assert len(found) >= 3
    assert found == sorted(found, key=lambda alert: (alert["opened_at"], alert["alert_id"]))


def test_the_same_log_twice(site: Path, library: Path, whole: bytes, tmp_path: Path) -> None:
    assert replayed(site, tmp_path / "again.jsonl", library / "access.log") == whole


@pytest.mark.parametrize("seed", [1, 2])
def test_any_pieces_plain_or_packed(
    seed: int, site: Path, library: Path, whole: bytes, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    lines = (library / "access.log").read_bytes().splitlines(keepends=True)
    cuts = sorted(rng.sample(range(len(lines)), 9))
    pieces = []
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(lines)], strict=True)):
        data = b"".join(lines[start:stop])
        pieces.append(tmp_path / f"piece{number}")
        pieces[-1].write_bytes(gzip.compress(data) if rng.random() < 0.5 else data)
    if seed == 2:
        rng.shuffle(pieces)
        pieces = [piece for piece in pieces if piece.stat().st_size]
    assert replayed(site, tmp_path / "pieces.jsonl", *pieces) == whole


def test_run_stopped_and_started_raises_the_same_alerts(
    library: Path, site: Path, whole: bytes, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    live = tmp_path / "live"
    live.mkdir()
    (live / "keys").symlink_to(site / "keys")
    settings = (site / "site.toml").read_text().replace("logs = []", f'logs = ["{log}"]', 1)
    (live / "site.toml").write_text(settings)
    lines = (library / "access.log").read_bytes().splitlines(keepends=True)
    cuts = [len(lines) // 5, len(lines) // 5 + 1, len(lines) // 2, len(lines)]
    for cut in cuts:
        log.write_bytes(b"".join(lines[:cut])) if not log.exists() else append(log, lines, cut)
        followed(live, cut)
    with sqlite3.connect(live / "journalguard.db") as connection:
        stored = connection.execute("SELECT alert_id, score, events, documents FROM alerts").fetchall()
    found = alerts(whole)
    assert sorted(stored) == sorted((a["alert_id"], a["score"], a["events"], a["documents"]) for a in found)


def append(log: Path, lines: list[bytes], upto: int) -> None:
    """Adds what is missing of the first ``upto`` lines, without touching what is there."""
    done = log.read_bytes().count(b"\n")
    with log.open("ab") as file:
        file.writelines(lines[done:upto])
