"""What is wrong with settings beyond their types: each with the setting's name, and how to mend it."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit
from zoneinfo import available_timezones

from service.config.settings import Settings, is_safe_address
from service.config.tables import KafkaSettings, RevealSettings, RoleGroups, SignInSettings
from service.config.type_errors import nearest


def complaints(settings: Settings) -> Iterator[tuple[str, str]]:
    """Setting and what is wrong with it, for what types do not tell."""
    if settings.timezone not in available_timezones():
        near = nearest(settings.timezone, available_timezones())
        yield "timezone", f"{settings.timezone!r} is not an IANA time zone{near}"
    for key in ("campus", "trusted_proxies"):
        for network in getattr(settings, key):
            try:
                ip_network(network)
            except ValueError as error:
                yield key, f"{key}: {error}; write it like 192.0.2.0/24"
    if settings.database_url:
        yield from _of_database(settings.database_url)
    if settings.kafka is not None:
        for key, complaint in _of_kafka(settings.kafka):
            yield f"kafka.{key}", f"kafka.{key}: {complaint}"
    for key, complaint in _of_reveal(settings.reveal):
        yield f"reveal.{key}", f"reveal.{key}: {complaint}"
    if settings.signin is not None:
        for key, complaint in _of_signin(settings.signin):
            yield f"signin.{key}", f"signin.{key}: {complaint}"


def _of_database(url: str) -> Iterator[tuple[str, str]]:
    """Never repeats the address, which may hold a password."""
    key = "database_url"
    try:
        scheme, query = urlsplit(url).scheme, parse_qs(urlsplit(url).query)
        secret = urlsplit(url).password is not None or "password" in query
    except ValueError:
        scheme, secret = "", False
    if secret:
        yield key, f"{key}: holds a password; put it into ~/.pgpass, or into a file named by ?passfile=/path"
    if scheme not in {"postgresql", "postgresql+psycopg"}:
        yield key, f"{key}: write it like postgresql://journalguard@db.example.ac.uk/journalguard"


def _of_kafka(kafka: KafkaSettings) -> Iterator[tuple[str, str]]:
    if not kafka.servers:
        yield "servers", 'names no broker; write it like ["kafka.example.ac.uk:9092"]'
    for server in kafka.servers:
        if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):[0-9]{1,5}", server):
            yield "servers", f"{server!r} is not host:port; write it like kafka.example.ac.uk:9092"
    for key in ("prefix", "group"):
        # The rule of org.apache.kafka.common.internals.Topic, with room for what follows.
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", getattr(kafka, key)):
            yield key, "letters, digits, '.', '_' and '-' only, as in a topic's name"
    if kafka.security.startswith("sasl"):
        for key in ("user", "password_file"):
            if not getattr(kafka, key):
                yield key, f'is needed with security = "{kafka.security}"'
    elif kafka.user or kafka.password_file:
        yield "security", f'"{kafka.security}" sends no user; choose "sasl_ssl"'
    if not kafka.security.endswith("ssl") and (kafka.ca_file or kafka.certificate_file):
        yield "security", f'"{kafka.security}" does not encrypt; choose "ssl" or "sasl_ssl"'


def _of_reveal(reveal: RevealSettings) -> Iterator[tuple[str, str]]:
    try:
        re.compile(reveal.case_pattern)
    except re.error as error:
        yield "case_pattern", f"no regular expression ({error}); write it like INC[0-9]{{7}}"
    for key in ("outgoing", "sender", "dpo"):
        if not getattr(reveal, key) and (reveal.outgoing or reveal.sender or reveal.dpo):
            yield key, "is needed too: a mail has a folder, a sender and a recipient"


def _of_signin(signin: SignInSettings) -> Iterator[tuple[str, str]]:
    for key in ("issuer", "address"):
        if not is_safe_address(getattr(signin, key)):
            yield key, "write it with https, like https://alerts.example.ac.uk"
    if "openid" not in signin.scope.split():
        yield "scope", 'has "openid" among its words, or there is no sign-in'
    if not any(getattr(signin.roles, role) for role in RoleGroups.__struct_fields__):
        yield "roles", "gives nobody a role; name groups below a line [signin.roles]"
