"""Shipper, workers, broker and pages killed and paused under a live log: as if nothing had happened."""

from pathlib import Path

import pytest

from tests.kafka.faults import VICTIMS, ordeal
from tests.services.kafka import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.mark.timeout(900)
def test_nothing_is_lost_or_doubled(
    tmp_path: Path, own_broker: Cluster, prefix: str, postgres_url: str
) -> None:
    ordeal(tmp_path, own_broker, prefix, postgres_url, len(VICTIMS), 7, print)
