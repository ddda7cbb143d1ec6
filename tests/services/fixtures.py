"""Fixtures of the real servers; where one cannot run the test is skipped, in CI it fails."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.config.settings import Settings, SiteFolder
from service.config.tables import KafkaSettings
from tests.project.repository import lacking
from tests.services import kafka, oidc, postgres
from tests.services.certificates import make
from tests.services.kafka import Cluster, Secure
from tests.services.oidc import OpenIdProvider
from tests.services.postgres import Postgres


@pytest.fixture(scope="session")
def broker() -> Iterator[Cluster]:
    """One Kafka node for the whole run: use topics with the test's own ``prefix`` and leave it up."""
    with _kafka(1) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def fragile_broker() -> Iterator[Cluster]:
    """Another Kafka node for the whole run; tests ask for ``own_broker``."""
    with _kafka(1) as cluster:
        yield cluster


@pytest.fixture
def own_broker(fragile_broker: Cluster) -> Iterator[Cluster]:
    """One Kafka node to kill and to pause; no other test needs it meanwhile."""
    try:
        yield fragile_broker
    finally:
        fragile_broker.mend()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three Kafka nodes for this test alone; ``min.insync.replicas`` is 2."""
    with _kafka(3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def secure_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteFolder]:
    """A site of a broker that wants TLS and SASL/SCRAM; its folder holds what that needs."""
    folder = tmp_path_factory.mktemp("site")
    certificates = make(folder)
    (folder / "password").write_text("not-a-secret\n")
    with _kafka(1, Secure(certificates.server, "journalguard", "not-a-secret")) as cluster:
        kafka = KafkaSettings(
            servers=tuple(cluster.secure_servers),
            replicas=1,
            partitions=4,
            security="sasl_ssl",
            ca_file=certificates.authority.name,
            user="journalguard",
            password_file="password",
        )
        yield SiteFolder(folder, Settings(log_format="%h", timezone="UTC", kafka=kafka))


@pytest.fixture
def prefix() -> str:
    """For the names of a test's topics and groups, which no other test has."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    if why := postgres.lacks():
        lacking(why)
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """URL of a new, empty database, as SQLAlchemy wants it."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def openid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    """One OpenID provider for the whole run, for pages at ``oidc.PAGES``."""
    if why := oidc.lacks():
        lacking(why)
    provider = oidc.started(oidc.PAGES, tmp_path_factory.mktemp("oidc"))
    yield provider
    provider.stop()


@contextmanager
def _kafka(nodes: int, secure: Secure | None = None) -> Iterator[Cluster]:
    if why := kafka.lacks():
        lacking(why)
    with tempfile.TemporaryDirectory(prefix="journalguard-kafka-") as folder:
        cluster = Cluster(Path(folder), nodes, secure)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
