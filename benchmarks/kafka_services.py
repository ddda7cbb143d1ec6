"""What the Kafka benches share: a broker, sites over it, workers as real processes, and what these tell.

Figures of a worker come from where an operator reads them: its metrics. CPU is what Linux booked for the
process and its threads.
"""

import os
import re
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from kafka import KafkaProducer

from service.cli.init import make_site
from service.config.loader import load_site
from service.config.settings import Settings, SiteFolder
from service.config.tables import KafkaSettings
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.topics import create, topics_of
from tests.services.kafka import Cluster, lacks
from tests.services.processes import end, free_ports, start

LOOK = 0.25  # s between looks at the metrics
PARTITIONS = 12
CPU_GROUPS = Path("/sys/fs/cgroup/cpu")
PATIENCE = 170.0  # s until a bench gives up
SAMPLE = re.compile(r'^(\w+)(?:\{(?:partition|reason)="([^"]*)"\})? (\S+)$', re.MULTILINE)
TICKS = os.sysconf("SC_CLK_TCK")

Frames = Sequence[tuple[int, bytes]]  # partition, message; in the order in which they are sent


@contextmanager
def bed() -> Iterator[tuple[Path, Cluster]]:
    """A folder and a broker, both gone afterwards. Ends the program where no Kafka can be started."""
    if why := lacks():
        sys.exit(f"nothing measured: {why}")
    with tempfile.TemporaryDirectory(prefix="journalguard-bench-") as scratch:
        broker = Cluster(Path(scratch, "kafka"))
        broker.start()
        try:
            yield Path(scratch), broker
        finally:
            broker.stop()


def site_of(folder: Path, servers: Sequence[str], settings: Settings) -> SiteFolder:
    """A site with keys and topics; the folder's name tells its topics from those of others."""
    kafka = KafkaSettings(
        servers=tuple(servers), prefix=folder.name, group=folder.name, partitions=PARTITIONS, replicas=1
    )
    make_site(folder, msgspec.structs.replace(settings, kafka=kafka))
    site = load_site(folder, {})
    create(site)
    return site


def send(site: SiteFolder, frames: Frames) -> Counter[int]:
    """Frames into the access topic; how many each partition got."""
    kafka = kafka_of(site)
    producer = KafkaProducer(
        bootstrap_servers=list(kafka.servers), acks="all", compression_type="zstd", max_request_size=8 << 20
    )
    for partition, value in frames:
        producer.send(topics_of(kafka).access, value, partition=partition)
    producer.flush()
    producer.close()
    return Counter(partition for partition, _ in frames)


class Process:
    """A command of journalguard's, with its metrics."""

    def __init__(self, site: SiteFolder, *command: str) -> None:
        (port,) = free_ports(1)
        self._url = f"http://127.0.0.1:{port}/metrics"
        environment = {**os.environ, "JOURNALGUARD_METRICS_PORT": str(port)}
        self.reported = site.folder / f"{'-'.join(command)}.out"
        with self.reported.open("ab") as out:
            self._process = start(
                [sys.executable, "-P", "-m", "service.cli", *command, "--site", str(site.folder)],
                stdout=out,
                stderr=out,
                env=environment,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def metrics(self) -> dict[tuple[str, str], float]:
        """(name, label) -> value; empty while it does not serve them."""
        with suppress(OSError), urllib.request.urlopen(self._url, timeout=5) as answer:  # noqa: S310
            return {
                (name, label): float(value) for name, label, value in SAMPLE.findall(answer.read().decode())
            }
        return {}

    def total(self, name: str) -> float:
        """Over all labels."""
        return sum(value for (found, _), value in self.metrics().items() if found == name)

    def committed(self) -> dict[int, int]:
        """Partition -> offset up to which it is saved."""
        name = "journalguard_worker_committed_offset"
        return {int(label): int(value) for (found, label), value in self.metrics().items() if found == name}

    def kill(self) -> None:
        end(self._process, signal.SIGKILL)

    def stop(self) -> None:
        end(self._process, signal.SIGTERM)


@contextmanager
def at_most(cores: float, pid: int) -> Iterator[None]:
    """A process kept to so many cores by a control group (of Linux's first version, as root).

    Raises ``OSError`` where there are none or they may not be used.
    """
    group = CPU_GROUPS / f"journalguard-bench-{pid}"
    group.mkdir()
    try:
        period = int((group / "cpu.cfs_period_us").read_text())
        (group / "cpu.cfs_quota_us").write_text(str(int(cores * period)))
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        # A group goes when nobody is in it.
        for each in (group / "cgroup.procs").read_text().split():
            (CPU_GROUPS / "cgroup.procs").write_text(each)
        group.rmdir()


def caught_up(workers: Sequence[Process], ends: Counter[int]) -> bool:
    """Is everything in checkpoints?"""
    committed: Counter[int] = Counter()
    for worker in workers:
        committed |= Counter(worker.committed())
    return all(committed[partition] >= count for partition, count in ends.items())


def wait(done: Callable[[], bool], reported: Callable[[], str], look: float = LOOK) -> None:
    """Until something is so."""
    until = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {PATIENCE:g} s\n{reported()}")
        time.sleep(look)


def cpu_seconds(pid: int) -> float:
    """User and system time so far."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS
