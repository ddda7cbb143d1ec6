"""A site in several real processes over a real broker, and what one undisturbed process makes of its log."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx2
import msgspec

from pseudonymiser import keys
from pseudonymiser.ingest import Ingest
from service.cli.assembly import build, ingest_settings, site_geo
from service.cli.init import make_site
from service.config.loader import load_site
from service.config.settings import Settings, SiteFolder
from service.config.tables import KafkaSettings
from service.decision.reader_groups import PREFIX, Counts, read_group_history
from service.distributed.protocol.topics import create
from service.records.events import AccessEvent, Alert
from service.runtime.replay import plan, replay
from service.simulator import SimulationSettings, simulate
from tests.services.processes import end, free_ports, start

PARTITIONS = 6
PATIENCE = 240.0  # s until something counts as never
LOG_FORMAT = '%h %l %u %t "%r" %s %b'
COMMANDS = {
    "ship": ("ship",),
    "w1": ("worker", "--name", "w1"),
    "w2": ("worker", "--name", "w2"),
    "pages": ("pages",),
}


class Parts:
    """The processes of a site, each started, killed and started again by its name."""

    def __init__(self, site: SiteFolder) -> None:
        self.site = site
        self.ports = dict(zip(COMMANDS, free_ports(len(COMMANDS)), strict=True))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """All of them where none is named."""
        for name in names or COMMANDS:
            port = str(self.ports[name])
            command = [sys.executable, "-P", "-m", "service.cli", *COMMANDS[name]]
            with (self.site.folder / f"{name}.out").open("ab") as out:
                self._processes[name] = start(
                    [*command, "--site", str(self.site.folder)],
                    stdout=out,
                    stderr=out,
                    env=os.environ | {"JOURNALGUARD_METRICS_PORT": port, "JOURNALGUARD_PORT": port},
                )

    def kill(self, name: str) -> None:
        end(self._processes.pop(name), signal.SIGKILL)

    def stop(self) -> None:
        """All that run, each with its last checkpoint."""
        for process in self._processes.values():
            end(process, signal.SIGTERM)
        self._processes.clear()

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """One that runs."""
        return self._processes[name]

    def living(self) -> set[str]:
        """Names of those that run."""
        return {name for name, process in self._processes.items() if process.poll() is None}

    def metric(self, name: str, line: str) -> float:
        """The value of a line of a part's ``/metrics``."""
        return metric(self.ports[name], line)

    def reported(self) -> str:
        """The end of what every process wrote, for a failed test."""
        outs = sorted(self.site.folder.glob("*.out"))
        return "\n".join(f"== {out.name}\n{out.read_text()[-1500:]}" for out in outs)


def metric(port: int, line: str) -> float:
    """The value of a line of ``/metrics`` on a port; 0 where nothing of that kind was counted."""
    text = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    return next((float(found.split()[-1]) for found in text.splitlines() if found.startswith(f"{line} ")), 0)


def world_of(folder: Path, *logs: Path, seed: int, accounts: int, days: int) -> Settings:
    """A simulated library in ``folder``, and settings of a site that follows ``logs``, or its whole log."""
    simulate(SimulationSettings(seed=seed, accounts=accounts, days=days, thefts_per_day=1.5), folder)
    return settings_of(folder, *(logs or (folder / "access.log",)))


def settings_of(world: Path, *logs: Path, **more: object) -> Settings:
    """Settings of a site that follows logs of a simulated library."""
    settings = Settings(
        log_format=LOG_FORMAT,
        timezone="Europe/London",
        logs=tuple(map(str, logs)),
        geo_city=str(world / "city.mmdb"),
        geo_asn=str(world / "asn.mmdb"),
    )
    changed: Settings = msgspec.structs.replace(settings, **more)
    return changed


def site_over(
    folder: Path,
    servers: list[str],
    prefix: str,
    settings: Settings,
    *,
    replicas: int = 1,
    database: str = "",
) -> SiteFolder:
    """A site with keys and topics; its pages keep SQLite in the folder, or ``database``, a URL."""
    kafka = KafkaSettings(
        servers=tuple(servers), prefix=prefix, group=prefix, partitions=PARTITIONS, replicas=replicas
    )
    # SQLAlchemy's name of the driver is no business of site.toml.
    url = database.replace("+psycopg", "")
    make_site(folder, msgspec.structs.replace(settings, kafka=kafka, database_url=url))
    site = load_site(folder, {})
    create(site)
    return site


class Outcome(NamedTuple):
    """What a log comes to."""

    alerts: dict[str, Alert]  # by id, in their last form
    states: dict[str, bytes]  # by account
    events: int  # of accounts
    groups: dict[int, Counts]  # of readers, by day


def undisturbed(site: SiteFolder, log: Path) -> Outcome:
    """What one process makes of the log."""
    runner, _, clock = build(site, site_geo(site))
    states: dict[str, bytes] = {}
    days: dict[str, bytes] = {}
    drain = runner.drain

    def noted() -> object:
        changes = drain()
        for account in changes.gone:
            states.pop(account, None)
        states.update(changes.accounts)
        days.update((name, blob) for name, blob in changes.shared.items() if name.startswith(PREFIX))
        return changes

    runner.drain = noted  # type: ignore[method-assign,assignment]  # states are let go by a replay
    alerts = replay(plan([log], clock), runner, clock, lambda _: None)
    counted = runner.counters
    events = counted["events_total"] - counted["events_without_account_total"]
    return Outcome({alert.alert_id: alert for alert in alerts}, states, events, read_group_history(days))


def fed(site: SiteFolder, lines: Sequence[bytes]) -> dict[int, AccessEvent]:
    """What `Ingest.feed` gives: number of the event, without those that have no account."""
    room = Ingest(ingest_settings(site.settings), keys.load(site.keys), site_geo(site))
    outcomes = room.feed(lines, source="")
    accepted = [outcome for outcome in outcomes if isinstance(outcome, AccessEvent)]
    return {number: event for number, event in enumerate(accepted) if event.account}


def lines_shipped(site: SiteFolder) -> int:
    """Lines that the shipper's checkpoint has."""
    try:
        place = msgspec.msgpack.decode((site.folder / "ship.checkpoint").read_bytes())
    except FileNotFoundError:
        return 0
    return int(place["counters"].get("lines_total", 0))


def place_of(site: SiteFolder) -> str:
    """What the shipper's checkpoint says, without states, and the logs there are."""
    place = msgspec.msgpack.decode((site.folder / "ship.checkpoint").read_bytes())
    logs = [
        f"{path.name} {path.stat().st_size}" for path in sorted(Path(site.settings.logs[0]).parent.iterdir())
    ]
    return f"{place['serial']} {place['counters']} {place['positions']} {logs}"


def wait(done: Callable[[], bool], reported: Callable[[], str]) -> float:
    """Until something is so; how long that took, s."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < PATIENCE, f"not within {PATIENCE:g} s\n{reported()}"
        time.sleep(0.3)
    return time.monotonic() - began
