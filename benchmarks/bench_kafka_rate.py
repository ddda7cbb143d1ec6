"""Events/s of one worker and of two from a filled topic to lag 0, beside Quix Streams, in one run.

    python -m benchmarks.bench_kafka_rate [--accounts 80000] [--days 2]

A worker does everything: decode, states, measures, scores, closes of days, alerts, checkpoints in
transactions. Time runs from when all workers are at work to the last commit; their start is apart. Quix
Streams gets the same events one a message, as is natural to it, and for each the same kernel over the same
bytes of an account, kept in its own state store (``quix_worker``); no scores, no days, no alerts, at least
once. The second row of it leaves out the kernel too. Where two workers and the broker want more cores than
there are, two rows more keep each worker to a part of one, so that what a second one adds can be seen.
"""

import argparse
import json
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from benchmarks.bench_ingest import COMMON
from benchmarks.common import print_table, times
from benchmarks.kafka_services import (
    PARTITIONS,
    PATIENCE,
    Frames,
    Process,
    at_most,
    bed,
    caught_up,
    cpu_seconds,
    send,
    site_of,
    wait,
)
from pseudonymiser import keys
from pseudonymiser.geo import open_geo
from pseudonymiser.ingest import Ingest
from service.cli.assembly import ingest_settings
from service.config.settings import Settings, SiteFolder
from service.distributed.protocol.wire import decode_frame
from service.distributed.shipper.framing import FrameBuilder
from service.records.events import AccessEvent
from service.simulator import SimulationSettings, simulate
from tests.services.kafka import Cluster

SLOW = 0.4  # cores of a worker where two of them shall not want for any
QUIX_EVENTS = 60_000  # at most: it is slower
BATCH = 2_000  # lines


class Taken(NamedTuple):
    """One run."""

    rate: float  # events/s
    workers: float  # cores
    broker: float  # cores


def frames_of(site: SiteFolder, log: Path) -> list[tuple[int, bytes]]:
    """What the shipper would send."""
    frames: list[tuple[int, bytes]] = []
    geo = open_geo(site.path(site.settings.geo_city), site.path(site.settings.geo_asn))
    ingest = Ingest(ingest_settings(site.settings), keys.load(site.keys), geo)
    builder = FrameBuilder(
        0, PARTITIONS, lambda p, value: frames.append((p, value)), lambda: 0.0, lambda: None
    )
    lines = log.read_bytes().splitlines()
    for at in range(0, len(lines), BATCH):
        found = ingest.feed(lines[at : at + BATCH], source=log.name)
        builder.absorb([event for event in found if isinstance(event, AccessEvent)])
    builder.drain()
    return frames


def by_workers(site: SiteFolder, broker: Cluster, frames: Frames, count: int, cores: float = 0.0) -> Taken:
    """All frames through so many workers, each kept to so many cores where that is told.

    Raises ``OSError`` where they cannot be kept to them.
    """
    ends = send(site, frames)
    workers = [Process(site, "worker", "--name", f"w{n}") for n in range(count)]
    pids = [worker.pid for worker in workers], broker.pids
    kept = ExitStack()
    try:
        for worker in workers if cores else ():
            kept.enter_context(at_most(cores, worker.pid))
        wait(lambda: all(w.total("journalguard_worker_events_total") for w in workers), lambda: "not at work")
        began, before = time.perf_counter(), [sum(map(cpu_seconds, each)) for each in pids]
        done = sum(w.total("journalguard_worker_events_total") for w in workers)
        wait(lambda: caught_up(workers, ends), lambda: str([w.committed() for w in workers]))
        took = time.perf_counter() - began
        busy = [sum(map(cpu_seconds, each)) - cpu for each, cpu in zip(pids, before, strict=True)]
        events = sum(w.total("journalguard_worker_events_total") for w in workers) - done
    finally:
        kept.close()
        for worker in workers:
            worker.stop()
    return Taken(events / took, busy[0] / took, busy[1] / took)


def events_topic(broker: Cluster, frames: Frames) -> tuple[str, int]:
    """A topic with one event a message, as far as Quix is to read it: its name, and how many."""
    name = "events"
    admin = KafkaAdminClient(bootstrap_servers=broker.servers)
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    admin.close()
    producer = KafkaProducer(
        bootstrap_servers=broker.servers, acks="all", compression_type="zstd", linger_ms=20
    )
    sent = 0
    for partition, frame in frames:
        for event in decode_frame(frame).events:
            producer.send(name, msgspec.json.encode(event), key=event.account.encode(), partition=partition)
            sent += 1
        if sent >= QUIX_EVENTS:
            break
    producer.close()
    return name, sent


def by_quix(folder: Path, broker: Cluster, topic: str, events: int, step: str) -> Taken:
    """So many events through Quix Streams."""
    arguments = [broker.servers[0], topic, str(folder / f"quix-{step}"), str(events), step]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.kafka_quix", *arguments], stdout=subprocess.PIPE
    )
    said, _ = process.communicate(timeout=PATIENCE)
    return Taken(events / json.loads(said), 0.0, 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--accounts", type=int, default=80_000, help="readers of the simulated library")
    parser.add_argument("--days", type=int, default=2, help="days of its log")
    arguments = parser.parse_args()
    with bed() as (folder, broker):
        world = folder / "world"
        simulate(SimulationSettings(seed=5, accounts=arguments.accounts, days=arguments.days), world)
        settings = Settings(
            log_format=COMMON,
            timezone="Europe/London",
            geo_city=str(world / "city.mmdb"),
            geo_asn=str(world / "asn.mmdb"),
        )
        one = site_of(folder / "one", broker.servers, settings)
        frames = frames_of(one, world / "access.log")
        taken = {"one worker": by_workers(one, broker, frames, 1)}
        two = site_of(folder / "two", broker.servers, settings)
        taken["two workers"] = by_workers(two, broker, frames, 2)
        with suppress(OSError):
            for name, count in (("slow", 1), ("slower", 2)):
                slow = site_of(folder / name, broker.servers, settings)
                what = f"{'one' if count == 1 else 'two'} at {SLOW:g} cores each"
                taken[what] = by_workers(slow, broker, frames, count, SLOW)
        topic, events = events_topic(broker, frames)
        quix = by_quix(folder, broker, topic, events, "kernel")
        taken["Quix Streams, same kernel"] = quix
        taken["Quix Streams, states alone"] = by_quix(folder, broker, topic, events, "states")
    rows = [
        (name, round(rate), times(rate, taken["one worker"].rate), times(rate, quix.rate), workers, broker_)
        for name, (rate, workers, broker_) in taken.items()
    ]
    print_table(
        f"Events/s from a filled topic to lag 0 ({len(frames):,} frames; two cores for everything)",
        ("what", "events/s", "to one worker", "to Quix", "its cores", "broker's cores"),
        rows,
    )


if __name__ == "__main__":
    main()
