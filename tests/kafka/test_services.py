"""The test bed itself: what the other tests rely on."""

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from tests.project.repository import lacking
from tests.services import postgres
from tests.services.kafka import Cluster
from tests.services.postgres import Postgres


def _topic(servers: list[str], name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.create_topics([NewTopic(name, 1, 1)])
    admin.close()


def _sent(servers: list[str], topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=servers, acks="all")
    producer.send(topic, value).get(timeout=60)
    producer.close()


def _values(servers: list[str], topic: str) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=servers, auto_offset_reset="earliest", consumer_timeout_ms=3000
    )
    values = [message.value for message in consumer]
    consumer.close()
    return values


@pytest.mark.kafka
def test_a_broker_keeps_what_was_acknowledged_when_it_is_killed(own_broker: Cluster, prefix: str) -> None:
    _topic(own_broker.servers, prefix)
    _sent(own_broker.servers, prefix, b"before")
    own_broker.kill()
    own_broker.restart()
    own_broker.pause()
    own_broker.resume()
    _sent(own_broker.servers, prefix, b"after")
    assert _values(own_broker.servers, prefix) == [b"before", b"after"]


@pytest.mark.postgres
def test_a_database_is_new_and_empty(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == []


@pytest.mark.postgres
def test_a_server_that_was_killed_starts_again_with_its_data() -> None:
    if why := postgres.lacks():
        lacking(why)
    server = Postgres()
    try:
        server.start()
        with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as open_session:
            open_session.execute("CREATE TABLE kept (n int)")
            server.kill()
            server.start()
        with psycopg.connect(server.url("postgres").replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    finally:
        server.stop()
