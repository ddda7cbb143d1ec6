"""The shipper's process and a real broker: lines arrive as the ingest room gives them, whatever happens."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from pseudonymiser import holders
from pseudonymiser.holder_key import HolderKey, OpenedIdentity
from service.config.settings import SiteFolder
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.topics import topics_of
from service.distributed.protocol.wire import IdentityRecord, StatusRecord, decode
from service.records.identities import Mode
from service.simulator import SimulationSettings, simulate
from tests.e2e.sites import call
from tests.kafka.arrivals import Arrived, arrived, raw
from tests.kafka.end_to_end import PATIENCE, fed, lines_shipped, metric, settings_of, site_over, wait
from tests.kafka.outage import outage
from tests.service.cli.test_cli import served
from tests.services.growing import Writer
from tests.services.kafka import Cluster
from tests.services.processes import end, free_ports, start

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]


class Ship:
    """``journalguard ship`` of a site, started and killed."""

    def __init__(self, site: SiteFolder, *arguments: str) -> None:
        self.out = site.folder / "ship.out"
        self._command = [sys.executable, "-P", "-m", "service.cli", "ship", *arguments]
        self._command += ["--site", str(site.folder)]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **options: object) -> subprocess.Popen[bytes]:
        with self.out.open("ab") as out:
            self.process = start(self._command, stdout=out, stderr=out, **options)
        return self.process

    def kill(self) -> None:
        if self.process is not None:
            end(self.process, signal.SIGKILL)

    def stop(self) -> int:
        """The exit code after SIGTERM."""
        assert self.process is not None
        end(self.process, signal.SIGTERM)
        return self.process.returncode

    def reported(self) -> str:
        return self.out.read_text()[-3000:]

    def ended(self) -> int:
        """The exit code, once its input is at its end."""
        assert self.process is not None
        code = self.process.wait(PATIENCE)
        end(self.process, signal.SIGTERM)
        return code


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some days of a small library."""
    folder = tmp_path_factory.mktemp("world")
    simulate(SimulationSettings(seed=3, accounts=120, days=6), folder)
    return folder


def lines_of(world: Path) -> list[bytes]:
    return (world / "access.log").read_bytes().splitlines()


def all_sent(site: SiteFolder, lines: int) -> Callable[[], bool]:
    return lambda: lines_shipped(site) >= lines


def test_a_log_arrives_as_the_ingest_room_gives_it(
    tmp_path: Path, world: Path, broker: Cluster, prefix: str
) -> None:
    site = site_over(tmp_path / "site", broker.servers, prefix, settings_of(world, world / "access.log"))
    lines = lines_of(world)
    ship = Ship(site)
    ship.start()
    wait(all_sent(site, len(lines)), ship.reported)
    second = call("ship", "--site", site.folder)
    assert (second.exit_code, "is at work here; let it finish or end it first" in second.stderr) == (1, True)
    assert ship.stop() == 0
    assert arrived(site) == Arrived(fed(site, lines), 0)
    *_, (_, key, value) = raw(site, topics_of(kafka_of(site)).status)
    status = decode(value, StatusRecord)
    assert (key, status.process) == (b"shipper/0", "shipper/0")
    assert status.counters["lines_total"] == len(lines)


def test_who_each_account_is_goes_beside_its_events_sealed(
    tmp_path: Path, world: Path, broker: Cluster, prefix: str
) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"".join((world / "access.log").read_bytes().splitlines(keepends=True)[:2_000]))
    site = site_over(tmp_path / "site", broker.servers, prefix, settings_of(world, log))
    key = HolderKey(bytes([7]) * 32, "desk-1")
    holders.add_holder(site.keyholders, key.holder, Mode.ONE)
    ship = Ship(site)
    ship.start()
    wait(all_sent(site, 2_000), ship.reported)
    ship.stop()
    messages = raw(site, topics_of(kafka_of(site)).identities)
    records = [decode(value, IdentityRecord).identity for _, _, value in messages]
    accounts = {event.account for event in arrived(site).events.values()}
    assert {record.pseudonym for record in records} == accounts
    names = {opened.user for record in records if isinstance(opened := key.open(record), OpenedIdentity)}
    assert len(names) == len(accounts)
    assert all(name.encode() not in value for name in names for _, _, value in messages)


