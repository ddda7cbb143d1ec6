"""A site's ``site.toml`` as it is first written: every setting with words for the operator."""

from collections.abc import Mapping
from string import Template

import msgspec

from service.config.settings import KafkaSettings, RoleGroups, Settings, SignInSettings

_SITE = Template("""\
# Settings of one site of journalguard. After a change start `journalguard run` again.
# Paths that do not begin with / are relative to this folder.

# EZproxy's LogFormat, as in config.txt, without the word LogFormat. Between single quotes nothing is
# escaped. Fields in ezPAARSE's notation, %{name}<regular expression>, may be used too.
log_format = $log_format

# The zone of the clock that writes the logs, an IANA name. Needed where the format has no %z, for audit
# logs, and to tell day from night.
timezone = $timezone

# Access logs to follow. A path, a daily name with strftime codes ("/var/log/ezproxy/ezp%Y%m%d.log"),
# or a wildcard for the logs of several proxies ("/var/log/proxy-*/ezproxy.log").
logs = $logs

# Audit logs to follow, in the same notation ("/usr/local/ezproxy/audit/%Y%m%d.txt").
audit_logs = $audit_logs

# Spellings of your own realm: with "example.ac.uk" and "EXAMPLE", the names jdoe, jdoe@example.ac.uk and
# EXAMPLE\\jdoe are one person. Names of any other realm stay apart. While none is named, EXAMPLE\\jdoe is
# taken for jdoe, but jdoe@example.ac.uk for somebody else's jdoe.
realms = $realms

# What %u holds: "user", or "session" where Option LogUser is off.
username = $username

# Which address of a comma list (X-Forwarded-For) is the reader's: "first" or "last".
forwarded = $forwarded

# Networks on campus, in CIDR notation ("192.0.2.0/24").
campus = $campus

# Host names of the proxy itself ("ezproxy.example.ac.uk"); its pages are not reading.
proxy_hosts = $proxy_hosts

# Location databases (MMDB) of your own: GeoLite2, DB-IP or the like, with cities and with network owners.
# Empty: the database that came with the installation, or none. Nothing is ever looked up over the network.
geo_city = $geo_city
geo_asn = $geo_asn

# How many alerts a day your analysts want to read. The threshold follows.
alerts_per_day = $alerts_per_day

# Day of the month, 1 to 28, on which `run` makes a report of how well the detection works (`evaluate
# --recent`); 0: never.
evaluation_day = $evaluation_day

# Where the pages are served. At any address but 127.0.0.1 somebody must be able to sign in: see [signin], or
# `journalguard users add`.
host = $host
port = $port

# Further host names by which browsers reach the pages ("alerts.example.ac.uk"); all others are refused.
host_names = $host_names

# Where the pages' process keeps alerts: empty for SQLite in this folder, or PostgreSQL's address
# ("postgresql://journalguard@db.example.ac.uk/journalguard"). Never with a password: that belongs in
# ~/.pgpass, or in a file of that form named by ?passfile=/path.
database_url = $database_url

# Number of this host's shipper; no two shippers of a site may share one.
shipper = $shipper

# Where `ship` and `worker` tell Prometheus their numbers, at 127.0.0.1; 0: nowhere.
metrics_port = $metrics_port

# State is saved after so many lines or seconds, whichever comes first.
checkpoint_lines = $checkpoint_lines
checkpoint_seconds = $checkpoint_seconds
""")

_REVEAL = Template("""
# Who may be told whose account a pseudonym is, and how often. Further settings go above this line.
[reveal]

# References of your service desk, a regular expression for the whole of one.
case_pattern = $case_pattern

# Names a day that a key-holder, and all of them together, may ask for without a second person.
per_holder = $per_holder
per_site = $per_site

# At each release, and when something is overdue, a mail to the data protection officer is laid into a
# folder, which your mailer sends and empties. While it cannot be laid there, nobody is named.
outgoing = $outgoing
sender = $sender
dpo = $dpo
""")

_RETENTION = Template("""\

# For how many days things are kept, counted by the time in the log; what is older goes once a day.
[retention]
# The events behind an alert.
events = $events

# What is learnt of an account, and its sealed identity, after the account was last seen. An identity stays as
# long as an alert of its account is open.
states = $states

# Alerts with their verdicts, after their last event: those confirmed as stolen, and those closed otherwise.
# Open ones stay.
true_alerts = $true_alerts
other_alerts = $other_alerts

# Readers' requests and complaints, after their end.
cases = $cases

# Pseudonyms and free text of the audit log. Its entries stay, since others check them, and tell nothing then.
audit = $audit

# Copies of what is held, made for a reader, in this folder.
copies = $copies
""")

