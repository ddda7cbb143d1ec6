"""`journalguard pages --site` with a real broker and both databases: nothing lost or twice, killed or not."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pytest
from kafka import KafkaConsumer, KafkaProducer

from alerts_api.stream.store import open_store
from service.cli.options import database_of
from service.config.settings import SETTINGS_FILE, Settings, SiteFolder
from service.config.tables import KafkaSettings
from service.config.template import render
from service.distributed.protocol import topics
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.topics import topics_of
from service.distributed.protocol.wire import (
    VERSION,
    AlertRecord,
    AsideRecord,
    StatusRecord,
    TraceRecord,
    VerdictRecord,
    decode,
    encode,
)
from service.records.events import Alert, Rejected
from tests.alerts_api.examples import NOW, make_alert, make_traces
from tests.services.kafka import Cluster
from tests.services.processes import end, free_ports, start

PATIENCE = 40.0  # s
PARTITIONS = 3

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


class Pages:
    """The process, and what a browser sees of it."""

    def __init__(self, site: SiteFolder) -> None:
        self._command = [sys.executable, "-m", "service.cli", "pages", "--site", str(site.folder)]
        self._log = site.folder / "pages.log"
        self.base = f"http://127.0.0.1:{site.settings.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = start(self._command, stdout=log, stderr=log)

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def end(self, sent: signal.Signals = signal.SIGTERM) -> int | None:
        """Its exit code."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        end(process, sent)
        return process.returncode

    @property
    def said(self) -> str:
        return self._log.read_text()

    def text(self, path: str, body: dict[str, str] | None = None) -> str:
        headers = {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.base + path, data, headers)  # noqa: S310 - our own http address
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
            return str(answer.read().decode())

    def until(self, true: Callable[[], bool]) -> None:
        """Waits for something that is seen over HTTP."""
        last = time.monotonic() + PATIENCE
        while time.monotonic() < last:
            try:
                if true():
                    return
            except (OSError, HTTPException):
                pass
            time.sleep(0.05)
        pytest.fail(f"in vain; the process said: {self.said[-3000:]}")

    def total(self) -> int:
        return int(json.loads(self.text("/api/v1/alerts?status=all&period=all"))["total"])

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text("/api/v1/status"))
        return found

    def metric(self, line: str) -> float:
        found = [text for text in self.text("/metrics").splitlines() if text.startswith(line)]
        return float(found[0].split()[-1]) if found else float("nan")


class Worker:
    """Sends as workers do: in transactions, some of which are given up."""

    def __init__(self, site: SiteFolder, prefix: str) -> None:
        self._topics = topics_of(kafka_of(site))
        self.producer = KafkaProducer(
            bootstrap_servers=kafka_of(site).servers, acks="all", transactional_id=prefix
        )
        self.producer.init_transactions()

    def send(self, *alerts: Alert, abort: bool = False, sequence: int = 0, status: bool = True) -> None:
        """Each alert with three of its events, and a status that counts them."""
        self.producer.begin_transaction()
        for n, alert in enumerate(alerts):
            where = {"key": alert.account.encode(), "partition": (sequence + n) % PARTITIONS}
            self.producer.send(self._topics.alerts, encode(AlertRecord(VERSION, alert)), **where)
            traces = make_traces(alert, count=3, first=1 + 10 * (sequence + n))
            self.producer.send(self._topics.traces, encode(TraceRecord(VERSION, traces)), **where)
        if status:
            self.tell(StatusRecord(VERSION, "partition/0", {"alerts_total": sequence + len(alerts)}))
        if abort:
            self.producer.abort_transaction()
        else:
            self.producer.commit_transaction()

    def tell(self, record: StatusRecord) -> None:
        self.producer.send(self._topics.status, encode(record), key=record.process.encode(), partition=0)


@pytest.fixture(params=["sqlite", "postgres"])
def site(request: pytest.FixtureRequest, broker: Cluster, prefix: str, tmp_path: Path) -> SiteFolder:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    return _site(tmp_path, broker, prefix, url.replace("+psycopg", ""))


def _site(folder: Path, broker: Cluster, prefix: str, url: str = "") -> SiteFolder:
    kafka = KafkaSettings(
        servers=tuple(broker.servers), prefix=prefix, group=prefix, partitions=3, replicas=1
    )
    (port,) = free_ports(1)
    settings = Settings(log_format="%h", timezone="UTC", port=port, database_url=url, kafka=kafka)
    (folder / SETTINGS_FILE).write_text(render(settings))
    return SiteFolder(folder, settings)


@pytest.fixture
def pages(site: SiteFolder) -> Iterator[Pages]:
    """Not started."""
    pages = Pages(site)
    yield pages
    pages.kill()


def _read(site: SiteFolder, topic: str, count: int) -> list[bytes]:
    with closing(
        KafkaConsumer(
            topic,
            bootstrap_servers=kafka_of(site).servers,
            auto_offset_reset="earliest",
            consumer_timeout_ms=int(1000 * PATIENCE),
        )
    ) as consumer:
        return [message.value for _, message in zip(range(count), consumer, strict=False)]


