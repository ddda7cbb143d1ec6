"""From the line that opens an alert, appended to the log, to the alert in its topic: shipper and one worker.

    python -m benchmarks.bench_kafka_latency [--rates 100 1000 5000] [--seconds 60]

At most 200 thieves take documents in order, the other lines are readers'; all come at a steady rate, as from
a proxy. Which line opens an alert follows from the alert's id. An alert counts as there when a consumer
of committed messages has it.
"""

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from kafka import KafkaConsumer

from benchmarks.bench_ingest import COMMON
from benchmarks.common import print_table
from benchmarks.kafka_services import Process, bed, cpu_seconds, site_of, wait
from pseudonymiser import keys
from pseudonymiser.geo import open_geo
from pseudonymiser.ingest import Ingest
from service.cli.assembly import ingest_settings
from service.config.settings import Settings, SiteFolder
from service.decision.episodes import alert_id
from service.distributed.protocol import wire
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.topics import topics_of
from service.distributed.protocol.wire import AlertRecord
from service.records.events import AccessEvent

WANTED = 1.0  # s, p99 at 1,000 lines/s
THIEVES, DOCUMENTS = 200, 100  # at most, and of each
TICK = 0.01  # s between two appends
PDF = "https://www.sciencedirect.com:443/science/article/pii/S{journal:08d}12{n:05d}7/pdfft"
PAGE = "https://www.example.org:443/journal/article/view/{n}"


class Taken(NamedTuple):
    """One run."""

    alerts: int
    waits: Sequence[float]  # s, sorted
    cores: float  # of shipper, worker and broker


def made_log(rate: int, seconds: int, seed: int = 1) -> Iterator[bytes]:
    """Lines of a noon, so many each second."""
    chance = random.Random(seed)
    total = rate * seconds
    documents = min(THIEVES, total // DOCUMENTS) * DOCUMENTS
    stolen = {at * total // documents for at in range(documents)}
    taken = 0
    for number in range(total):
        clock = 43_200 + number // rate
        if number in stolen:
            # Ten thieves at a time, each after its own journal.
            thief = taken // (10 * DOCUMENTS) * 10 + taken % 10
            taken += 1
            who, where = f"thief{thief}", f"203.0.113.{thief % 250}"
            url = PDF.format(journal=thief, n=taken // 10)
        else:
            reader = chance.randrange(5_000)
            who, where = f"reader{reader}", f"192.0.2.{reader % 250}"
            url = PAGE.format(n=chance.randrange(40_000))
        at = f"{clock // 3600:02d}:{clock // 60 % 60:02d}:{clock % 60:02d}"
        yield f'{where} - {who} [30/Nov/2025:{at} +0000] "GET {url} HTTP/1.1" 200 {number}\n'.encode()


class Alerts(Thread):
    """Notes when each alert was seen first, by the clock of ``time.monotonic``."""

    def __init__(self, site: SiteFolder) -> None:
        super().__init__(daemon=True)
        kafka = kafka_of(site)
        self.seen: dict[str, float] = {}
        self.stop = Event()
        self._consumer = KafkaConsumer(
            topics_of(kafka).alerts,
            bootstrap_servers=list(kafka.servers),
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            group_id=None,
        )

    def run(self) -> None:
        while not self.stop.is_set():
            polled = self._consumer.poll(timeout_ms=100)
            now = time.monotonic()
            for records in polled.values():
                for record in records:
                    self.seen.setdefault(wire.decode(record.value, AlertRecord).alert.alert_id, now)
        self._consumer.close()


def append(log: Path, lines: Sequence[bytes], rate: int) -> list[float]:
    """Lines at a steady rate; when each was written."""
    began = time.monotonic()
    moments: list[float] = []
    with log.open("ab", buffering=0) as file:
        while len(moments) < len(lines):
            now = time.monotonic()
            piece = lines[len(moments) : int((now - began) * rate) + 1]
            moments += [now] * len(piece)
            file.write(b"".join(piece))
            time.sleep(TICK)
    return moments


def opening(site: SiteFolder, lines: Sequence[bytes]) -> dict[str, int]:
    """Id of the alert that a line would open -> the line. The only shipper numbers events from 0."""
    ingest = Ingest(ingest_settings(site.settings), keys.load(site.keys), open_geo(None, None))
    events = ingest.feed([line.rstrip() for line in lines], source="")
    return {
        alert_id(event.account, event.time, number): number
        for number, event in enumerate(events)
        if isinstance(event, AccessEvent)
    }


def measure(folder: Path, servers: Sequence[str], brokers: Sequence[int], rate: int, seconds: int) -> Taken:
    """One run at one rate."""
    log = folder.with_suffix(".log")
    log.touch()
    settings = Settings(log_format=COMMON, timezone="UTC", logs=(str(log),), alerts_per_day=1_000)
    site = site_of(folder, servers, settings)
    lines = list(made_log(rate, seconds))
    line_of = opening(site, lines)
    alerts, parts = Alerts(site), [Process(site, "ship"), Process(site, "worker")]
    pids = [part.pid for part in parts] + list(brokers)
    alerts.start()
    try:
        wait((site.folder / "ship.checkpoint").exists, parts[0].reported.read_text)
        wait(lambda: parts[1].reported.read_text().count("partition-open") > 0, parts[1].reported.read_text)
        began, cpu = time.monotonic(), sum(map(cpu_seconds, pids))
        written = append(log, lines, rate)
        cores = (sum(map(cpu_seconds, pids)) - cpu) / (time.monotonic() - began)
        name = "journalguard_worker_events_total"
        wait(lambda: parts[1].total(name) >= len(lines), parts[1].reported.read_text)
        time.sleep(1)  # for the last checkpoint
    finally:
        for part in parts:
            part.stop()
        alerts.stop.set()
        alerts.join()
    return Taken(len(alerts.seen), sorted(at - written[line_of[i]] for i, at in alerts.seen.items()), cores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 1_000, 5_000], help="lines/s")
    parser.add_argument("--seconds", type=int, default=60, help="of each")
    arguments = parser.parse_args()
    with bed() as (folder, broker):
        taken = {
            rate: measure(folder / f"at{rate}", broker.servers, broker.pids, rate, arguments.seconds)
            for rate in arguments.rates
        }
    print_table(
        f"Seconds from line to alert (wanted: p99 below {WANTED:g} s at 1,000 lines/s)",
        ("lines/s", "alerts", "p50", "p99", "longest", "p99 to wanted", "cores"),
        [
            (
                f"{rate:,}",
                run.alerts,
                run.waits[len(run.waits) // 2],
                run.waits[len(run.waits) * 99 // 100],
                run.waits[-1],
                f"{run.waits[len(run.waits) * 99 // 100] / WANTED:.2f}x",
                run.cores,
            )
            for rate, run in taken.items()
        ],
    )


if __name__ == "__main__":
    main()
