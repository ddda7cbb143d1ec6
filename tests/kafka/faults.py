"""Kills, pauses and rotations at random moments, and the proof that nothing came of it.

``python -m tests.kafka.faults --kills 100 --seed 7`` is the long run behind ``make soak``.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from tests.kafka.end_to_end import Parts, place_of, site_over, undisturbed, wait, world_of
from tests.kafka.topic_watch import TopicWatch
from tests.services.growing import Writer
from tests.services.kafka import Cluster
from tests.services.postgres import Postgres

VICTIMS = ("ship", "w1", "w2", "pages", "broker", "pause")
LINES_A_KILL = 1_500


def ordeal(
    folder: Path,
    broker: Cluster,
    prefix: str,
    database: str,
    kills: int,
    seed: int,
    say: Callable[[str], None],
) -> None:
    """Raises ``AssertionError`` where anything was lost, doubled or changed, or a lag stayed."""
    rng = random.Random(seed)
    log = folder / "logs/access.log"
    log.parent.mkdir()
    days = max(8, 2 + kills * LINES_A_KILL // 1_900)
    settings = world_of(folder / "world", log, seed=seed, accounts=300, days=days)
    site = site_over(folder / "site", broker.servers, prefix, settings, database=database)
    whole = folder / "world/access.log"
    wanted = undisturbed(site, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    # A generator of its own, else which victim comes next would depend on how fast lines are written.
    writer = Writer(log, lines, random.Random(seed + 1), most=4, rotating=0.003)
    log.touch()
    parts, watch = Parts(site), TopicWatch(site)

    def reported() -> str:
        return f"{parts.reported()}\n{watch.reported()}\n{place_of(site)}"

    def settled() -> bool:
        return writer.written == writer.allowed and watch.settled(writer.written)

    parts.start()
    try:
        # A log that was rotated away before the shipper's first look is not its own.
        wait((site.folder / "ship.checkpoint").exists, parts.reported)
        writer.start()
        done = 0
        for burst in bursts(kills, rng):
            writer.allowed = len(lines) * (done + len(burst)) // kills
            for victim in burst:
                time.sleep(rng.uniform(0.5, 4.0))
                strike(victim, broker, parts, rng)
            done += len(burst)
            seconds = wait(settled, reported)
            say(f"{done}/{kills} {' '.join(burst)}: all lags are 0 after {seconds:.1f} s")
        assert parts.living() == {"ship", "w1", "w2", "pages"}
    finally:
        parts.stop()
    say(f"{writer.rotations} rotations, {len(wanted.alerts)} alerts, {len(wanted.states)} accounts")
    watch.prove(wanted)


def bursts(kills: int, rng: random.Random) -> Iterator[list[str]]:
    """Victims in random order, each as often as any other; now and then two before the first is mended."""
    victims: list[str] = []
    while len(victims) < kills:
        victims += rng.sample(VICTIMS, len(VICTIMS))
    left = victims[:kills]
    while left:
        size = rng.choice((1, 1, 2))
        yield left[:size]
        left = left[size:]


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
    postgres = Postgres()
    with tempfile.TemporaryDirectory(prefix="journalguard-soak-") as folder:
        broker = Cluster(Path(folder) / "kafka", 1)
        try:
            broker.start()
            postgres.start()
            with postgres.database() as database:
                ordeal(Path(folder), broker, "soak", database, kills, seed, click.echo)
        finally:
            broker.stop()
            postgres.stop()
    click.echo("nothing lost, nothing doubled, states equal, alerts in the database equal")


if __name__ == "__main__":
    main()
