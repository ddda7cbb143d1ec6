"""Every metric of the service: name, help, labels. Read from the store at each scrape.

Prometheus naming: prefix ``journalguard_``, base units, ``_total`` for counters. Labels are bounded:
a reason, detection or verdict is one of a closed list. No label ever holds an account.
"""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts_api.alerts.drift import CAUSES, read_drift
from alerts_api.alerts.queries import count_detections, count_hidden, count_verdicts, read_counters
from alerts_api.alerts.records import Status
from alerts_api.reveal.request_views import count_requests
from alerts_api.rights.retention import read_runs
from alerts_api.storage.tables import DAY
from alerts_api.web.context import AppContext, SinkProgress
from models.evaluation.rarity import ENOUGH
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
REJECTED = ("journalguard_rejected", "Lines refused, by reason.")
ALERTS = ("journalguard_alerts", "Alerts raised, by strongest detection.")
ASIDE = ("journalguard_messages_aside", "Messages of Kafka that could not be used, by reason.")
MISSED = ("journalguard_messages_missed", "Messages that Kafka deleted before they were read, at most.")
LAG = ("journalguard_intake_lag_messages", "Messages that wait in Kafka for the pages' database.")
LAST_MESSAGE = ("journalguard_intake_last_message_timestamp_seconds", "When the last message came.")
VERDICTS = ("journalguard_alerts_judged", "Alerts by their latest verdict.")
HIDDEN = ("journalguard_alerts_hidden", "Of them, those beyond the ceiling of their day.")
DRIFT = ("journalguard_drift", "Way in which a daily figure moved in the last 60 days: 1 up, -1 down.")
DRIFT_SINCE = ("journalguard_drift_since_timestamp_seconds", "First day after it moved.")
RARITY = ("journalguard_rarity_ratio", "How many times as often as stated rarities came in the last 28 days.")
CAUSE = ("journalguard_drift_cause", "1 while something with a name moves the measures, else 0.")
OPEN = ("journalguard_alerts_open", "Alerts that wait for a verdict.")
LAST_EVENT = ("journalguard_last_scored_event_timestamp_seconds", "Event time of the newest scored line.")
RETAINED = ("journalguard_oldest_kept_timestamp_seconds", "The oldest that is kept, by store; 0 nothing.")
RETENTION = (
    "journalguard_last_retention_timestamp_seconds",
    "When what is too old was last deleted, by store.",
)
REVEALS = ("journalguard_reveals", "Requests for readers' names, by where they stand.")
REVEALS_OVERDUE = ("journalguard_reveals_overdue", "Of them, those with an outcome or second look overdue.")
LAST_WRITTEN = ("journalguard_last_checkpoint_timestamp_seconds", "When the last checkpoint was written.")

# Counters of a checkpoint, as ``service.distributed.sink.batcher`` writes them.
ASIDE_COUNTER = "messages_aside_total:"  # and the reason
MISSED_COUNTER = "messages_missed_total"

TEXT = "text/plain; version=0.0.4; charset=utf-8"


def exposition(context: AppContext) -> bytes:
    """The page that Prometheus scrapes. Raises :class:`alerts_api.storage.errors.StoreError`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_StoreCollector(context))
    return generate_latest(registry)


class _StoreCollector(Collector):
    def __init__(self, context: AppContext) -> None:
        self._context = context

    def describe(self) -> list[Metric]:
        return []  # registering must not read the store

    def collect(self) -> Iterator[Metric]:
        with self._context.reading() as connection:
            counters, status = read_counters(connection), self._context.status(connection)
            detections, verdicts = count_detections(connection), count_verdicts(connection)
            hidden = count_hidden(connection, self._context.daily_cap)
            drift = read_drift(connection)
            runs, reveals = read_runs(connection), count_requests(connection, self._context.clock())
        for name, (metric, text) in COUNTERS.items():
            yield CounterMetricFamily(metric, text, value=counters.get(name, 0))
        yield _labelled(CounterMetricFamily(*REJECTED, labels=["reason"]), status.rejected)
        yield _labelled(CounterMetricFamily(*ALERTS, labels=["detection"]), detections)
        yield _labelled(GaugeMetricFamily(*VERDICTS, labels=["verdict"]), verdicts)
        yield from _gauges(status)
        yield from _drift(drift)
        yield GaugeMetricFamily(*HIDDEN, value=hidden)
        yield _labelled(
            GaugeMetricFamily(*RETAINED, labels=["store"]), {run.store: run.oldest for run in runs}
        )
        yield _labelled(
            GaugeMetricFamily(*RETENTION, labels=["store"]), {run.store: int(run.ran_at) for run in runs}
        )
        yield _labelled(GaugeMetricFamily(*REVEALS, labels=["state"]), reveals.states)
        yield GaugeMetricFamily(*REVEALS_OVERDUE, value=reveals.overdue)
        if self._context.intake is not None:
            yield from _intake(self._context.intake, counters)


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
    told = GaugeMetricFamily(*RARITY, labels=["measure", "one_in"])
    for measure, stated in ((one.name, stated) for one in report.rarity for stated in one.stated):
        if stated.expected >= ENOUGH:
            told.add_metric([measure.lower(), str(stated.one_in)], stated.times)
    yield told


def _intake(intake: SinkProgress, counters: Mapping[str, int]) -> Iterator[Metric]:
    aside = {
        name.removeprefix(ASIDE_COUNTER): value
        for name, value in counters.items()
        if name.startswith(ASIDE_COUNTER)
    }
    yield _labelled(CounterMetricFamily(*ASIDE, labels=["reason"]), aside)
    yield CounterMetricFamily(*MISSED, value=counters.get(MISSED_COUNTER, 0))
    yield GaugeMetricFamily(*LAG, value=intake.lag)
    yield GaugeMetricFamily(*LAST_MESSAGE, value=intake.last_message)


def _labelled(
    family: CounterMetricFamily | GaugeMetricFamily, values: Mapping[str, int]
) -> CounterMetricFamily | GaugeMetricFamily:
    for name, value in values.items():
        family.add_metric([name], value)
    return family
