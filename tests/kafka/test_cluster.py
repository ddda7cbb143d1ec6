"""Three brokers: without one nothing stops; without two the shipper waits and loses nothing."""

from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from tests.kafka.end_to_end import (
    COMMANDS,
    Parts,
    lines_shipped,
    site_over,
    undisturbed,
    wait,
    world_of,
)
from tests.kafka.topic_watch import TopicWatch
from tests.services.kafka import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def all_in_step(cluster: Cluster) -> bool:
    """Whether every copy of every topic, also of Kafka's own, has what its leader has."""
    admin = KafkaAdminClient(bootstrap_servers=cluster.servers)
    topics = admin.describe_topics(admin.list_topics())
    admin.close()
    return all(
        len(partition["isr_nodes"]) == len(partition["replica_nodes"]) == 3
        for topic in topics
        for partition in topic["partitions"]
    )


@pytest.mark.timeout(900)
def test_one_killed_nothing_stops_two_killed_the_shipper_waits(
    tmp_path: Path, cluster: Cluster, prefix: str
) -> None:
    log = tmp_path / "logs/access.log"
    log.parent.mkdir()
    settings = world_of(tmp_path / "world", log, seed=9, accounts=150, days=5)
    site = site_over(tmp_path / "site", cluster.servers, prefix, settings, replicas=3)
    whole = tmp_path / "world/access.log"
    wanted = undisturbed(site, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    parts, watch = Parts(site), TopicWatch(site)
    written = 0

    def write(share: float) -> int:
        """So much more of the log; its bytes."""
        nonlocal written
        piece = lines[written : int(share * len(lines))]
        written += len(piece)
        with log.open("ab") as file:
            return file.write(b"".join(piece))

    def reported() -> str:
        return f"{parts.reported()}\n{watch.reported()}"

    write(0.2)
    parts.start()
    try:
        wait(lambda: watch.settled(written), reported)
        cluster.kill(0)
        for share in (0.4, 0.6):
            write(share)
            wait(lambda: watch.settled(written), reported)  # shipped, scored and shown meanwhile
        cluster.restart(0)
        wait(lambda: all_in_step(cluster), reported)

        cluster.kill(1)
        cluster.kill(2)
        shipped = lines_shipped(site)
        added = write(0.8)
        wait(lambda: "broker-waits" in (site.folder / "ship.out").read_text(), parts.reported)
        assert parts.metric("ship", "journalguard_shipper_lag_bytes") == added
        assert lines_shipped(site) == shipped
        cluster.restart(1)
        write(1.0)
        wait(lambda: watch.settled(written), reported)
        assert parts.living() == set(COMMANDS)
        watch.prove(wanted)
    finally:
        parts.stop()
