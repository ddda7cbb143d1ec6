"""``topics``: makes what a site needs in Kafka, or tells what is not as it must be."""

from pathlib import Path

import click

from service.cli.options import read_site, site_option
from service.config.settings import SiteFolder
from service.distributed.protocol import topics as kafka_topics
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.topics import DAY_MS, ActualTopic, TopicSpec

_HEAD = ("topic", "partitions", "replicas", "kept", "largest message", "")


@click.command()
@click.argument("action", type=click.Choice(["create", "check"]))
@site_option
def topics(action: str, folder: Path) -> None:
    """Make the site's topics in Kafka, or check that they are as they must be.

    `create` makes what is missing and sets what differs; what cannot be changed in place it only tells, as
    `check` does. The exit code is 1 while anything is not as it must be.

    \b
    Example:
      journalguard topics create --site /srv/journalguard
      journalguard topics check --site /srv/journalguard
    """
    site = read_site(folder)
    if action == "create":
        for sentence in kafka_topics.create(site):
            click.echo(sentence)
    click.echo(_table(site, kafka_topics.found(site)))
    kafka_topics.check(site)


def _table(site: SiteFolder, there: dict[str, ActualTopic]) -> str:
    """What is there; where it is not what is wanted, both."""
    wanted = kafka_topics.wanted(kafka_of(site), site.settings.retention.events)
    rows = [_HEAD, *(_row(topic, there.get(topic.name)) for topic in wanted)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _row(topic: TopicSpec, found: ActualTopic | None) -> tuple[str, ...]:
    pairs = (
        (topic.partitions, found and found.partitions),
        (topic.replicas, found and found.replicas),
        (_kept(topic.configs), found and _kept(found.configs)),
        (topic.configs.get("max.message.bytes", ""), found and found.configs.get("max.message.bytes")),
    )
    if found is None:
        return topic.name, *(str(want) for want, _ in pairs), "missing"
    state = "" if kafka_topics.compare(topic, found) else "as wanted"
    return topic.name, *(_both(want, have) for want, have in pairs), state


def _both(want: object, have: object) -> str:
    return str(have) if want in {have, ""} else f"{have}, wanted {want}"


def _kept(configs: kafka_topics.Configs) -> str:
    policy = configs.get("cleanup.policy", "")
    kept = int(configs.get("retention.ms", 0))
    return f"{kept / DAY_MS:g} days" if policy == "delete" else f"newest by key ({policy})"
