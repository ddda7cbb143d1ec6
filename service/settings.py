"""One site's folder and its settings: ``site.toml``, overridden by a few environment variables.

Read once, by the command that starts; everything else is handed the record.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args
from urllib.parse import parse_qs, urlsplit
from zoneinfo import available_timezones

import msgspec

from service.errors import SettingsError, SiteError

SETTINGS_FILE = "site.toml"
REPORTS = "reports"  # folder for those of `evaluate`
ENVIRONMENT = "JOURNALGUARD_"
LOOPBACK = ("127.0.0.1", "localhost", "::1")  # names of this machine, where nobody else can listen
OVERRIDES = (
    "host",
    "port",
    "alerts_per_day",
    "geo_city",
    "geo_asn",
    "database_url",
    "shipper",
    "metrics_port",
)
SERVERS = ENVIRONMENT + "KAFKA_SERVERS"  # host:port,host:port

Security = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512"]
_CHOICES = {
    "username": ("user", "session"),
    "forwarded": ("first", "last"),
    "kafka.security": get_args(Security),
    "kafka.mechanism": get_args(Mechanism),
}

_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
_Budget = Annotated[float, msgspec.Meta(gt=0, le=1000)]
_MonthDay = Annotated[int, msgspec.Meta(ge=0, le=28)]
_Shipper = Annotated[int, msgspec.Meta(ge=0, le=32_767)]
_Seconds = Annotated[float, msgspec.Meta(ge=0.05, le=3600)]


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[kafka]`` table: where the brokers are and how to be let in. Same on every host of a site."""

    servers: tuple[str, ...]
    prefix: str = "library"  # of the topics' names
    group: str = "journalguard"  # of the workers
    partitions: _Positive = 12
    replicas: _Positive = 3
    security: Security = "plaintext"
    ca_file: str = ""
    certificate_file: str = ""  # of this client, for mutual TLS
    key_file: str = ""
    mechanism: Mechanism = "SCRAM-SHA-512"
    user: str = ""
    password_file: str = ""


class RevealSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[reveal]`` table: how often a reader may be named, and who is told."""

    case_pattern: str = "[A-Z]{2,8}-?[0-9]{3,12}"  # of the service desk's references, a regular expression
    per_holder: _Positive = 5  # names a day without a second person
    per_site: _Positive = 20
    outgoing: str = ""  # folder of mails to the DPO; empty: none
    sender: str = ""
    dpo: str = ""


class RoleGroups(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[signin.roles]`` table: which groups of the identity provider have which role."""

    analyst: tuple[str, ...] = ()
    key_holder: tuple[str, ...] = ()
    approver: tuple[str, ...] = ()
    statistician: tuple[str, ...] = ()
    auditor: tuple[str, ...] = ()
    dpo: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()


class SignInSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[signin]`` table: the identity provider that knows the staff, by OpenID Connect."""

    issuer: str
    client_id: str
    address: str  # of the pages, as browsers reach them
    client_secret_file: str = ""
    ca_file: str = ""
    scope: str = "openid profile"
    groups_claim: str = "groups"
    acr: tuple[str, ...] = ()  # one of them, or of amr, is asked for where a proof has to be fresh
    amr: tuple[str, ...] = ()
    roles: RoleGroups = RoleGroups()


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[retention]`` table: for how many days of event time each kind of thing is kept."""

    events: _Positive = 28  # behind an alert
    states: _Positive = 90  # what is learnt of an account, and its sealed identity, after the last sight
    true_alerts: _Positive = 365  # closed as stolen, after their last event
    other_alerts: _Positive = 90  # closed otherwise; open ones stay until they are closed
    cases: _Positive = 730  # readers' requests and complaints, after their end
    audit: _Positive = 730  # pseudonyms and notes of the audit log; its leaves stay
    copies: _Positive = 30  # of what is held, made for a reader


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a site; ``service.sitefile`` says what each means."""

    log_format: str
    timezone: str
    logs: tuple[str, ...] = ()
    audit_logs: tuple[str, ...] = ()
    realms: tuple[str, ...] = ()
    username: Literal["user", "session"] = "user"
    forwarded: Literal["first", "last"] = "first"
    campus: tuple[str, ...] = ()
    proxy_hosts: tuple[str, ...] = ()
    geo_city: str = ""
    geo_asn: str = ""
    alerts_per_day: _Budget = 3.0
    evaluation_day: _MonthDay = 0  # of the month on which `run` makes a report; 0: never
    host: str = "127.0.0.1"
    port: _Port = 8321
    host_names: tuple[str, ...] = ()
    checkpoint_lines: _Positive = 20_000
    checkpoint_seconds: _Seconds = 1.0
    database_url: str = ""  # of PostgreSQL; empty: SQLite in the site's folder
    shipper: _Shipper = 0  # number of this host's shipper within the site
    metrics_port: _Port = 0  # of shipper and worker; 0: none
    retention: RetentionSettings = RetentionSettings()
    kafka: KafkaSettings | None = None
    reveal: RevealSettings = RevealSettings()
    signin: SignInSettings | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All host names, beside the host itself, by which browsers reach the pages."""
        address = urlsplit(self.signin.address).hostname if self.signin else None
        return (*self.host_names, address) if address else self.host_names


_TABLES: dict[str, type[msgspec.Struct]] = {
    "kafka": KafkaSettings,
    "retention": RetentionSettings,
    "reveal": RevealSettings,
    "signin": SignInSettings,
    "signin.roles": RoleGroups,
}


