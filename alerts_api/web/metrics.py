"""Every metric of the pages' process: name, help, labels. The site's are read from the store at each scrape.

Prometheus naming: prefix ``journalguard_``, base units, ``_total`` for counters, which only rise. Labels are
bounded: a reason, detection, verdict or route is one of a closed list. No label ever holds an account.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from alerts_api.alerts.drift import CAUSES, read_drift
from alerts_api.alerts.queries import (
    count_detections,
    count_hidden,
    count_verdicts,
    oldest_open,
    read_counters,
)
from alerts_api.alerts.records import Status
from alerts_api.alerts.verdicts import Verdict
from alerts_api.audit.reading import checkpoint_coverage
from alerts_api.reveal.request_views import count_requests
from alerts_api.rights.retention import read_runs
from alerts_api.storage.errors import StoreError
from alerts_api.storage.tables import DAY
from alerts_api.stream.store import RAISED
from alerts_api.web.context import AppContext, SinkProgress
from service.records.drift_report import DriftReport

# Counter of a checkpoint -> (metric without its _total, help)
COUNTERS: dict[str, tuple[str, str]] = {
    "lines_total": ("journalguard_lines", "Lines read from the logs."),
    "events_total": ("journalguard_events", "Lines that became events."),
    "events_without_account_total": (
        "journalguard_events_without_account",
        "Events of lines that name no reader.",
    ),
    "events_scored_total": ("journalguard_events_scored", "Events that were scored."),
}
BUILD = ("journalguard_build_info", "1; the version at work, and the policy in force.")
DATABASE_UP = ("journalguard_database_up", "1 while the pages can read their database, else 0.")
DISK_FREE = ("journalguard_disk_free_bytes", "Free for the service where the pages' SQLite file is.")
DISK_SIZE = ("journalguard_disk_size_bytes", "Size of the file system where that is.")
REJECTED = ("journalguard_rejected", "Lines refused, by reason.")
ALERTS = ("journalguard_alerts", "Alerts opened, by strongest detection when they did.")
KEPT = ("journalguard_alerts_kept", "Alerts in the database, by strongest detection.")
ASIDE = ("journalguard_messages_aside", "Messages of Kafka that could not be used, by reason.")
MISSED = ("journalguard_messages_missed", "Messages that Kafka deleted before they were read, at most.")
LAG = ("journalguard_intake_lag_messages", "Messages that wait in Kafka for the pages' database.")
LAST_MESSAGE = ("journalguard_intake_last_message_timestamp_seconds", "When the last message came.")
VERDICTS = ("journalguard_alerts_judged", "Alerts by their latest verdict.")
HIDDEN = ("journalguard_alerts_hidden", "Of those that wait, the ones beyond the ceiling of their day.")
BUDGET = ("journalguard_alert_budget", "Alerts a day that the analysts want to read.")
DRIFT = ("journalguard_drift", "Way in which a daily figure moved in the last 60 days: 1 up, -1 down.")
DRIFT_SINCE = ("journalguard_drift_since_timestamp_seconds", "First day after it moved.")
CAUSE = ("journalguard_drift_cause", "1 while something with a name moves the measures, else 0.")
OPEN = ("journalguard_alerts_open", "Alerts that wait for a verdict.")
OLDEST_OPEN = ("journalguard_alert_oldest_open_timestamp_seconds", "When the oldest of them opened; 0 none.")
LAST_EVENT = ("journalguard_last_scored_event_timestamp_seconds", "Event time of the newest scored line.")
RETAINED = ("journalguard_oldest_kept_timestamp_seconds", "The oldest that is kept, by store; 0 nothing.")
RETENTION = (
    "journalguard_last_retention_timestamp_seconds",
    "When what is too old was last deleted, by store.",
)
REVEALS = ("journalguard_reveals", "Requests for readers' names, by where they stand.")
REVEALS_OVERDUE = ("journalguard_reveals_overdue", "Of them, those with an outcome or second look overdue.")
LEAVES = ("journalguard_audit_leaves", "Acts in the audit log.")
UNSIGNED = (
    "journalguard_audit_oldest_unsigned_timestamp_seconds",
    "When the first act was that no checkpoint of the audit log covers; 0: there is none.",
)
LAST_WRITTEN = ("journalguard_last_checkpoint_timestamp_seconds", "When the last checkpoint was written.")
REQUESTS = ("journalguard_http_request_duration_seconds", "Time to answer, by route, method and status.")
REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Counters of a checkpoint, as ``service.distributed.sink.batcher`` writes them.
ASIDE_COUNTER = "messages_aside_total:"  # and the reason
MISSED_COUNTER = "messages_missed_total"

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What Prometheus scrapes of one app."""

    def __init__(self, context: AppContext, *, policy: str = "", file: Path | None = None) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.requests = Histogram(
            *REQUESTS, ["route", "method", "status"], registry=self.registry, buckets=REQUEST_BUCKETS
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(_AboutCollector(policy, file))
        self.registry.register(_StoreCollector(context))


class _AboutCollector(Collector):
    """The process and the disk: also told while the database cannot be read."""

    def __init__(self, policy: str, file: Path | None) -> None:
        self._labels = {
            "version": version("journalguard"),
            "python": ".".join(map(str, sys.version_info[:2])),
            "policy": policy,
        }
        self._file = file

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily(*BUILD, labels=list(self._labels))
        build.add_metric(list(self._labels.values()), 1)
        yield build
        if self._file is not None:
            try:
                disk = os.statvfs(self._file.parent)
            except OSError:
                return
            yield GaugeMetricFamily(*DISK_FREE, value=disk.f_bavail * disk.f_frsize)
            yield GaugeMetricFamily(*DISK_SIZE, value=disk.f_blocks * disk.f_frsize)


class _StoreCollector(Collector):
    def __init__(self, context: AppContext) -> None:
        self._context = context

    def describe(self) -> list[Metric]:
        return []  # registering must not read the store

    def collect(self) -> Iterator[Metric]:
        try:
            with self._context.reading() as connection:
                found = [*self._counted(connection), *self._watched(connection)]
        except StoreError:
            yield GaugeMetricFamily(*DATABASE_UP, value=0)
            return
        yield GaugeMetricFamily(*DATABASE_UP, value=1)
        yield from found

    def _counted(self, connection: Connection) -> Iterator[Metric]:
        counters, status = read_counters(connection), self._context.status(connection)
        for name, (metric, text) in COUNTERS.items():
            yield CounterMetricFamily(metric, text, value=counters.get(name, 0))
        known = dict.fromkeys(self._context.detections, 0)
        opened = known | _named(counters, RAISED)
        yield _labelled(CounterMetricFamily(*REJECTED, labels=["reason"]), status.rejected)
        yield _labelled(CounterMetricFamily(*ALERTS, labels=["detection"]), opened)
        kept = known | count_detections(connection)
        yield _labelled(GaugeMetricFamily(*KEPT, labels=["detection"]), kept)
        verdicts = {verdict.value: 0 for verdict in Verdict} | count_verdicts(connection)
        yield _labelled(GaugeMetricFamily(*VERDICTS, labels=["verdict"]), verdicts)
        yield from _gauges(status)
        yield GaugeMetricFamily(*HIDDEN, value=count_hidden(connection, self._context.daily_cap))
        yield GaugeMetricFamily(*OLDEST_OPEN, value=oldest_open(connection))
        yield GaugeMetricFamily(*BUDGET, value=self._context.alerts_per_day)
        if self._context.intake is not None:
            yield from _intake(self._context.intake, counters)

    def _watched(self, connection: Connection) -> Iterator[Metric]:
        yield from _drift(read_drift(connection))
        runs, reveals = read_runs(connection), count_requests(connection, self._context.clock())
        yield _labelled(
            GaugeMetricFamily(*RETAINED, labels=["store"]), {run.store: run.oldest for run in runs}
        )
        yield _labelled(
            GaugeMetricFamily(*RETENTION, labels=["store"]), {run.store: int(run.ran_at) for run in runs}
        )
        yield _labelled(GaugeMetricFamily(*REVEALS, labels=["state"]), reveals.states)
        yield GaugeMetricFamily(*REVEALS_OVERDUE, value=reveals.overdue)
        leaves, unsigned = checkpoint_coverage(connection)
        yield GaugeMetricFamily(*LEAVES, value=leaves)
        yield GaugeMetricFamily(*UNSIGNED, value=unsigned)


def _gauges(status: Status) -> Iterator[Metric]:
    yield GaugeMetricFamily(*OPEN, value=status.open_alerts)
    yield GaugeMetricFamily(*LAST_EVENT, value=status.last_event_time)
    yield GaugeMetricFamily(*LAST_WRITTEN, value=status.written_at)


def _drift(report: DriftReport) -> Iterator[Metric]:
    moved = {each.name: 1 if each.after > each.before else -1 for each in report.moved}
    since = {each.name: DAY * each.since for each in report.moved}
    causes = dict.fromkeys(CAUSES, 0) | {c.kind: 1 for c in report.causes if c.last == report.day}
    yield _labelled(GaugeMetricFamily(*DRIFT, labels=["group"]), moved)
    yield _labelled(GaugeMetricFamily(*DRIFT_SINCE, labels=["group"]), since)
    yield _labelled(GaugeMetricFamily(*CAUSE, labels=["cause"]), causes)


def _intake(intake: SinkProgress, counters: Mapping[str, int]) -> Iterator[Metric]:
    yield _labelled(CounterMetricFamily(*ASIDE, labels=["reason"]), _named(counters, ASIDE_COUNTER))
    yield CounterMetricFamily(*MISSED, value=counters.get(MISSED_COUNTER, 0))
    yield GaugeMetricFamily(*LAG, value=intake.lag)
    yield GaugeMetricFamily(*LAST_MESSAGE, value=intake.last_message)


def _named(counters: Mapping[str, int], prefix: str) -> dict[str, int]:
    """Counters of a prefix, by what follows it."""
    return {name.removeprefix(prefix): n for name, n in counters.items() if name.startswith(prefix)}


def _labelled(
    family: CounterMetricFamily | GaugeMetricFamily, values: Mapping[str, int]
) -> CounterMetricFamily | GaugeMetricFamily:
    for name, value in values.items():
        family.add_metric([name], value)
    return family