def test_kills_and_rotations_lose_nothing(tmp_path: Path, world: Path, broker: Cluster, prefix: str) -> None:
    rng = random.Random(11)
    log = tmp_path / "logs/access.log"
    log.parent.mkdir()
    log.touch()
    site = site_over(tmp_path / "site", broker.servers, prefix, settings_of(world, log))
    lines = (world / "access.log").read_bytes().splitlines(keepends=True)
    writer = Writer(log, lines, rng, most=30, rotating=0.1)
    ship = Ship(site)
    ship.start()
    wait((site.folder / "ship.checkpoint").exists, ship.reported)
    writer.start()
    for number in range(8):
        writer.allowed = len(lines) * (number + 1) // 9
        time.sleep(rng.uniform(0.0, 2.0))  # sometimes before it has begun
        ship.kill()
        ship.start()
    writer.allowed = len(lines)
    writer.join()
    wait(all_sent(site, len(lines)), ship.reported)
    ship.stop()
    assert writer.rotations >= 3
    assert arrived(site).events == fed(site, [line.rstrip(b"\n") for line in lines])


def write_side_by_side(writers: list[Writer], until: int) -> None:
    """Days pass in a second here: a log that a busy machine lets fall behind would be days too late."""
    for allowed in [*range(writers[0].allowed + 50, until, 50), until]:
        for writer in writers:
            writer.allowed = allowed
        while any(writer.written < allowed for writer in writers):
            time.sleep(0.002)


