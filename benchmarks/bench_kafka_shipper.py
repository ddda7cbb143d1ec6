"""The shipper's lines/s into a real broker, beside kafka-python alone with the raw lines, in one run.

    python -m benchmarks.bench_kafka_shipper [--lines 120000]

"shipper" is `journalguard ship` without its start: follow a log, ingest, number, frame, send, acknowledge,
checkpoint. "KafkaProducer" sends each line as it is, one message each, and waits for all at the end. Both
with acks=all and zstd.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Event

from kafka import KafkaProducer

from benchmarks.bench_ingest import COMMON, made_lines
from benchmarks.common import print_table, times
from benchmarks.kafka_services import bed, site_of
from pseudonymiser import keys
from pseudonymiser.geo import open_geo
from pseudonymiser.ingest import Ingest
from service.base.gc_tuning import relax_garbage_collection
from service.cli.assembly import ingest_settings
from service.config.settings import Settings, SiteFolder
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.topics import topics_of
from service.distributed.shipper.intake import LogFiles
from service.distributed.shipper.shipper import ship
from service.runtime.merge import line_clock

WANTED = 20_000  # lines/s
ROUNDS = 2


class WholeLogs(LogFiles):
    """A log that has an end."""

    def ended(self, positions: Mapping[str, bytes]) -> bool:
        return bool(positions) and self.lag_bytes(positions) == 0


def ingest_of(site: SiteFolder) -> Ingest:
    return Ingest(ingest_settings(site.settings), keys.load(site.keys), open_geo(None, None))


def shipped(site: SiteFolder) -> None:
    """The site's log from beginning to end."""
    ship(
        site,
        ingest_of(site),
        line_clock(ingest_of(site)),
        lambda at: WholeLogs(site.settings.logs, [], at),
        Event(),
    )


def sent_raw(servers: list[str], topic: str, lines: list[bytes]) -> None:
    producer = KafkaProducer(
        bootstrap_servers=servers,
        acks="all",
        compression_type="zstd",
        linger_ms=5,
        max_block_ms=60_000,
        delivery_timeout_ms=120_000,
    )
    for line in lines:
        producer.send(topic, line)
    producer.flush()
    producer.close()


def wall_and_cpu(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock, and of this process's cores."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(folder: Path, servers: list[str], lines: list[bytes]) -> dict[str, tuple[float, float]]:
    """Of the fastest of some rounds: every round is of a site of its own."""
    log = folder / "access.log"
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    taken: dict[str, list[tuple[float, float]]] = {"ingest alone": [], "shipper": [], "KafkaProducer": []}
    for number in range(ROUNDS):
        site = site_of(
            folder / f"bench{number}",
            servers,
            Settings(log_format=COMMON, timezone="Europe/London", logs=(str(log),)),
        )
        raw = topics_of(kafka_of(site)).alerts  # of as many partitions, and empty
        taken["ingest alone"].append(wall_and_cpu(partial(ingest_of(site).feed, lines, source="")))
        taken["shipper"].append(wall_and_cpu(partial(shipped, site)))
        taken["KafkaProducer"].append(wall_and_cpu(partial(sent_raw, servers, raw, lines)))
    return {name: min(rounds) for name, rounds in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lines", type=int, default=120_000, help="lines of a round (default 120,000)")
    lines = made_lines(parser.parse_args().lines)
    relax_garbage_collection()
    with bed() as (folder, broker):
        taken = measure(folder, broker.servers, lines)
    bare = taken["KafkaProducer"][0]
    rows = [
        [name, len(lines) / wall, 1e6 * cpu / len(lines), times(bare, wall)]
        for name, (wall, cpu) in taken.items()
    ]
    head = ["what", "lines/s", "CPU us/line", "KafkaProducer's speed"]
    print_table(f"Ship {len(lines):,} lines (wanted: at least {WANTED:,} lines/s)", head, rows)


if __name__ == "__main__":
    main()
