"""A site in several real processes over a real broker, and what came out of it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from kafka import KafkaConsumer, TopicPartition

from pseudonymiser.geo import open_geo
from service.cli.assembly import build
from service.cli.site import make_site
from service.distributed import wire
from service.distributed.lane import Ledger
from service.distributed.topics import changelog_of, create, topics_of
from service.distributed.wire import AlertRecord
from service.events import Alert
from service.replay import plan, replay
from service.settings import KafkaSettings, Settings, Site, load_site
from tests.beds.processes import end, start

PARTITIONS = 6
LOG_FORMAT = '%h %l %u %t "%r" %s %b'
LAST_DAY = 5.0  # s without news after which nothing more is expected


class Parts:
    """The processes of a site, each started, killed and started again by its name."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._commands = {
            "ship": ["ship"],
            "w1": ["worker", "--name", "w1"],
            "w2": ["worker", "--name", "w2"],
        }

    def start(self, *names: str) -> None:
        for name in names:
            with (self.site.folder / f"{name}.out").open("ab") as out:
                command = [sys.executable, "-P", "-m", "service.cli", *self._commands[name]]
                self._processes[name] = start(
                    [*command, "--site", str(self.site.folder)], stdout=out, stderr=out
                )

    def kill(self, name: str) -> None:
        end(self._processes.pop(name), signal.SIGKILL)

    def stop(self) -> None:
        for process in self._processes.values():
            end(process, signal.SIGTERM)
        self._processes.clear()

    def told(self) -> str:
        """The end of what every process wrote, for a failed test."""
        outs = sorted(self.site.folder.glob("*.out"))
        return "\n".join(f"== {out.name}\n{out.read_text()[-1500:]}" for out in outs)


def site_over(folder: Path, servers: list[str], prefix: str, settings: Settings, replicas: int = 1) -> Site:
    """A site with keys and topics."""
    kafka = KafkaSettings(
        servers=tuple(servers), prefix=prefix, group=prefix, partitions=PARTITIONS, replicas=replicas
    )
    make_site(folder, msgspec.structs.replace(settings, kafka=kafka))
    site = load_site(folder, {})
    create(site)
    return site


def undisturbed(site: Site, log: Path) -> tuple[dict[str, Alert], dict[str, bytes]]:
    """What one process makes of the log: alerts and states."""
    geo = open_geo(site.path(site.settings.geo_city), site.path(site.settings.geo_asn), campus=())
    runner, _, clock = build(site, geo)
    states: dict[str, bytes] = {}
    drain = runner.drain

    def noted() -> object:
        changes = drain()
        states.update(changes.accounts)
        return changes

    runner.drain = noted  # type: ignore[method-assign,assignment]  # states are let go by a replay
    alerts = replay(plan([log], clock), runner, clock, lambda _: None)
    return {alert.alert_id: alert for alert in alerts}, states


class Watch:
    """Reads what the site says, as its readers do."""

    def __init__(self, site: Site) -> None:
        assert site.settings.kafka is not None
        self._kafka = site.settings.kafka
        self._topics = topics_of(self._kafka)

    def alerts(self) -> dict[str, Alert]:
        """In their last form."""
        values = self._values(self._topics.alerts)
        return {
            alert.alert_id: alert for _, value in values for alert in [wire.decode(value, AlertRecord).alert]
        }

    def states(self) -> tuple[dict[str, bytes], list[Ledger]]:
        """What the workers' table holds: states by account, and the partitions' ledgers."""
        table = dict(self._values(changelog_of(self._kafka)))
        ledgers = [
            msgspec.msgpack.decode(value, type=Ledger)
            for key, value in table.items()
            if key.startswith(b"/ledger")
        ]
        return {key.decode(): value for key, value in table.items() if key[:1] != b"/"}, ledgers

    def told(self) -> str:
        """Where everything is, for a failed test."""
        _, ledgers = self.states()
        rows = [(at.offset, at.day, at.closing and at.closing.next_day, dict(at.counters)) for at in ledgers]
        return "\n".join([f"messages, lag: {self.lag()}", *map(str, rows)])

    def _values(self, topic: str) -> list[tuple[bytes, bytes]]:
        """Every committed record that is there."""
        consumer = self._consumer(isolation_level="read_committed")
        parts = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        found = []
        while batch := consumer.poll(timeout_ms=1500):
            found += [(r.key, r.value) for records in batch.values() for r in records if r.value is not None]
        consumer.close()
        return found

    def lag(self) -> tuple[int, int]:
        """Messages of the access topic, and how many of them no checkpoint includes."""
        consumer = self._consumer(group_id=self._kafka.group)
        parts = [TopicPartition(self._topics.access, p) for p in range(self._kafka.partitions)]
        ends = consumer.end_offsets(parts)
        committed = {tp: consumer.committed(tp) or 0 for tp in parts}
        consumer.close()
        return sum(ends.values()), sum(ends[tp] - committed[tp] for tp in parts)

    def _consumer(self, **options: object) -> KafkaConsumer:
        return KafkaConsumer(bootstrap_servers=list(self._kafka.servers), enable_auto_commit=False, **options)


def shipped_all(site: Site, lines: int) -> bool:
    """Has the shipper's checkpoint all lines?"""
    try:
        place = msgspec.msgpack.decode((site.folder / "ship.checkpoint").read_bytes())
    except FileNotFoundError:
        return False
    return bool(place["counters"].get("lines_total", 0) >= lines)


def place_of(site: Site) -> str:
    """What the shipper's checkpoint says, without states, and the logs there are."""
    place = msgspec.msgpack.decode((site.folder / "ship.checkpoint").read_bytes())
    logs = [
        f"{path.name} {path.stat().st_size}" for path in sorted(Path(site.settings.logs[0]).parent.iterdir())
    ]
    return f"{place['serial']} {place['counters']} {place['positions']} {logs}"


def wait(done: Callable[[], bool], seconds: float, told: Callable[[], str]) -> None:
    """Until something is so."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, f"not within {seconds:g} s\n{told()}"
        time.sleep(0.5)


def settled(watch: Watch, site: Site, lines: int) -> Callable[[], bool]:
    """All lines are shipped and all messages are in checkpoints."""

    def done() -> bool:
        if not shipped_all(site, lines):
            return False
        sent, lag = watch.lag()
        return sent > 0 and lag == 0

    return done


def as_json(alerts: dict[str, Alert]) -> dict[str, object]:
    """Comparable, readable in a failed test."""
    return {alert_id: json.loads(msgspec.json.encode(alert)) for alert_id, alert in alerts.items()}