def test_kills_at_any_moment_lose_and_double_nothing(site: SiteFolder, pages: Pages, prefix: str) -> None:
    topics.create(site)
    worker, chance = Worker(site, prefix), random.Random(8)
    alerts = [make_alert(n, seed=3) for n in range(120)]
    pages.start()
    for first in range(0, len(alerts), 4):
        group = alerts[first : first + 4]
        if chance.random() < 0.3:
            given_up = [msgspec.structs.replace(alert, alert_id=f"{alert.alert_id}-x") for alert in group]
            worker.send(*given_up, abort=True, sequence=first)
        worker.send(*group, sequence=first)
        if chance.random() < 0.2:
            worker.send(*group, sequence=first)  # a worker repeats what it may not have said
        if first % 40 == 20:
            time.sleep(chance.uniform(0, 2.5))
            pages.kill()
            pages.start()
    reported = StatusRecord(
        VERSION, "shipper/0", {"lines_total": 500}, NOW, time.time(), (Rejected("no-time", "a.log", 3, 80),)
    )
    worker.producer.begin_transaction()
    worker.tell(reported)
    worker.producer.commit_transaction()
    pages.until(lambda: pages.status()["lines"] == 500 and pages.total() == len(alerts))
    pages.until(lambda: pages.metric("journalguard_intake_lag_messages") == 0)
    assert pages.status()["last_event_time"] == NOW
    assert pages.metric("journalguard_messages_missed_total") == 0
    assert "messages-missed" not in pages.said
    assert pages.end() == 0
    with closing(open_store(database_of(site), create=False)) as store:
        counters = store.load().counters
    assert counters == {"alerts_total": len(alerts), "lines_total": 500}


def test_a_verdict_arrives_in_the_topic_also_after_a_kill(
    site: SiteFolder, pages: Pages, prefix: str
) -> None:
    topics.create(site)
    first, second = make_alert(1), make_alert(2)
    Worker(site, prefix).send(first, second)
    pages.start()
    pages.until(lambda: pages.total() == 2)
    pages.text(f"/api/v1/alerts/{first.alert_id}/verdicts", {"verdict": "confirmed", "note": "telephoned"})
    pages.kill()
    pages.start()
    pages.until(lambda: pages.total() == 2)
    pages.text(f"/api/v1/alerts/{second.alert_id}/verdicts", {"verdict": "expected"})
    found = [decode(value, VerdictRecord) for value in _read(site, f"{prefix}.verdicts.v1", 2)]
    if found[1].verdict_id == found[0].verdict_id:  # the kill fell between sending and remembering
        found = [decode(value, VerdictRecord) for value in _read(site, f"{prefix}.verdicts.v1", 3)][1:]
    assert [(each.alert_id, each.account, each.verdict) for each in found] == [
        (first.alert_id, first.account, "confirmed"),
        (second.alert_id, second.account, "expected"),
    ]
    assert found[0].verdict_id < found[1].verdict_id


def test_poison_is_put_aside_and_holds_nobody_up(site: SiteFolder, pages: Pages, prefix: str) -> None:
    topics.create(site)
    alert = make_alert(5)
    huge = msgspec.structs.replace(alert, alert_id="JG-HUGE", events=2**70)
    nul = msgspec.structs.replace(alert, alert_id="JG-NUL", summary="a\0b")
    poison = {
        "alerts": [
            b"\xff",
            b"[1]",
            b'{"v":2}',
            encode(AlertRecord(VERSION, huge)),
            encode(AlertRecord(VERSION, nul)),
        ],
        "traces": [b"", encode(AlertRecord(VERSION, alert))],
        "status": [encode(StatusRecord(VERSION, "shipper/9", {"lines_total": 2**63}))],
    }
    pages.start()
    with closing(KafkaProducer(bootstrap_servers=kafka_of(site).servers, acks="all")) as producer:
        for name, values in poison.items():
            for value in values:
                producer.send(f"{prefix}.{name}.v1", value, key=b"k", partition=0)
        producer.flush()
    Worker(site, prefix).send(alert)
    pages.until(lambda: pages.total() == 1)
    dead_letters = "journalguard_messages_aside_total"
    pages.until(lambda: pages.metric(f'{dead_letters}{{reason="wrong-schema"}}') == 5)
    assert pages.metric(f'{dead_letters}{{reason="garbage"}}') == 2
    assert pages.metric(f'{dead_letters}{{reason="future-version"}}') == 1
    found = [decode(value, AsideRecord) for value in _read(site, f"{prefix}.rejected.v1", 8)]
    assert {(each.topic.split(".")[1], each.offset) for each in found} == {
        *(("alerts", n) for n in range(5)),
        *(("traces", n) for n in range(2)),
        ("status", 0),
    }


def test_pages_stay_up_without_topics_and_without_a_broker(
    own_broker: Cluster, prefix: str, tmp_path: Path
) -> None:
    site = _site(tmp_path, own_broker, prefix)
    pages = Pages(site)
    pages.start()
    try:
        pages.until(lambda: pages.total() == 0)
        pages.until(lambda: "`journalguard topics create` makes it" in pages.said)
        topics.create(site)
        worker = Worker(site, prefix)
        worker.send(make_alert(0))
        pages.until(lambda: pages.total() == 1)
        own_broker.pause()
        assert pages.total() == 1
        pages.text(f"/api/v1/alerts/{make_alert(0).alert_id}/verdicts", {"verdict": "confirmed"})
        own_broker.resume()
        worker.send(make_alert(1), sequence=1)
        pages.until(lambda: pages.total() == 2)
        assert decode(_read(site, f"{prefix}.verdicts.v1", 1)[0], VerdictRecord).verdict == "confirmed"
    finally:
        pages.kill()
