"""`journalguard topics` against a real broker, also with TLS and SASL/SCRAM."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faust
import msgspec
import pytest
from click.testing import CliRunner, Result
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from service.cli import main
from service.config.settings import SETTINGS_FILE, Settings, SiteFolder
from service.config.tables import KafkaSettings, RetentionSettings
from service.config.template import render
from service.distributed.protocol import topics
from service.distributed.protocol.connection import administering, client_options, faust_options, kafka_of
from service.distributed.protocol.errors import BrokerError, NotConfiguredError, TopicError
from tests.services.kafka import Cluster

pytestmark = pytest.mark.kafka
KEYED = ("access", "alerts", "traces", "verdicts", "identities", "moves")
SINGLE = ("summaries", "status", "rejected")
MANY = len(KEYED) + len(SINGLE) + 1  # and the changelog


@pytest.fixture
def site(broker: Cluster, prefix: str, tmp_path: Path) -> SiteFolder:
    kafka = KafkaSettings(
        servers=tuple(broker.servers), prefix=prefix, group=f"{prefix}-workers", partitions=3, replicas=1
    )
    settings = Settings(log_format="%h", timezone="UTC", retention=RetentionSettings(events=14), kafka=kafka)
    (tmp_path / SETTINGS_FILE).write_text(render(settings))
    return SiteFolder(tmp_path, settings)


def _call(action: str, site: SiteFolder) -> Result:
    return CliRunner().invoke(main, ["topics", action, "--site", str(site.folder)])


def _complaints(site: SiteFolder) -> list[str]:
    with pytest.raises(TopicError) as caught:
        topics.check(site)
    return str(caught.value).splitlines()


def _admin(site: SiteFolder) -> KafkaAdminClient:
    return KafkaAdminClient(**client_options(kafka_of(site), site.folder))


def test_every_topic_is_made_as_it_must_be(site: SiteFolder, prefix: str) -> None:
    assert [line.partition(": ")[2] for line in _complaints(site)] == [
        "is missing; `journalguard topics create` makes it"
    ] * MANY
    names = [*(f"{prefix}.{name}.v1" for name in (*KEYED, *SINGLE)), f"{prefix}-workers-accounts-changelog"]
    assert topics.create(site) == [f"{name}: made" for name in names]
    assert topics.create(site) == []
    topics.check(site)
    found = topics.found(site)
    assert {name: found[name].partitions for name in names} == dict(
        zip(names, [*[3] * len(KEYED), *[1] * len(SINGLE), 3], strict=True)
    )
    traces = found[f"{prefix}.traces.v1"].configs
    assert (traces["cleanup.policy"], traces["retention.ms"]) == ("delete", str(14 * 86_400_000))
    assert found[names[-1]].configs["cleanup.policy"] == "compact"


def test_what_differs_is_told_with_the_mend(site: SiteFolder, prefix: str) -> None:
    topics.create(site)
    admin = _admin(site)
    wrong = {"cleanup.policy": "compact", "retention.ms": "1000"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, f"{prefix}.access.v1", wrong)])
    admin.create_partitions({f"{prefix}.alerts.v1": 5})
    admin.close()
    assert _complaints(site) == [
        f"{prefix}.access.v1: cleanup.policy is compact, delete is wanted; "
        "`journalguard topics create` sets it",
        f"{prefix}.access.v1: retention.ms is 1000, 604800000 is wanted; "
        "`journalguard topics create` sets it",
        f"{prefix}.alerts.v1: has 5 partitions, 3 are wanted; set partitions = 5 in [kafka], or stop all "
        "processes, delete the site's topics and run `journalguard topics create`, which begins anew without "
        "what was learnt",
    ]
    assert topics.create(site) == [
        f"{prefix}.access.v1: cleanup.policy set to delete",
        f"{prefix}.access.v1: retention.ms set to 604800000",
    ]
    assert len(_complaints(site)) == 1


def test_too_few_replicas_are_told(site: SiteFolder) -> None:
    topics.create(site)
    kafka = msgspec.structs.replace(kafka_of(site), replicas=3)
    stricter = site._replace(settings=msgspec.structs.replace(site.settings, kafka=kafka))
    complaints = _complaints(stricter)
    assert len(complaints) == 2 * MANY
    assert complaints[0].endswith(
        "has 1 replicas, 3 are wanted; add some with kafka-reassign-partitions.sh, "
        "or set replicas = 1 in [kafka]"
    )
    assert complaints[1].endswith(
        "min.insync.replicas is 1, 2 is wanted; `journalguard topics create` sets it"
    )


def test_more_replicas_than_brokers_are_told(site: SiteFolder) -> None:
    kafka = msgspec.structs.replace(kafka_of(site), replicas=3)
    with pytest.raises(TopicError, match="3 replicas are wanted, and fewer brokers are up; start them"):
        topics.create(site._replace(settings=msgspec.structs.replace(site.settings, kafka=kafka)))


def test_the_command_shows_a_table_and_fails_while_something_is_wrong(site: SiteFolder, prefix: str) -> None:
    checked = _call("check", site)
    assert checked.exit_code == 1
    assert "missing" in checked.stdout
    assert f"Error: {prefix}.access.v1: is missing" in checked.stderr
    created = _call("create", site)
    assert (created.exit_code, created.stderr) == (0, "")
    assert created.stdout.count("as wanted") == MANY
    checked = _call("check", site)
    assert (checked.exit_code, checked.stdout.count("as wanted")) == (0, MANY)


def test_a_site_without_kafka_is_told_what_to_add(site: SiteFolder) -> None:
    settings = msgspec.structs.replace(site.settings, kafka=None)
    with pytest.raises(NotConfiguredError, match=r"site\.toml: has no \[kafka\] table; add one with servers"):
        topics.check(site._replace(settings=settings))


def test_kafka_python_comes_in_with_tls_and_scram(secure_site: SiteFolder) -> None:
    topics.create(secure_site)
    topics.check(secure_site)


def test_a_wrong_password_is_told(secure_site: SiteFolder, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("another\n")
    (tmp_path / "authority.pem").write_bytes((secure_site.folder / "authority.pem").read_bytes())
    with (
        pytest.raises(BrokerError, match="password_file in the"),
        administering(kafka_of(secure_site), tmp_path),
    ):
        pass


def test_faust_comes_in_with_tls_and_scram(secure_site: SiteFolder) -> None:
    topics.create(secure_site)
    kafka = kafka_of(secure_site)

    async def sent() -> int:
        app = faust.App("secure", **faust_options(kafka, secure_site.folder), topic_disable_leader=True)
        producer = app.producer
        await producer.start()
        try:
            name = topics.topics_of(kafka).status
            done = await producer.send_and_wait(name, b"k", b"v", partition=0, timestamp=None, headers=None)
            return int(done.offset)
        finally:
            await producer.stop()

    with ThreadPoolExecutor(1) as thread:  # a browser of another test may have a loop in this one
        assert thread.submit(asyncio.run, sent()).result() >= 0