class Site(NamedTuple):
    """A site's folder: what lies where, and its settings."""

    folder: Path
    settings: Settings

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def keyholders(self) -> Path:
        """Public keys of those who can name a reader."""
        return self.folder / "keyholders"

    @property
    def database(self) -> Path:
        return self.folder / "journalguard.db"

    @property
    def policy(self) -> Path | None:
        """The site's own detections, if it has any."""
        folder = self.folder / "policy"
        return folder if folder.is_dir() else None

    @property
    def reports(self) -> Path:
        """Reports of ``evaluate``."""
        return self.folder / REPORTS

    @property
    def lock(self) -> Path:
        return self.folder / "run.lock"

    def path(self, text: str) -> Path | None:
        """A path of the settings, relative to the folder; ``None`` for none."""
        return self.folder / text if text else None


def load_site(folder: Path, environment: Mapping[str, str]) -> Site:
    """The site in ``folder``. Raises ``SiteError`` where there is none, else ``SettingsError``."""
    path = folder / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SiteError(f"{path}: no site here; make one with `journalguard init {folder} …`") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    return Site(folder, _overridden(parse(text, str(path)), environment))


def parse(text: str, where: str) -> Settings:
    """Settings from TOML; ``where`` names the file in errors. Raises ``SettingsError``."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where}: {error}; strings need quotes, lists brackets") from None

    def place(key: str) -> str:
        line = _line(text, key)
        return f"{where}, line {line}" if line else where

    return check(values, place)


def check(values: Mapping[str, Any], place: Callable[[str], str], *, strict: bool = True) -> Settings:
    """Values that have a meaning; ``place(key)`` says where one stands, a key of a table as ``kafka.user``.

    Without ``strict`` texts may stand for numbers. Raises ``SettingsError``.
    """
    try:
        settings = msgspec.convert(values, Settings, strict=strict)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{place(_key(error))}: {_plain(error)}") from None
    for key, complaint in _complaints(settings):
        raise SettingsError(f"{place(key)}: {complaint}")
    return settings


def _overridden(settings: Settings, environment: Mapping[str, str]) -> Settings:
    names = {key: ENVIRONMENT + key.upper() for key in OVERRIDES}
    found = {key: environment[name] for key, name in names.items() if name in environment}
    values = {**msgspec.to_builtins(settings), **found}
    if SERVERS in environment:
        servers = [server.strip() for server in environment[SERVERS].split(",")]
        values["kafka"] = {**(values["kafka"] or {}), "servers": servers}
        names["kafka.servers"] = SERVERS
    return check(values, lambda key: f"environment variable {names.get(key, key)}", strict=False)


def _complaints(settings: Settings) -> Iterator[tuple[str, str]]:
    """Setting and what is wrong with it, for what types do not tell."""
    if settings.timezone not in available_timezones():
        near = _nearest(settings.timezone, available_timezones())
        yield "timezone", f"{settings.timezone!r} is not an IANA time zone{near}"
    for network in settings.campus:
        try:
            ip_network(network)
        except ValueError as error:
            yield "campus", f"campus: {error}; write it like 192.0.2.0/24"
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


def is_safe_address(text: str) -> bool:
    """Whether it is an address over https, or of this machine, where nobody can listen.

    >>> is_safe_address("https://login.example.ac.uk/realm"), is_safe_address("http://login.example.ac.uk")
    (True, False)
    """
    try:
        parts = urlsplit(text)
        name = parts.hostname
    except ValueError:
        return False
    near = parts.scheme == "http" and name in LOOPBACK
    return bool(name) and parts.username is None and (parts.scheme == "https" or near)


def _key(error: msgspec.ValidationError) -> str:
    """The setting that msgspec complains of, with its table."""
    path = re.search(r"at `\$\.([\w.]+)", str(error))
    field = re.search(r"field `(\w+)`", str(error))
    return ".".join(found[1] for found in (path, field) if found)


def _plain(error: msgspec.ValidationError) -> str:
    key = _key(error)
    text = str(error).split(" - at ")[0].replace("`", "")
    if text.startswith("Object missing"):
        return f"the setting {key!r} is missing"
    if text.startswith("Object contains unknown"):
        return _unknown(key)
    if text.startswith("Expected object"):
        return f"{key}: is a table; write [{key}] and its settings below"
    if text.startswith("Invalid enum"):
        text += "; choose " + " or ".join(f'"{choice}"' for choice in _CHOICES[key])
    return f"{key}: {text[0].lower()}{text[1:]}"


def _unknown(key: str) -> str:
    table, _, name = key.rpartition(".")
    if key == "retention_days":
        return f"{key!r} is now events in the table [retention]; write it there"
    if not table:
        return f"unknown setting {key!r}{_nearest(key, Settings.__struct_fields__)}"
    if name in Settings.__struct_fields__:
        return f"{name!r} is no setting of [{table}]; move it above the line [{table}]"
    return f"unknown setting {name!r} of [{table}]{_nearest(name, _TABLES[table].__struct_fields__)}"


def _nearest(text: str, known: Collection[str]) -> str:
    near = get_close_matches(text, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _line(text: str, key: str) -> int:
    """Line of a setting, from 1; of one of a table that does not stand there, the table's; 0 for none."""
    table, _, name = key.rpartition(".")
    lines = text.splitlines()
    start = _find(lines, table, 0) if table else 0
    return _find(lines, name, start) or start


def _find(lines: Sequence[str], key: str, start: int) -> int:
    found = (i for i in range(start, len(lines)) if re.match(rf"\s*[\"'\[]*{re.escape(key)}\b", lines[i]))
    return next(found, -1) + 1
