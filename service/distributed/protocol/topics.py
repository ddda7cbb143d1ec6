"""The topics of a site: their names, what each must be like, and whether they are.

Event time is days behind where a log is read late, so topics that forget do so by the time of writing
(``message.timestamp.type=LogAppendTime``), not by a time in the message.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import InvalidReplicationFactorError, TopicAlreadyExistsError

from service.config.settings import SiteFolder
from service.config.tables import KafkaSettings
from service.distributed.protocol.connection import administering, kafka_of
from service.distributed.protocol.errors import TopicError

TABLE = "accounts"  # of the workers; Faust derives its changelog's name
DAY_MS = 86_400_000
ACCESS_DAYS = 7
MOVES_DAYS = 7
IDENTITIES_DAYS = 7  # so an erasure is complete in Kafka after these
KEPT_DAYS = 28  # of alerts, verdicts and what was put aside
COMPACTED_DAYS = 2  # until only the newest record of a key is left, and none of a deleted one
LARGE = 8 << 20  # bytes; sums of a day and what a site knows

# A setting that is as it must be: the same, or at least as much. Others are set when a topic is made.
_SAME = ("cleanup.policy", "retention.ms")
_AT_LEAST = ("max.message.bytes", "min.insync.replicas")


Configs = Mapping[str, str]  # Kafka's names of a topic's settings


class Topics(NamedTuple):
    """Names of a site's topics."""

    access: str  # frames of events, by account
    alerts: str  # alerts as they open and grow, by account
    traces: str  # events kept for analysts, by account
    verdicts: str  # what analysts said, by account
    identities: str  # sealed for the key-holders, by pseudonym
    summaries: str  # what the site knows, and each partition's sums of a day; compacted
    status: str  # how far shippers and partitions are; compacted
    moves: str  # states of accounts that go on under another pseudonym, by the new one
    dead_letters: str  # where messages lie that could not be used


class TopicSpec(NamedTuple):
    """What a topic must be like."""

    name: str
    partitions: int
    replicas: int
    configs: Configs


class ActualTopic(NamedTuple):
    """What a topic is like."""

    partitions: int
    replicas: int  # of the partition that has the fewest
    configs: Configs  # every setting


def topics_of(kafka: KafkaSettings) -> Topics:
    """Names with the site's prefix and the version of what they carry."""
    return Topics(
        *(f"{kafka.prefix}.{'rejected' if name == 'dead_letters' else name}.v1" for name in Topics._fields)
    )


def changelog_of(kafka: KafkaSettings) -> str:
    """Where the workers' states are kept: ``faust.tables.base.Table._changelog_topic_name``."""
    return f"{kafka.group}-{TABLE}-changelog"


def wanted(kafka: KafkaSettings, events_days: int) -> tuple[TopicSpec, ...]:
    """Every topic of a site, the changelog of the workers' table last."""
    names, many = topics_of(kafka), kafka.partitions
    insync = {"min.insync.replicas": "2" if kafka.replicas >= 3 else "1"}
    forgets = {name: insync | _forgetting(KEPT_DAYS) for name in (names.alerts, names.verdicts)}
    forgets[names.traces] = insync | _forgetting(events_days)
    forgets[names.identities] = insync | _forgetting(IDENTITIES_DAYS)
    forgets[names.moves] = insync | _forgetting(MOVES_DAYS) | {"max.message.bytes": str(2 << 20)}
    forgets[names.access] = insync | _forgetting(ACCESS_DAYS) | {"max.message.bytes": str(2 << 20)}
    keyed = [TopicSpec(name, many, kafka.replicas, forgets[name]) for name in names if name in forgets]
    last = insync | _COMPACTED
    return (
        *keyed,
        TopicSpec(names.summaries, 1, kafka.replicas, last),
        TopicSpec(names.status, 1, kafka.replicas, last),
        TopicSpec(names.dead_letters, 1, kafka.replicas, insync | _forgetting(KEPT_DAYS)),
        TopicSpec(changelog_of(kafka), many, kafka.replicas, last),
    )


def check(site: SiteFolder) -> None:
    """Raises ``TopicError`` with every topic that is not as it must be, and the mend; or ``BrokerError``."""
    if complaints := mismatches(site):
        raise TopicError("\n".join(complaints))


def mismatches(site: SiteFolder) -> list[str]:
    """A sentence for everything that is not as it must be. Raises ``BrokerError``."""
    there = found(site)
    kafka = kafka_of(site)
    topics = wanted(kafka, site.settings.retention.events)
    return [sentence for topic in topics for sentence in compare(topic, there.get(topic.name))]


def found(site: SiteFolder) -> dict[str, ActualTopic]:
    """The site's topics as they are; one that is missing is left out. Raises ``BrokerError``."""
    kafka = kafka_of(site)
    names = [topic.name for topic in wanted(kafka, site.settings.retention.events)]
    with administering(kafka, site.folder) as admin:
        return _found(admin, names)


