"""The metrics that there are, by process, as each one's registry tells them."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from alerts_api.web.app import create_app
from service.runtime.telemetry import (
    RunMetrics,
    ShipperMetrics,
    WorkerMetrics,
    registry_of,
    tell_databases,
)
from tests.alerts_api.examples import fill


class Feed:
    """What reads from Kafka beside the pages, as their metrics ask for it."""

    lag = 0
    last_message = 0.0


def registries(folder: Path) -> dict[str, CollectorRegistry]:
    """Process -> its registry; the pages' over a database with examples in ``folder``."""
    database = folder / "journalguard.db"
    fill(database)
    found = {name: registry_of() for name in ("run", "shipper", "worker")}
    RunMetrics(found["run"])
    ShipperMetrics(found["shipper"])
    WorkerMetrics(found["worker"])
    for name in ("run", "shipper"):
        tell_databases(found[name], {"city": 1, "asn": 1})
    return {"pages": create_app(database, intake=Feed()).state.metrics, **found}


def series(registry: CollectorRegistry) -> Iterator[tuple[Metric, str]]:
    """Each of our metrics with its name as Prometheus has it, a histogram's without what is behind it."""
    for family in registry.collect():
        if family.name.startswith("journalguard_"):
            yield family, f"{family.name}_total" if family.type == "counter" else family.name
