"""Kills, pauses and rotations at random moments, and the proof that nothing came of it.

``python -m tests.kafka.faults --kills 100 --seed 7`` is the long run behind ``make soak``.
"""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from service.settings import Settings
from service.simulator import SimulationSettings, simulate
from tests.beds.growing import Writer
from tests.beds.kafka import Cluster
from tests.kafka.whole import (
    LOG_FORMAT,
    Parts,
    Watch,
    as_json,
    place_of,
    settled,
    site_over,
    undisturbed,
    wait,
)

VICTIMS = ("ship", "w1", "w2", "broker", "pause")
LINES_A_KILL = 1_500


def ordeal(
    folder: Path, broker: Cluster, prefix: str, kills: int, seed: int, say: Callable[[str], None]
) -> None:
    """Raises ``AssertionError`` where anything was lost, doubled or changed."""
    rng = random.Random(seed)
    world, logs = folder / "world", folder / "logs"
    logs.mkdir()
    days = max(8, 2 + kills * LINES_A_KILL // 1_900)
    simulate(SimulationSettings(seed=seed, accounts=300, days=days, thefts_per_day=1.5), world)
    whole = world / "access.log"
    settings = Settings(
        log_format=LOG_FORMAT,
        timezone="Europe/London",
        logs=(str(logs / "access.log"),),
        geo_city=str(world / "city.mmdb"),
        geo_asn=str(world / "asn.mmdb"),
    )
    site = site_over(folder / "site", broker.servers, prefix, settings)
    alerts, states = undisturbed(site, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    writer = Writer(logs / "access.log", lines, rng, most=60, rotating=0.01)
    (logs / "access.log").touch()
    parts, watch = Parts(site), Watch(site)
    parts.start("ship", "w1", "w2")
    try:
        # A log that was rotated away before the shipper's first look is not its own.
        wait((site.folder / "ship.checkpoint").exists, 60, parts.told)
        writer.start()
        for number in range(kills):
            writer.allowed = len(lines) * (number + 1) // (kills + 1)
            time.sleep(rng.uniform(0.5, 6.0))
            victim = rng.choice(VICTIMS)
            say(f"{number + 1}/{kills}: {victim}")
            strike(victim, broker, parts, rng)
        writer.allowed = len(lines)
        writer.join()
        wait(
            settled(watch, site, len(lines)), 120, lambda: f"{parts.told()}\n{watch.told()}\n{place_of(site)}"
        )
    finally:
        parts.stop()
    found, ledgers = watch.states()
    say(f"{writer.rotations} rotations, {len(alerts)} alerts, {len(states)} accounts")
    named = sum(ledger.counters.get("events_absorbed_total", 0) for ledger in ledgers)
    assert watch.lag()[1] == 0
    assert named == sum(1 for line in lines if line.split()[2] != b"-")
    assert found == states
    assert as_json(watch.alerts()) == as_json(alerts)


def strike(victim: str, broker: Cluster, parts: Parts, rng: random.Random) -> None:
    """One fault, and its end."""
    if victim == "pause":
        broker.pause()
        time.sleep(rng.uniform(1.0, 14.0))  # sometimes longer than a worker may be silent
        broker.resume()
    elif victim == "broker":
        broker.kill()
        time.sleep(rng.uniform(0.0, 3.0))
        broker.restart()
    else:
        parts.kill(victim)
        time.sleep(rng.choice((0.0, 0.5, 13.0)))  # back at once, or after its partitions went elsewhere
        parts.start(victim)


@click.command()
@click.option("--kills", default=100, show_default=True)
@click.option("--seed", default=7, show_default=True)
def main(kills: int, seed: int) -> None:
    """Faults on real processes, for as long as it takes."""
    with tempfile.TemporaryDirectory(prefix="journalguard-soak-") as folder:
        broker = Cluster(Path(folder) / "kafka", 1)
        broker.start()
        try:
            ordeal(Path(folder), broker, "soak", kills, seed, click.echo)
        finally:
            broker.stop()
    click.echo("nothing lost, nothing doubled, states equal")


if __name__ == "__main__":
    main()