def test_two_logs_and_kills_give_no_number_twice(
    tmp_path: Path, world: Path, broker: Cluster, prefix: str
) -> None:
    """Which log is read first depends on the moment; what a number stands for does not."""
    rng = random.Random(12)
    logs = [tmp_path / name / "access.log" for name in ("one", "two")]
    whole = (world / "access.log").read_bytes().splitlines(keepends=True)[:4_000]
    each = len(whole) // 2
    writers = []
    for at, log in enumerate(logs):
        log.parent.mkdir()
        log.touch()
        writers.append(Writer(log, whole[at::2], rng, most=30, rotating=0.0))
    site = site_over(tmp_path / "site", broker.servers, prefix, settings_of(world, *logs))
    ship = Ship(site)
    ship.start()
    wait((site.folder / "ship.checkpoint").exists, ship.reported)
    for writer in writers:
        writer.start()
    for number in range(2):
        write_side_by_side(writers, each * (number + 1) // 3)
        time.sleep(rng.uniform(1.2, 2.0))
        ship.kill()
        ship.start()
    write_side_by_side(writers, each)
    wait(all_sent(site, len(whole)), ship.reported)
    ship.stop()
    found = sorted(map(msgspec.json.encode, arrived(site).events.values()))
    assert found == sorted(
        map(msgspec.json.encode, fed(site, [line.rstrip(b"\n") for line in whole]).values())
    )


def test_while_the_broker_is_away_the_log_is_the_buffer(
    tmp_path: Path, own_broker: Cluster, prefix: str
) -> None:
    outage(tmp_path, own_broker, prefix, 8.0, 5_000, print)


def test_a_broker_that_is_away_at_the_start_is_waited_for(
    tmp_path: Path, world: Path, own_broker: Cluster, prefix: str
) -> None:
    (port,) = free_ports(1)
    log = tmp_path / "access.log"
    lines = lines_of(world)[:300]
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    site = site_over(
        tmp_path / "site", own_broker.servers, prefix, settings_of(world, log, metrics_port=port)
    )
    own_broker.pause()
    ship = Ship(site)
    ship.start()
    wait(lambda: served(f"http://127.0.0.1:{port}/metrics"), ship.reported)
    assert metric(port, "journalguard_shipper_lag_bytes") == log.stat().st_size
    own_broker.resume()
    wait(all_sent(site, len(lines)), ship.reported)
    ship.stop()
    assert arrived(site) == Arrived(fed(site, lines), 0)


def test_standard_input(tmp_path: Path, world: Path, broker: Cluster, prefix: str) -> None:
    """As rsyslog's omprog does it, a pipe; in odd pieces, and the process is killed on the way."""
    site = site_over(tmp_path / "site", broker.servers, prefix, settings_of(world))
    rng = random.Random(5)
    lines = lines_of(world)
    half = len(lines) // 2
    ship = Ship(site, "-")
    process = ship.start(stdin=subprocess.PIPE)
    write_in_pieces(process, lines[:half], rng)
    wait(lambda: spool_bytes(site) >= sum(len(line) + 1 for line in lines[:half]), ship.reported)
    ship.kill()
    process = ship.start(stdin=subprocess.PIPE)
    write_in_pieces(process, lines[half:], rng)
    assert process.stdin
    process.stdin.close()
    assert ship.ended() == 0, ship.reported()
    assert arrived(site).events == fed(site, lines)
    assert spool_bytes(site) <= 1 << 20, "what Kafka has is deleted"


def write_in_pieces(process: subprocess.Popen[bytes], lines: Sequence[bytes], rng: random.Random) -> None:
    assert process.stdin
    data = b"".join(line + b"\n" for line in lines)
    at = 0
    while at < len(data):
        size = rng.randint(1, 50_000)
        process.stdin.write(data[at : at + size])
        process.stdin.flush()
        at += size


def spool_bytes(site: SiteFolder) -> int:
    return sum(path.stat().st_size for path in (site.folder / "spool").glob("stdin.log*"))


def test_a_topic_of_raw_lines(tmp_path: Path, world: Path, broker: Cluster, prefix: str) -> None:
    """Half of the messages as rsyslog sends them, half as Filebeat does; the process is killed on the way."""
    site = site_over(tmp_path / "site", broker.servers, prefix, settings_of(world))
    topic, lines = f"{prefix}.raw", lines_of(world)
    admin = KafkaAdminClient(bootstrap_servers=broker.servers)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    producer = KafkaProducer(bootstrap_servers=broker.servers, acks="all", linger_ms=5)
    ship = Ship(site, "--from-topic", topic)
    for number, line in enumerate(lines):
        if number == len(lines) // 2:
            producer.flush()
            ship.start()
            wait(all_sent(site, 1), ship.reported)
            ship.kill()
            ship.start()
        beat = {"@timestamp": "2026-11-24T10:00:00Z", "message": line.decode(), "agent": {"type": "filebeat"}}
        producer.send(topic, msgspec.json.encode(beat) if number % 2 else line)
    producer.close()
    wait(all_sent(site, len(lines)), ship.reported)
    assert ship.stop() == 0
    assert arrived(site).events == fed(site, lines)


def test_a_raw_topic_that_cannot_be(tmp_path: Path, world: Path, broker: Cluster, prefix: str) -> None:
    site = site_over(tmp_path / "site", broker.servers, prefix, settings_of(world))
    own = call("ship", "--from-topic", f"{prefix}.status.v1", "--site", site.folder)
    assert (own.exit_code, "not of raw lines" in own.stderr) == (2, True)
    both = call("ship", "-", "--from-topic", "raw", "--site", site.folder)
    assert (both.exit_code, "not both" in both.stderr) == (2, True)
    none = call("ship", "--site", site.folder)
    assert (none.exit_code, "site.toml: names no logs" in none.stderr) == (1, True)
    ship = Ship(site, "--from-topic", f"{prefix}.nothing")
    ship.start()
    assert ship.ended() == 1
    assert "there is no such topic" in ship.reported()
