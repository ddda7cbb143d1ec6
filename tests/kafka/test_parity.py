"""One log through one process, and through shipper, broker and two workers: the same alerts and states."""

import gzip
from pathlib import Path

import pytest

from service.settings import Settings
from service.simulator import SimulationSettings, simulate
from tests.beds.kafka import Cluster
from tests.kafka.whole import LOG_FORMAT, Parts, Watch, as_json, settled, site_over, undisturbed, wait
from tests.pseudonymiser.room import REAL, needs_real_logs

pytestmark = pytest.mark.kafka


def same_both_ways(tmp_path: Path, broker: Cluster, prefix: str, log: Path, settings: Settings) -> int:
    """How many alerts there were."""
    site = site_over(tmp_path / "site", broker.servers, prefix, settings)
    alerts, states = undisturbed(site, log)
    lines = len(log.read_bytes().splitlines())
    parts, watch = Parts(site), Watch(site)
    try:
        parts.start("ship", "w1", "w2")
        wait(settled(watch, site, lines), 240, parts.told)
    finally:
        parts.stop()
    found, ledgers = watch.states()
    assert found == states
    assert as_json(watch.alerts()) == as_json(alerts)
    assert {ledger.counters.get("events_repeated_total") for ledger in ledgers} == {0}
    return len(alerts)


@pytest.mark.timeout(420)
def test_a_simulated_library_of_two_thousand(tmp_path: Path, broker: Cluster, prefix: str) -> None:
    world = tmp_path / "world"
    simulate(SimulationSettings(seed=5, accounts=2_000, days=30, thefts_per_day=1.5), world)
    settings = Settings(
        log_format=LOG_FORMAT,
        timezone="Europe/London",
        logs=(str(world / "access.log"),),
        geo_city=str(world / "city.mmdb"),
        geo_asn=str(world / "asn.mmdb"),
    )
    assert same_both_ways(tmp_path, broker, prefix, world / "access.log", settings) > 50


@needs_real_logs
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", ["npg", "sd"])
def test_real_logs(tmp_path: Path, broker: Cluster, prefix: str, name: str) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(gzip.decompress((REAL / f"{name}.2012-11-30.log.gz").read_bytes()))
    settings = Settings(log_format=LOG_FORMAT, timezone="Europe/Paris", logs=(str(log),))
    assert same_both_ways(tmp_path, broker, prefix, log, settings) >= 0
