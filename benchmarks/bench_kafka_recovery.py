"""Seconds from kill -9 of the only worker until its accounts are in service again.

    python -m benchmarks.bench_kafka_recovery [--accounts 10000 100000 500000]

The worker is started again at once, as systemd would, while frames come for every partition. In service
means: every partition has read its states back and committed what came meanwhile. Once with the worker's
RocksDB folder kept, once with it lost, when everything is read from the changelog. The broker waits for a
silent worker's session to end (10 s) before it gives the partitions away; that is in every figure.
"""

import argparse
import asyncio
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.bench_ingest import COMMON
from benchmarks.common import print_table
from benchmarks.kafka_services import PARTITIONS, Process, bed, caught_up, send, site_of, wait
from benchmarks.readers import START, TODAY, Mix, events, settled
from service.config.settings import Settings, SiteFolder
from service.distributed.protocol.connection import aiokafka_options, kafka_of
from service.distributed.protocol.partitions import key_in, partition_of_account
from service.distributed.protocol.topics import changelog_of
from service.distributed.protocol.wire import VERSION, FrameHeader, encode_frame
from service.distributed.worker.partition_processor import PartitionLedger
from service.distributed.worker.transactions import OutgoingMessage, PartitionWriter
from service.records.events import AccessEvent

WANTED = 20.0  # s, at 100,000 accounts
CHUNK = 50_000  # states of one transaction
FRAME = 20  # events


class Numbered(NamedTuple):
    """An event and its number in the site's stream."""

    number: int
    event: AccessEvent


async def fill(site: SiteFolder, accounts: int) -> None:
    """States of so many settled readers into the workers' table, as checkpoints would write them."""
    kafka = kafka_of(site)
    log = changelog_of(kafka)
    ledger = msgspec.msgpack.encode(PartitionLedger(day=TODAY, last_event_time=START))
    states: dict[int, list[OutgoingMessage]] = defaultdict(list)
    for account, state in settled(accounts):
        partition = partition_of_account(account, PARTITIONS)
        states[partition].append(OutgoingMessage(log, partition, account.encode(), state))
    for partition in range(PARTITIONS):
        writer = PartitionWriter(aiokafka_options(kafka, site.folder), kafka.group, partition)
        await writer.start()
        mine = [
            *states[partition],
            OutgoingMessage(log, partition, key_in(partition, PARTITIONS, "ledger"), ledger),
        ]
        for at in range(0, len(mine), CHUNK):
            await writer.commit(mine[at : at + CHUNK], {})
        await writer.stop()


def frames(numbered: Sequence[Numbered]) -> Iterator[tuple[int, bytes]]:
    """The events as a shipper sends them, in small frames."""
    of: dict[int, list[Numbered]] = defaultdict(list)
    for each in numbered:
        of[partition_of_account(each.event.account, PARTITIONS)].append(each)
    for partition, mine in sorted(of.items()):
        for at in range(0, len(mine), FRAME):
            part = mine[at : at + FRAME]
            header = FrameHeader(VERSION, 0, TODAY, 0, tuple(each.number for each in part))
            yield partition, encode_frame(header, [each.event for each in part])


class Library:
    """A site whose accounts have been there for weeks, and goes on."""

    def __init__(self, folder: Path, servers: Sequence[str], accounts: int) -> None:
        self.site = site_of(folder, servers, Settings(log_format=COMMON, timezone="Europe/London"))
        asyncio.run(fill(self.site, accounts))
        stream = enumerate(events(Mix(accounts, 12_000)))
        self._coming = [Numbered(*each) for each in stream]
        self._ends: Counter[int] = Counter()
        self.worker = Process(self.site, "worker")

    def go_on(self) -> None:
        """Some events for every partition."""
        now, self._coming = self._coming[:3_000], self._coming[3_000:]
        self._ends += send(self.site, list(frames(now)))

    def in_service(self) -> None:
        """Returns when everything that was sent is saved."""
        wait(lambda: caught_up([self.worker], self._ends), self.worker.reported.read_text)

    def recovery(self, *, lost: bool) -> float:
        """Seconds from the kill."""
        killed = time.perf_counter()
        self.worker.kill()
        if lost:
            shutil.rmtree(self.site.folder / "workers")
        self.worker = Process(self.site, "worker")
        self.go_on()
        self.in_service()
        return time.perf_counter() - killed


def measure(folder: Path, servers: Sequence[str], accounts: int) -> tuple[float, float]:
    """Seconds with the folder kept, and with it lost."""
    library = Library(folder, servers, accounts)
    try:
        library.go_on()
        library.in_service()
        return library.recovery(lost=False), library.recovery(lost=True)
    finally:
        library.worker.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--accounts", type=int, nargs="+", default=[10_000, 100_000, 500_000])
    sizes: list[int] = parser.parse_args().accounts
    with bed() as (folder, broker):
        taken = [
            (accounts, *measure(folder / f"of{accounts}", broker.servers, accounts)) for accounts in sizes
        ]
    least = taken[0][1]
    print_table(
        f"Seconds from kill -9 to in service again (wanted: {WANTED:g} s at 100,000 accounts)",
        ("accounts", "folder kept", "folder lost", "kept, to first", "lost, to first"),
        [
            (f"{accounts:,}", kept, lost, f"{kept / least:.2f}x", f"{lost / least:.2f}x")
            for accounts, kept, lost in taken
        ],
    )


if __name__ == "__main__":
    main()
