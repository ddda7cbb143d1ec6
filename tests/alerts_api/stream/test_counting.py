"""Counters only rise: they are counted when something happens, not from the rows that are there now."""

from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from alerts_api.rights.retention import enforce
from alerts_api.storage import tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import open_database
from alerts_api.stream.store import RAISED, open_store
from alerts_api.web.app import create_app
from service.config.tables import RetentionSettings
from service.distributed.protocol.topics import Topics
from service.distributed.protocol.wire import VERSION, StatusRecord, encode
from service.distributed.sink.batcher import IncomingMessage, SinkBatcher
from service.records.checkpoints import Changes, Checkpoint, SavedState
from service.records.events import Alert
from tests.alerts_api.examples import DAY, NOW, make_alert
from tests.alerts_api.visitors import browser

TOPICS = Topics(*(f"t.{name}.v1" for name in Topics._fields))
Sample = tuple[str, tuple[tuple[str, str], ...]]


def scraped(database: DatabaseLocation) -> dict[Sample, float]:
    """Every counter, as Prometheus sees it."""
    with browser(create_app(database, clock=lambda: NOW + 30.0)) as client:
        families = text_string_to_metric_families(client.get("/metrics").text)
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            if family.type == "counter"
            for sample in family.samples
            if sample.name.startswith("journalguard")
        }


def saved(database: DatabaseLocation, *alerts: Alert, lines: int = 0) -> None:
    """A checkpoint of a process that knows what it counted, and nothing of the store's own counters."""
    with closing(open_store(database)) as store:
        counters = {**store.load().counters, "lines_total": lines}
        assert not any(name.startswith(RAISED) for name in counters)
        checkpoint = Checkpoint(
            changes=Changes(alerts=alerts), positions={}, counters=counters, last_event_time=NOW
        )
        store.commit(checkpoint)


def opened(found: dict[Sample, float]) -> dict[str, float]:
    return {
        labels[0][1]: n for (name, labels), n in found.items() if name == "journalguard_alerts_total" and n
    }


def test_an_alert_counts_once_as_what_it_opened_as(database: DatabaseLocation) -> None:
    first = replace(make_alert(0), detections=("bulk-download",))
    saved(database, first, replace(make_alert(1), detections=("machine-rhythm",)))
    before = scraped(database)
    assert opened(before) == {"bulk-download": 1, "machine-rhythm": 1}
    grown = replace(first, detections=("journal-sweep", "bulk-download"), updated_at=NOW, events=999)
    saved(database, grown, lines=5)
    saved(database, grown, lines=5)  # the same again
    after = scraped(database)
    assert opened(after) == {"bulk-download": 1, "machine-rhythm": 1}
    assert all(after[sample] >= value for sample, value in before.items())


def test_every_detection_is_there_before_its_first_alert(database: DatabaseLocation) -> None:
    """Or the first one would not be seen by rate()."""
    saved(database)
    assert sum(name == "journalguard_alerts_total" for name, _ in scraped(database)) > 10


def test_retention_and_erasure_take_alerts_but_no_counts(database: DatabaseLocation) -> None:
    alerts = [make_alert(index) for index in range(6)]
    saved(database, *alerts)
    before = scraped(database)
    with closing(open_database(database, create=False)) as kept, kept.writing() as connection:
        connection.execute(update(tables.alerts).values(verdict="expected"))
        enforce(connection, RetentionSettings(), NOW + 400 * DAY, NOW + 400.0 * DAY)
    assert scraped(database) == before
    with closing(open_store(database)) as store:
        changes = Changes(erased=tuple(alert.account for alert in alerts))
        store.commit(Checkpoint(changes=changes, positions={}, counters=store.load().counters))
    assert scraped(database) == before
    assert sum(opened(before).values()) == len(alerts)


counts = st.dictionaries(st.sampled_from(["lines_total", "rejected_total:no-time"]), st.integers(0, 1000))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["shipper/0", "partition/1", "partition/2"]), counts)))
def test_sums_over_processes_rise_whatever_these_say(said: list[tuple[str, dict[str, int]]]) -> None:
    """A worker that lost its state, or went back to an older one, counts from less."""
    batcher = SinkBatcher(TOPICS, SavedState((), {}, {}, {"lines_total": 7}, 0), 28)
    before = {"lines_total": 7}
    for offset, (process, counters) in enumerate(said):
        value = encode(StatusRecord(VERSION, process, counters))
        message = IncomingMessage(TOPICS.status, 0, offset, value)
        now = dict(batcher.take([message], {}).checkpoint.counters)
        assert all(now[name] >= value for name, value in before.items())
        before = now


def test_a_process_that_lost_its_state_is_counted_on_from_there() -> None:
    batcher = SinkBatcher(TOPICS, SavedState((), {}, {}, {}, 0), 28)
    for offset, lines in enumerate((100, 110, 3, 10)):
        value = encode(StatusRecord(VERSION, "shipper/0", {"lines_total": lines}))
        taken = batcher.take([IncomingMessage(TOPICS.status, 0, offset, value)], {})
    assert taken.checkpoint.counters["lines_total"] == 100 + 10 + 0 + 7