_KAFKA = Template("""\
# The brokers, host:port. Further settings of the site do not go below this table.
servers = $servers

# What the names of the site's topics begin with, and the name of the workers' group.
prefix = $prefix
group = $group

# Partitions: at most so many workers share the work. Cannot be changed while states are kept.
# Replicas: copies of every topic; 1 where there is one broker.
partitions = $partitions
replicas = $replicas

# How to be let in: "plaintext", "ssl", "sasl_plaintext" or "sasl_ssl".
security = $security

# With ssl: the authority (PEM) that signed the brokers' certificates, empty for those the system trusts;
# and this client's own certificate and key, where the brokers ask for one.
ca_file = $ca_file
certificate_file = $certificate_file
key_file = $key_file

# With sasl: "SCRAM-SHA-256" or "SCRAM-SHA-512", the user, and a file with the password in its first line.
mechanism = $mechanism
user = $user
password_file = $password_file
""")
_SIGNIN = Template("""\
# The provider's name of itself, and what it calls us. Tell it to send browsers back to the address below with
# /signin/callback behind it, and with /signin after sign-out.
issuer = $issuer
client_id = $client_id

# How browsers reach the pages, best over https.
address = $address

# A file that only journalguard can read, with the secret in its first line; empty for a client without one.
client_secret_file = $client_secret_file

# The authority (PEM) that signed the provider's certificate, empty for those the system trusts.
ca_file = $ca_file

# What is asked for, and the claim that has a person's groups ("realm_access.roles" in Keycloak).
scope = $scope
groups_claim = $groups_claim

# What the provider has to say of a proof where a fresh one is needed: one of these classes (acr), and one of
# these ways ("mfa", "otp", "hwk"); empty: any.
acr = $acr
amr = $amr
""")
_ROLES = Template("""\

[signin.roles]
# Which of the provider's groups have which role. Nobody is admin and key_holder at once.
analyst = $analyst
key_holder = $key_holder
approver = $approver
statistician = $statistician
auditor = $auditor
dpo = $dpo
admin = $admin
""")
_EXAMPLE = KafkaSettings(servers=("127.0.0.1:9092",))
_EXAMPLE_SIGNIN = SignInSettings(
    issuer="https://login.example.ac.uk",
    client_id="journalguard",
    address="https://alerts.example.ac.uk",
    roles=RoleGroups(analyst=("library-security",)),
)
_SIGNIN_HEADING = "\n# The identity provider (OpenID Connect) by which the staff sign in to the pages.\n"
_HEADING = "\n# Kafka, for `ship`, `worker`, `topics` and `pages` of a site in several processes.\n"


def render(settings: Settings) -> str:
    """A commented ``site.toml`` that reads back as ``settings``."""
    plain = _values(settings)
    return (
        _filled(_SITE, plain)
        + _filled(_RETENTION, _values(settings.retention))
        + _filled(_REVEAL, _values(settings.reveal))
        + _kafka(settings.kafka)
        + _signin(settings.signin)
    )


def _kafka(kafka: KafkaSettings | None) -> str:
    table = "[kafka]\n" + _filled(_KAFKA, _values(kafka or _EXAMPLE))
    return _HEADING + (table if kafka else _commented(table))


def _signin(signin: SignInSettings | None) -> str:
    shown = signin or _EXAMPLE_SIGNIN
    table = "[signin]\n" + _filled(_SIGNIN, _values(shown))
    table += _filled(_ROLES, _values(shown.roles))
    return _SIGNIN_HEADING + (table if signin else _commented(table))


def _commented(table: str) -> str:
    """As an example, where the site has no such table."""
    return "".join(f"#{line}" if line[0] not in "#\n" else line for line in table.splitlines(keepends=True))


def _values(table: msgspec.Struct) -> dict[str, object]:
    return {name: getattr(table, name) for name in table.__struct_fields__}


def _filled(template: Template, values: Mapping[str, object]) -> str:
    names = template.get_identifiers()
    return template.substitute({name: _toml(values[name]) for name in names})


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if not isinstance(value, str):
        return repr(value)
    plain = value.isprintable() and "'" not in value and ('"' in value or "\\" in value)
    return f"'{value}'" if plain else msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
