"""Shipper, workers and broker killed and paused under a live, rotating log: as if nothing had happened."""

from pathlib import Path

import pytest

from tests.beds.kafka import Cluster
from tests.kafka.faults import ordeal

pytestmark = pytest.mark.kafka

KILLS = 8


@pytest.mark.timeout(420)
def test_nothing_is_lost_or_doubled(tmp_path: Path, own_broker: Cluster, prefix: str) -> None:
    ordeal(tmp_path, own_broker, prefix, KILLS, 7, print)
