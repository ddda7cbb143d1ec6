"""Every metric of the distributed processes, and the port where Prometheus reads them.

Lag and buffer are looked at when they are asked for, so they tell the truth also while nothing moves.
"""

from collections.abc import Callable, Mapping
from http.server import HTTPServer
from threading import Thread

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from service.distributed.protocol.errors import DistributedError

HOST = "127.0.0.1"


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
        self.checkpoints = Histogram(
            "journalguard_worker_checkpoint_seconds", "Time that a checkpoint took.", registry=registry
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


def serve(registry: CollectorRegistry, port: int) -> MetricsServer:
    """Serves a registry at 127.0.0.1. Raises ``DistributedError`` where the port is taken."""
    try:
        server, thread = start_http_server(port, HOST, registry)
    except OSError as error:
        raise DistributedError(
            f"metrics_port = {port} in site.toml: {error.strerror}; choose another port, or 0 for none"
        ) from None
    return MetricsServer(server, thread)
