"""One site's settings and folder, as ``site.toml`` holds and :mod:`service.config.loader` reads them.

Read once, by the command that starts; everything else is handed the record. A setting is described by its
field alone, see :mod:`service.config.tables`.
"""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from service.config.tables import (
    KafkaSettings,
    Positive,
    RetentionSettings,
    RevealSettings,
    RoleGroups,
    SignInSettings,
    Texts,
    about,
)

SETTINGS_FILE = "site.toml"
REPORTS = "reports"  # folder for those of `evaluate`
LOOPBACK = ("127.0.0.1", "localhost", "::1")  # names of this machine, where nobody else can listen
_Port = Annotated[int, Meta(ge=0, le=65535)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a site, in the order in which ``site.toml`` has them."""

    log_format: Annotated[
        str,
        about(
            "EZproxy's LogFormat, as in config.txt, without the word LogFormat. Between single "
            "quotes nothing is escaped. Fields in ezPAARSE's notation, %{name}<regular expression>, may be "
            "used too.",
            example='%h %l %u %t "%r" %s %b',
        ),
    ]
    timezone: Annotated[
        str,
        about(
            "Zone of the clock that writes the logs, an IANA name. Needed where the format has no "
            "%z, for audit logs, and to tell day from night.",
            example="Europe/London",
        ),
    ]
    logs: Annotated[
        Texts,
        about(
            "Access logs to follow: a path, a daily name with strftime codes "
            '("/var/log/ezproxy/ezp%Y%m%d.log"), or a wildcard for the logs of several proxies '
            '("/var/log/proxy-*/ezproxy.log").',
            example=["/var/log/ezproxy/ezp%Y%m%d.log"],
        ),
    ] = ()
    audit_logs: Annotated[
        Texts,
        about(
            'Audit logs to follow, in the same notation as logs ("/usr/local/ezproxy/audit/%Y%m%d.txt").',
            example=["/usr/local/ezproxy/audit/%Y%m%d.txt"],
        ),
    ] = ()
    realms: Annotated[
        Texts,
        about(
            'Spellings of your own realm: with "example.ac.uk" and "EXAMPLE", the names jdoe, '
            "jdoe@example.ac.uk and EXAMPLE\\jdoe are one person. Names of any other realm stay apart. "
            "While none is named, EXAMPLE\\jdoe is taken for jdoe, but jdoe@example.ac.uk for somebody "
            "else's jdoe.",
            example=["example.ac.uk", "EXAMPLE"],
        ),
    ] = ()
    username: Annotated[
        Literal["user", "session"],
        about('What %u holds: "user", or "session" where Option LogUser is off.'),
    ] = "user"
    forwarded: Annotated[
        Literal["first", "last"],
        about(
            'Which address of a comma list (X-Forwarded-For) is the reader\'s: the "last" that is no '
            'inner one, or the "first", which the reader can forge.'
        ),
    ] = "last"
    campus: Annotated[
        Texts,
        about('Networks on campus, in CIDR notation ("192.0.2.0/24").', example=["192.0.2.0/24"]),
    ] = ()
    proxy_hosts: Annotated[
        Texts,
        about(
            'Host names of the proxy itself ("ezproxy.example.ac.uk"). Its pages are not reading.',
            example=["ezproxy.example.ac.uk"],
        ),
    ] = ()
    geo_city: Annotated[
        str,
        about(
            "City database (MMDB) of your own: GeoLite2, DB-IP or the like. Empty: the one that came "
            "with the installation, or none. Nothing is ever looked up over the network.",
            example="/usr/share/GeoIP/city.mmdb",
        ),
    ] = ""
    geo_asn: Annotated[
        str,
        about(
            "Database of network owners (MMDB) of your own. Empty: the one that came with the installation, "
            "or none; then what is said of owners and hosting networks stays empty.",
            example="/usr/share/GeoIP/asn.mmdb",
        ),
    ] = ""
    alerts_per_day: Annotated[
        float,
        Meta(gt=0, le=1000),
        about("How many alerts a day your analysts want to read. The threshold follows."),
    ] = 3.0
    judges_trained: Annotated[
        bool,
        about(
            "true: only who has a valid training, which the data protection officer records under Names, "
            "judges alerts. false: the pages warn those who have none."
        ),
    ] = False
    evaluation_day: Annotated[
        int,
        Meta(ge=0, le=28),
        about(
            "Day of the month, 1 to 28, on which `run` makes a report of how well the detection works "
            "(`evaluate --recent`). 0: never."
        ),
    ] = 0
    host: Annotated[
        str,
        about(
            "Address at which the pages are served. At any but 127.0.0.1 somebody must be able to "
            "sign in: see [signin], or `journalguard users add`.",
        ),
    ] = "127.0.0.1"
    port: Annotated[_Port, about("Port at which the pages are served; 0 picks a free one.")] = 8321
    host_names: Annotated[
        Texts,
        about(
            'Further host names by which browsers reach the pages ("alerts.example.ac.uk"). All '
            "others are refused.",
            example=["alerts.example.ac.uk"],
        ),
    ] = ()
    trusted_proxies: Annotated[
        Texts,
        about(
            'Addresses or networks of proxies before the pages ("127.0.0.1", "10.0.0.0/24"). What they say '
            "of who asked (X-Forwarded-For) and by what (X-Forwarded-Proto) is believed, and of nobody else.",
            example=["127.0.0.1"],
        ),
    ] = ()
    checkpoints: Annotated[
        str,
        about(
            "A folder on another machine, best a write-once share, into which signed checkpoints of the "
            "audit log go. Empty: the folder `checkpoints` here, and mails where [reveal] names them. The "
            "pages warn while they stay here.",
            example="/mnt/write-once/journalguard",
        ),
    ] = ""
    database_url: Annotated[
        str,
        about(
            "Where the pages' process keeps alerts: PostgreSQL's address "
            '("postgresql://journalguard@db.example.ac.uk/journalguard"). Never with a password: that '
            "belongs in ~/.pgpass, or in a file of that form named by ?passfile=/path. Empty: SQLite in this "
            "folder.",
            example="postgresql://journalguard@db.example.ac.uk/journalguard",
        ),
    ] = ""
    shipper: Annotated[
        int,
        Meta(ge=0, le=32_767),
        about("Number of this host's shipper. No two shippers of a site may share one."),
    ] = 0
    metrics_address: Annotated[
        str,
        about(
            "Address of that port. Whoever reaches it reads the numbers: leave it at 127.0.0.1 unless only "
            "Prometheus does."
        ),
    ] = LOOPBACK[0]
    metrics_port: Annotated[
        _Port,
        about("Port at which each process tells Prometheus its numbers. 0: none."),
    ] = 0
    checkpoint_lines: Annotated[
        Positive,
        about("State is saved after this many lines or after checkpoint_seconds, whichever comes first."),
    ] = 20_000
    checkpoint_seconds: Annotated[
        float,
        Meta(ge=0.05, le=3600),
        about("State is saved after this many seconds or after checkpoint_lines, whichever comes first."),
    ] = 1.0
    retention: Annotated[
        RetentionSettings,
        about(
            "For how many days things are kept, counted by the time in the log. What is older is deleted "
            "once a day."
        ),
    ] = RetentionSettings()
    reveal: Annotated[
        RevealSettings,
        about("Who may be told whose account a pseudonym is, and how often."),
    ] = RevealSettings()
    kafka: Annotated[
        KafkaSettings | None,
        about(
            "Kafka, for `ship`, `worker`, `topics` and `pages` of a site in several processes.",
            example=KafkaSettings(servers=("127.0.0.1:9092",)),
        ),
    ] = None
    signin: Annotated[
        SignInSettings | None,
        about(
            "The identity provider (OpenID Connect) by which the staff sign in to the pages.",
            example=SignInSettings(
                issuer="https://login.example.ac.uk",
                client_id="journalguard",
                address="https://alerts.example.ac.uk",
                roles=RoleGroups(analyst=("library-security",)),
            ),
        ),
    ] = None

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
    def seal_keys(self) -> Path:
        """Public keys by which the ingest host signs sealed identities."""
        return self.folder / "seal.pub"

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