def create(site: SiteFolder) -> list[str]:
    """Make what is missing, set what differs, and tell what was done; a second time it does nothing.

    Partitions and copies of a topic that is there stay: ``check`` tells of them. Raises ``TopicError`` where
    brokers are too few, or ``BrokerError``.
    """
    kafka = kafka_of(site)
    topics = wanted(kafka, site.settings.retention.events)
    with administering(kafka, site.folder) as admin:
        there = _found(admin, [topic.name for topic in topics])
        done = [f"{topic.name}: made" for topic in topics if topic.name not in there and _make(admin, topic)]
        for topic in topics:
            if topic.name in there and (differing := _differing(topic, there[topic.name])):
                changed = {key: topic.configs[key] for key in differing}
                admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, changed)])
                done += [f"{topic.name}: {key} set to {value}" for key, value in changed.items()]
    return done


def identity_of(site: SiteFolder) -> str:
    """What tells the changelog from one that was deleted and made again. Raises ``BrokerError``."""
    kafka = kafka_of(site)
    with administering(kafka, site.folder) as admin:
        return str(admin.describe_topics([changelog_of(kafka)])[0]["topic_id"])


def compare(topic: TopicSpec, found: ActualTopic | None) -> list[str]:
    """What is not as it must be of one topic."""
    make = "`journalguard topics create` makes it"
    if found is None:
        return [f"{topic.name}: is missing; {make}"]
    complaints = []
    if found.partitions != topic.partitions:
        complaints.append(_wrong_partitions(topic, found))
    if found.replicas < topic.replicas:
        complaints.append(
            f"{topic.name}: has {found.replicas} replicas, {topic.replicas} are wanted; add some with "
            f"kafka-reassign-partitions.sh, or set replicas = {found.replicas} in [kafka]"
        )
    for key in _differing(topic, found):
        complaints.append(
            f"{topic.name}: {key} is {found.configs.get(key, 'unknown')}, {topic.configs[key]} is wanted; "
            "`journalguard topics create` sets it"
        )
    return complaints


def _wrong_partitions(topic: TopicSpec, found: ActualTopic) -> str:
    text = f"{topic.name}: has {found.partitions} partitions, {topic.partitions} are wanted; "
    if topic.partitions == 1:
        return text + "delete the topic and run `journalguard topics create`"
    # Accounts belong to partitions by their number: it cannot change while states are kept.
    return text + (
        f"set partitions = {found.partitions} in [kafka], or stop all processes, delete the site's topics "
        "and run `journalguard topics create`, which begins anew without what was learnt"
    )


def _differing(topic: TopicSpec, found: ActualTopic) -> list[str]:
    """Settings that must be set."""
    have = found.configs
    differing = [key for key in _SAME if topic.configs.get(key, have.get(key)) != have.get(key)]
    return differing + [
        key for key in _AT_LEAST if key in topic.configs and int(have.get(key, 0)) < int(topic.configs[key])
    ]


def _found(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, ActualTopic]:
    here = set(admin.list_topics()) & set(names)
    if not here:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(here)]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        topic["name"]: _as_found(topic, configs[topic["name"]])
        for topic in admin.describe_topics(sorted(here))
    }


def _as_found(topic: Mapping[str, Any], configs: Mapping[str, Mapping[str, Any]]) -> ActualTopic:
    partitions = topic["partitions"]
    return ActualTopic(
        len(partitions),
        min(len(partition["replica_nodes"]) for partition in partitions),
        {key: str(config["value"]) for key, config in configs.items()},
    )


def _make(admin: KafkaAdminClient, topic: TopicSpec) -> bool:
    """Whether it was this call that made it."""
    options = {
        "num_partitions": topic.partitions,
        "replication_factor": topic.replicas,
        "configs": dict(topic.configs),
    }
    try:
        admin.create_topics({topic.name: options}, wait_for_metadata=True)
    except TopicAlreadyExistsError:  # another host was faster
        return False
    except InvalidReplicationFactorError:
        raise TopicError(
            f"{topic.name}: {topic.replicas} replicas are wanted, and fewer brokers are up; start them, or "
            "set replicas in [kafka] to as many as there are"
        ) from None
    return True


def _forgetting(days: int) -> dict[str, str]:
    """Kafka forgets whole segments, so a segment must not grow for longer than a day."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(days * DAY_MS),
        "segment.ms": str(DAY_MS),
        "message.timestamp.type": "LogAppendTime",
    }


# Small segments: an open one is not compacted, and a worker that starts reads all that is left.
_COMPACTED = {
    "cleanup.policy": "compact",
    "max.message.bytes": str(LARGE),
    "segment.ms": str(DAY_MS),
    "max.compaction.lag.ms": str(DAY_MS),
    "segment.bytes": str(64 << 20),
    "min.cleanable.dirty.ratio": "0.2",
}
