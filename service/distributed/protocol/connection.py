"""How the three Kafka clients in use are told of brokers, TLS and SASL.

kafka-python (shipper, pages, topics) and aiokafka share most options; Faust has records of its own.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from service.config.settings import SiteFolder
from service.config.tables import KafkaSettings
from service.distributed.protocol.errors import BrokerError, NotConfiguredError

BOOTSTRAP_MS = 10_000  # a broker that is up answers sooner, and an operator waits


def kafka_of(site: SiteFolder) -> KafkaSettings:
    """The site's ``[kafka]`` table. Raises ``NotConfiguredError``."""
    if site.settings.kafka is None:
        raise NotConfiguredError(
            f'{site.folder / "site.toml"}: has no [kafka] table; add one with servers = ["127.0.0.1:9092"]'
        )
    return site.settings.kafka


def client_options(kafka: KafkaSettings, folder: Path) -> dict[str, Any]:
    """Options that every client of kafka-python takes. Raises ``BrokerError`` for unreadable files."""
    options: dict[str, Any] = {
        "bootstrap_servers": list(kafka.servers),
        "security_protocol": kafka.security.upper(),
    }
    if kafka.security.endswith("ssl"):
        options["ssl_context"] = tls(kafka, folder)
    if kafka.security.startswith("sasl"):
        options |= {
            "sasl_mechanism": kafka.mechanism,
            "sasl_plain_username": kafka.user,
            "sasl_plain_password": password(kafka, folder),
        }
    return options


def faust_options(kafka: KafkaSettings, folder: Path) -> dict[str, Any]:
    """``broker`` and, unless plain, ``broker_credentials`` of a ``faust.App``. Raises ``BrokerError``."""
    from faust.auth import SASLCredentials, SSLCredentials  # noqa: PLC0415 - a second that only workers spend

    options: dict[str, Any] = {"broker": ";".join(f"kafka://{server}" for server in kafka.servers)}
    context = tls(kafka, folder) if kafka.security.endswith("ssl") else None
    if kafka.security.startswith("sasl"):
        options["broker_credentials"] = SASLCredentials(
            username=kafka.user,
            password=password(kafka, folder),
            mechanism=kafka.mechanism,
            ssl_context=context,
        )
    elif context is not None:
        options["broker_credentials"] = SSLCredentials(context)
    return options


def aiokafka_options(kafka: KafkaSettings, folder: Path) -> dict[str, Any]:
    """Options that every client of aiokafka takes: those of kafka-python. Raises ``BrokerError``."""
    return client_options(kafka, folder)


def tls(kafka: KafkaSettings, folder: Path) -> ssl.SSLContext:
    """Verifies the brokers against ``ca_file`` or the system's authorities. Raises ``BrokerError``."""
    try:
        context = ssl.create_default_context(cafile=str(folder / kafka.ca_file) if kafka.ca_file else None)
        if kafka.certificate_file:
            context.load_cert_chain(
                folder / kafka.certificate_file, folder / (kafka.key_file or kafka.certificate_file)
            )
    except (OSError, ssl.SSLError) as error:
        raise BrokerError(f"[kafka] ca_file, certificate_file or key_file in {folder}: {error}") from None
    return context


def password(kafka: KafkaSettings, folder: Path) -> str:
    """The first line of the password file. Raises ``BrokerError``."""
    path = folder / kafka.password_file
    try:
        return path.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        raise BrokerError(
            f"{path}: no password there; [kafka] password_file names a file with one line"
        ) from None


@contextmanager
def administering(kafka: KafkaSettings, folder: Path) -> Iterator[KafkaAdminClient]:
    """A client for topics; what Kafka refuses becomes ``BrokerError``."""
    options = client_options(kafka, folder)
    try:
        admin = KafkaAdminClient(**options, bootstrap_timeout_ms=BOOTSTRAP_MS)
        try:
            yield admin
        finally:
            admin.close()
    except KafkaError as error:
        raise BrokerError(describe_error(kafka, error)) from None


def describe_error(kafka: KafkaSettings, error: KafkaError) -> str:
    """What to tell the operator of an error of a client."""
    text = str(error) or type(error).__name__
    return (
        f"Kafka at {', '.join(kafka.servers)}: {text}; see that the brokers run and that servers, security, "
        "user and password_file in the [kafka] table of site.toml are right"
    )
