"""Reads what a site says, as its readers do: topics, the workers' table, lags, the pages' database."""

from collections.abc import Mapping

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from sqlalchemy import select

from alerts_api.storage import tables
from alerts_api.storage.database import open_database
from alerts_api.storage.errors import StoreError
from alerts_api.storage.rows import to_alert
from service.cli.options import database_of
from service.config.settings import SiteFolder
from service.decision.reader_groups import Counts, read_group_history
from service.distributed.protocol import wire
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.topics import changelog_of, topics_of
from service.distributed.protocol.wire import AlertRecord
from service.distributed.worker.partition_processor import PartitionLedger
from service.records.events import Alert
from tests.kafka.end_to_end import Outcome, lines_shipped


class TopicWatch:
    """Looks on without taking part."""

    def __init__(self, site: SiteFolder) -> None:
        self._site = site
        self._kafka = kafka_of(site)
        self._topics = topics_of(self._kafka)

    def prove(self, wanted: Outcome) -> None:
        """Everything is as one undisturbed process would have it, wherever somebody looks."""
        found, ledgers = self.states()
        absorbed = sum(ledger.counters.get("events_absorbed_total", 0) for ledger in ledgers)
        assert absorbed == wanted.events, f"{absorbed} events were counted, {wanted.events} were sent"
        assert not (differing := _differing(found, wanted.states)), f"states of {differing}"
        assert not (differing := _differing(self.alerts(), wanted.alerts)), f"in the topic: {differing}"
        assert not (differing := _differing(self.shown(), wanted.alerts)), f"in the database: {differing}"
        assert self.groups() == wanted.groups

    def alerts(self) -> dict[str, Alert]:
        """In their last form."""
        alerts = [wire.decode(value, AlertRecord).alert for value in self.alert_values()]
        return {alert.alert_id: alert for alert in alerts}

    def alert_values(self) -> list[bytes]:
        """Every committed message of the alerts' topic."""
        return [value for _, value in self._values(self._topics.alerts)]

    def committed(self, partition: int) -> int:
        """Offset of the access topic that the last checkpoint of a partition goes on from."""
        consumer = self._consumer(group_id=self._kafka.group)
        try:
            return consumer.committed(TopicPartition(self._topics.access, partition)) or 0
        finally:
            consumer.close()

    def dead_letters_of(self) -> list[bytes]:
        """What the topic of unusable messages holds."""
        return [value for _, value in self._values(self._topics.dead_letters)]

    def shown(self) -> dict[str, Alert]:
        """What the pages show; raises ``AssertionError`` where columns do not agree with the alert."""
        row = tables.alerts.c
        columns = row.payload, row.alert_id, row.account, row.opened_at, row.score
        database = open_database(database_of(self._site), create=False)
        try:
            with database.reading() as connection:
                found = connection.execute(select(*columns).order_by(row.number)).all()
        finally:
            database.close()
        alerts = [to_alert(payload) for payload, *_ in found]
        for alert, (_, *reported) in zip(alerts, found, strict=True):
            assert reported == [alert.alert_id, alert.account, alert.opened_at, alert.score]
        return {alert.alert_id: alert for alert in alerts}

    def groups(self) -> dict[int, Counts]:
        """Counts of groups of readers that the pages have."""
        database = open_database(database_of(self._site), create=False)
        try:
            with database.reading() as connection:
                shared = connection.execute(select(tables.shared.c.name, tables.shared.c.state)).all()
        finally:
            database.close()
        return read_group_history(dict(shared))

    def states(self) -> tuple[dict[str, bytes], list[PartitionLedger]]:
        """What the workers' table holds: states by account, and the partitions' ledgers."""
        table: dict[bytes, bytes] = {}
        for key, value in self._records(changelog_of(self._kafka)):
            if value is None:
                table.pop(key, None)
            else:
                table[key] = value
        ledgers = [
            msgspec.msgpack.decode(value, type=PartitionLedger)
            for key, value in table.items()
            if key.startswith(b"/ledger")
        ]
        return {key.decode(): value for key, value in table.items() if key[:1] != b"/"}, ledgers

    def settled(self, lines: int) -> bool:
        """Whether all lines are shipped, all messages in checkpoints, and all of those in the database."""
        if lines_shipped(self._site) < lines:
            return False
        try:
            sent, lag = self.lag()
            return sent > 0 and lag == 0 and self._pages_lag() == 0
        except KafkaError:  # no leader just now
            return False

    def lag(self) -> tuple[int, int]:
        """Messages of the access topic, and how many of them no checkpoint includes."""
        consumer = self._consumer(group_id=self._kafka.group)
        try:
            parts = [TopicPartition(self._topics.access, p) for p in range(self._kafka.partitions)]
            ends = consumer.end_offsets(parts, timeout_ms=5_000)
            committed = {tp: consumer.committed(tp, timeout_ms=5_000) or 0 for tp in parts}
        finally:
            consumer.close()
        return sum(ends.values()), sum(ends[tp] - committed[tp] for tp in parts)

    def _pages_lag(self) -> int:
        """Offsets that the pages' database has not been through; -1 where there is no database yet."""
        try:
            database = open_database(database_of(self._site), create=False)
        except StoreError:
            return -1
        try:
            with database.reading() as connection:
                row = tables.positions.c
                rows = connection.execute(select(row.source, row.position)).all()
        finally:
            database.close()
        positions = {source: int(position) for source, position in rows}
        consumer = self._consumer(isolation_level="read_committed")
        try:
            parts = [
                TopicPartition(topic, p)
                for topic in (self._topics.alerts, self._topics.traces, self._topics.status)
                for p in consumer.partitions_for_topic(topic) or ()
            ]
            ends = consumer.end_offsets(parts, timeout_ms=5_000)
        finally:
            consumer.close()
        return sum(end - positions.get(f"{tp.topic}/{tp.partition}", 0) for tp, end in ends.items())

    def reported(self) -> str:
        """Where everything is, for a failed test."""
        _, ledgers = self.states()
        rows = [(at.offset, at.day, at.closing and at.closing.next_day, dict(at.counters)) for at in ledgers]
        lags = f"messages, lag: {self.lag()}, the database's lag: {self._pages_lag()}"
        return "\n".join([lags, *map(str, rows)])

    def _values(self, topic: str) -> list[tuple[bytes, bytes]]:
        """Every committed record that is there, without those that only erase."""
        return [(key, value) for key, value in self._records(topic) if value is not None]

    def _records(self, topic: str) -> list[tuple[bytes, bytes | None]]:
        consumer = self._consumer(isolation_level="read_committed")
        parts = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        found = []
        while any(consumer.position(part) < ends[part] for part in parts):
            for records in consumer.poll(timeout_ms=200).values():
                found += [(r.key, r.value) for r in records]
        consumer.close()
        return found

    def _consumer(self, **options: object) -> KafkaConsumer:
        return KafkaConsumer(bootstrap_servers=list(self._kafka.servers), enable_auto_commit=False, **options)


def _differing(found: Mapping[str, object], wanted: Mapping[str, object]) -> list[str]:
    """What is missing, too much or not the same, the first few."""
    keys = (key for key in sorted(found.keys() | wanted.keys()) if found.get(key) != wanted.get(key))
    return [f"{key}: {found.get(key)} != {wanted.get(key)}" for key in keys][:3]
