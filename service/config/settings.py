"""One site's folder and its settings, as ``site.toml`` holds and :mod:`service.config.loader` reads them.

Read once, by the command that starts; everything else is handed the record.
"""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

SETTINGS_FILE = "site.toml"
REPORTS = "reports"  # folder for those of `evaluate`
LOOPBACK = ("127.0.0.1", "localhost", "::1")  # names of this machine, where nobody else can listen
Security = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512"]
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
    """Settings of a site; ``service.config.template`` says what each means."""

    log_format: str
    timezone: str
    logs: tuple[str, ...] = ()
    audit_logs: tuple[str, ...] = ()
    realms: tuple[str, ...] = ()
    username: Literal["user", "session"] = "user"
    forwarded: Literal["first", "last"] = "last"
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


class SiteFolder(NamedTuple):
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
