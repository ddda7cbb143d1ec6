"""One log through one process, and through shipper, broker, two workers and pages: all is equal."""

import gzip
from pathlib import Path

import pytest

from service.config.settings import Settings
from service.learning.site_model import MODEL
from tests.e2e.sites import call
from tests.kafka.end_to_end import LOG_FORMAT, Parts, site_over, undisturbed, wait, world_of
from tests.kafka.topic_watch import TopicWatch
from tests.pseudonymiser.ingest_factory import REAL, needs_real_logs
from tests.services.kafka import Cluster

pytestmark = pytest.mark.kafka


def same_both_ways(
    tmp_path: Path, broker: Cluster, prefix: str, settings: Settings, *, database: str = ""
) -> int:
    """How many alerts there were."""
    site = site_over(tmp_path / "site", broker.servers, prefix, settings, database=database)
    log = Path(settings.logs[0])
    wanted = undisturbed(site, log)
    lines = len(log.read_bytes().splitlines())
    parts, watch = Parts(site), TopicWatch(site)
    try:
        parts.start()
        wait(lambda: watch.settled(lines), parts.reported)
    finally:
        parts.stop()
    watch.prove(wanted)
    _, ledgers = watch.states()
    assert {ledger.counters.get("events_repeated_total") for ledger in ledgers} == {0}
    return len(wanted.alerts)


@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_a_simulated_library_of_two_thousand(
    tmp_path: Path, broker: Cluster, prefix: str, postgres_url: str
) -> None:
    settings = world_of(tmp_path / "world", seed=5, accounts=2_000, days=30)
    assert same_both_ways(tmp_path, broker, prefix, settings, database=postgres_url) > 50
    listed = call("models", "list", "--site", tmp_path / "site").stdout.splitlines()
    assert len(listed) >= 5, listed  # a version every week
    assert listed[-1].startswith(f"In force: {MODEL}/")


@needs_real_logs
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["npg", "sd"])
def test_real_logs(tmp_path: Path, broker: Cluster, prefix: str, name: str) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(gzip.decompress((REAL / f"{name}.2012-11-30.log.gz").read_bytes()))
    settings = Settings(log_format=LOG_FORMAT, timezone="Europe/Paris", logs=(str(log),))
    assert same_both_ways(tmp_path, broker, prefix, settings) >= 0
