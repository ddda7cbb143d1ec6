"""Metrics of the processes that read and score: what is counted, and the port where they are read."""

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from service.base.errors import AddressError
from service.runtime.telemetry import ShipperMetrics, serve


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_a_shipper_counts_what_this_process_had_acknowledged() -> None:
    registry = CollectorRegistry()
    metrics = ShipperMetrics(registry)
    metrics.begin({"lines_total": 100, "rejected_total:no-time": 2})
    metrics.acknowledged({"lines_total": 130, "frames_total": 3, "rejected_total:no-time": 7}, 50.0)
    metrics.acknowledged({"lines_total": 131, "frames_total": 3, "rejected_total:no-time": 7}, 60.0)
    assert value(registry, "journalguard_shipper_lines_total") == 31
    assert value(registry, "journalguard_shipper_frames_total") == 3
    assert value(registry, "journalguard_shipper_rejected_total", reason="no-time") == 5
    assert value(registry, "journalguard_shipper_acknowledged_timestamp_seconds") == 60


def test_lag_and_buffer_are_looked_at_when_asked_for() -> None:
    registry = CollectorRegistry()
    waiting = [b"a line\n"]
    ShipperMetrics(registry).watch(lambda: len(b"".join(waiting)), lambda: 5.0)
    assert value(registry, "journalguard_shipper_lag_bytes") == 7
    waiting.clear()
    assert value(registry, "journalguard_shipper_lag_bytes") == 0
    assert value(registry, "journalguard_shipper_buffered_bytes") == 5


def test_a_port_is_served_until_closed_and_one_in_use_is_told() -> None:
    registry = CollectorRegistry()
    ShipperMetrics(registry)
    served = serve(registry, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{served.port}/metrics"
    assert "journalguard_shipper_lines_total 0.0" in httpx2.get(address).text
    with pytest.raises(AddressError, match="another port"):
        serve(registry, "127.0.0.1", served.port)
    served.close()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(address)
