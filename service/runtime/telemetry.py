"""Every metric of the processes that read and score, and the port where Prometheus reads them.

Lag and buffer are looked at when they are asked for, so they tell the truth also while nothing moves.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from http.server import HTTPServer
from importlib.metadata import version
from threading import Thread

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    start_http_server,
)

from service.base.errors import AddressError

CHECKPOINT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # s
DELAY_BUCKETS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)  # s
BACKLOG = 3_600.0  # s: what is older when it is decided was caught up with, or is of old logs


def registry_of(policy: str = "") -> CollectorRegistry:
    """A process's own: which version it is, by which policy it scores, and what it takes of the machine."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    build = Gauge(
        "journalguard_build_info",
        "1; the version at work, and the policy in force.",
        ["version", "python", "policy"],
        registry=registry,
    )
    build.labels(version("journalguard"), ".".join(map(str, sys.version_info[:2])), policy).set(1)
    return registry


class Delays:
    """How long events wait from the time in their line to the moment when what they led to is saved."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "journalguard_decision_delay_seconds",
            "From the time in a line until its event was scored and saved; of events of the last hour.",
            registry=registry,
            buckets=DELAY_BUCKETS,
        )
        self._backlog = Counter(
            "journalguard_decision_backlog_events",
            "Events that were more than an hour old when they were scored and saved.",
            registry=registry,
        )

    def decided(self, times: Iterable[int], now: float) -> None:
        """Events of these times, s UTC, are saved at ``now``."""
        for time in times:
            delay = now - time
            if delay > BACKLOG:
                self._backlog.inc()
            else:
                self._seconds.observe(max(0.0, delay))


def tell_databases(registry: CollectorRegistry, built_at: Mapping[str, int]) -> None:
    """Of which time the location databases in use are: "city" and "asn" -> s UTC."""
    gauge = Gauge(
        "journalguard_geo_database_timestamp_seconds",
        "Of which time the location database is.",
        ["database"],
        registry=registry,
    )
    for database, moment in built_at.items():
        gauge.labels(database).set(moment)


class RunMetrics:
    """What `run` tells beside what the pages read in its database, since this process began."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.delays = Delays(registry)
        self.checkpoints = Histogram(
            "journalguard_run_checkpoint_seconds",
            "Time that a checkpoint took.",
            registry=registry,
            buckets=CHECKPOINT_BUCKETS,
        )
        self._lag = Gauge(
            "journalguard_run_lag_bytes", "Bytes of the logs that are not read yet.", registry=registry
        )

    def watch(self, lag: Callable[[], float]) -> None:
        """Says how the lag is found; called from another thread."""
        self._lag.set_function(lag)


class ShipperMetrics:
    """What a shipper tells: counts of what is acknowledged, since this process began."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lines = Counter("journalguard_shipper_lines", "Lines read and acknowledged.", registry=registry)
        self._events = Counter("journalguard_shipper_events", "Lines that became events.", registry=registry)
        self._rejected = Counter(
            "journalguard_shipper_rejected", "Lines that did not, by reason.", ["reason"], registry=registry
        )
        self._frames = Counter("journalguard_shipper_frames", "Messages of events.", registry=registry)
        self._bytes = Counter(
            "journalguard_shipper_sent_bytes", "Bytes of these before compression.", registry=registry
        )
        self._lag = Gauge(
            "journalguard_shipper_lag_bytes", "Bytes of the logs not acknowledged.", registry=registry
        )
        self._buffered = Gauge(
            "journalguard_shipper_buffered_bytes", "Bytes sent and not acknowledged.", registry=registry
        )
        self._acknowledged = Gauge(
            "journalguard_shipper_acknowledged_timestamp_seconds",
            "When all that was sent was acknowledged last, s since 1970.",
            registry=registry,
        )
        self._before: Mapping[str, int] = {}

    def watch(self, lag: Callable[[], float], buffered: Callable[[], float]) -> None:
        """Says how lag and buffer are found; called from another thread."""
        self._lag.set_function(lag)
        self._buffered.set_function(buffered)

    def begin(self, counters: Mapping[str, int]) -> None:
        """Counts of the checkpoint that is gone on from."""
        self._before = dict(counters)

    def acknowledged(self, counters: Mapping[str, int], at: float) -> None:
        """Counts of a new checkpoint, written at ``at``, s since 1970."""
        for name, counter in (
            ("lines_total", self._lines),
            ("events_total", self._events),
            ("frames_total", self._frames),
            ("frame_bytes_total", self._bytes),
        ):
            counter.inc(counters.get(name, 0) - self._before.get(name, 0))
        for name in counters:
            kind, _, reason = name.partition(":")
            if kind == "rejected_total":
                self._rejected.labels(reason).inc(counters[name] - self._before.get(name, 0))
        self._acknowledged.set(at)
        self._before = dict(counters)


class WorkerMetrics:
    """What a worker tells of its partitions, since this process began."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter("journalguard_worker_events", "Events absorbed.", registry=registry)
        self.frames = Counter("journalguard_worker_frames", "Messages taken.", registry=registry)
        self.refused = Counter(
            "journalguard_worker_refused", "Messages put aside, by reason.", ["reason"], registry=registry
        )
        self.alerts = Counter("journalguard_worker_alerts", "Alerts opened.", registry=registry)
        self.delays = Delays(registry)
        self.checkpoints = Histogram(
            "journalguard_worker_checkpoint_seconds",
            "Time that a checkpoint took.",
            registry=registry,
            buckets=CHECKPOINT_BUCKETS,
        )
        self.accounts = Gauge(
            "journalguard_worker_recovered_accounts",
            "Accounts read back when the partition was opened.",
            ["partition"],
            registry=registry,
        )
        self.day = Gauge(
            "journalguard_worker_day", "Local day in progress, since 1970.", ["partition"], registry=registry
        )
        self.waiting = Gauge(
            "journalguard_worker_waiting_frames",
            "Messages fetched, not taken.",
            ["partition"],
            registry=registry,
        )
        self.committed = Gauge(
            "journalguard_worker_committed_offset",
            "Offset up to which the partition is saved.",
            ["partition"],
            registry=registry,
        )


class MetricsServer:
    """The port of one process, until it is closed."""

    def __init__(self, server: HTTPServer, thread: Thread) -> None:
        self.port = int(server.server_address[1])
        self._server = server
        self._thread = thread

    def close(self) -> None:
        """Ends the serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(registry: CollectorRegistry, address: str, port: int) -> MetricsServer:
    """Serves a registry to whoever reaches the address. Raises ``AddressError`` where that cannot be."""
    try:
        server, thread = start_http_server(port, address, registry)
    except OSError as error:
        raise AddressError(
            f"metrics_address = {address!r}, metrics_port = {port} in site.toml: {error.strerror};"
            " choose an address of this machine and another port, or 0 for none"
        ) from None
    return MetricsServer(server, thread)
