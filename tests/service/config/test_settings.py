"""site.toml: what it may hold, what is said of mistakes."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.base.errors import SettingsError, SiteError
from service.config.loader import load_site, parse
from service.config.settings import SETTINGS_FILE, Settings
from service.config.tables import KafkaSettings, RetentionSettings, RevealSettings, RoleGroups, SignInSettings
from service.config.template import render

SMALL = 'log_format = "%h %u %t %U"\ntimezone = "Europe/London"\n'
KAFKA = SMALL + '[kafka]\nservers = ["127.0.0.1:9092"]\n'
SIGNIN = SignInSettings(
    issuer="https://login.example.ac.uk",
    client_id="journalguard",
    address="https://alerts.example.ac.uk",
    roles=RoleGroups(analyst=("library-security",)),
)
WITH_SIGNIN = SMALL + (
    '[signin]\nissuer = "https://login.example.ac.uk"\nclient_id = "a"\naddress = "https://alerts.example.ac.uk"\n'
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


def test_every_setting_stands_in_the_file_with_a_comment() -> None:
    """A setting that is added without words for the operator fails here."""
    text = render(parse(SMALL, "site.toml"))
    tables = (Settings, KafkaSettings, RetentionSettings, RevealSettings, SignInSettings, RoleGroups)
    names = {name for table in tables for name in table.__struct_fields__}
    for name in names - {"kafka", "retention", "reveal", "signin", "roles"}:
        assert re.search(rf"^# .*\n(?:#?[a-z_]+ = .*\n)*#?{name} = ", text, re.MULTILINE), name


@given(TEXT, st.tuples(TEXT, TEXT), st.integers(0, 65535))
def test_what_is_written_reads_back(log_format: str, names: tuple[str, str], port: int) -> None:
    kafka = (
        KafkaSettings(servers=("[2001:db8::1]:9092",), ca_file=names[0], security="ssl") if port % 2 else None
    )
    reveal = RevealSettings(per_holder=1 + port, outgoing="mails", sender="a" + names[0], dpo="b" + names[1])
    signin = SIGNIN if port % 3 else None
    settings = Settings(
        log_format=log_format,
        timezone="UTC",
        realms=names,
        port=port,
        kafka=kafka,
        reveal=reveal,
        signin=signin,
    )
    assert parse(render(settings), "site.toml") == settings


def test_the_examples_are_right_when_uncommented() -> None:
    text = re.sub(r"^#(?=[a-z_\[])", "", render(parse(SMALL, "site.toml")), flags=re.MULTILINE)
    read = parse(text, "site.toml")
    assert read.kafka == KafkaSettings(servers=("127.0.0.1:9092",))
    assert read.signin == SIGNIN


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("log_fromat = 1", "site.toml, line 1: unknown setting 'log_fromat'; did you mean 'log_format'?"),
        (
            SMALL + "retention_days = 14",
            "site.toml, line 3: 'retention_days' is now events in the table [retention]; write it there",
        ),
        (
            SMALL + "[retention]\nstate = 14",
            "site.toml, line 4: unknown setting 'state' of [retention]; did you mean 'states'?",
        ),
        ("zzz = 1", "site.toml, line 1: unknown setting 'zzz'"),
        (
            'log_format = "x"',
            "site.toml: the setting 'timezone' is missing; write it like timezone = \"Europe/London\"",
        ),
        (SMALL + "port = 99999", "site.toml, line 3: port: expected int <= 65535; write it like port = 8321"),
        (SMALL + 'port = "a"', "site.toml, line 3: port: expected int, got str; write it like port = 8321"),
        (
            SMALL + 'logs = "a"',
            "site.toml, line 3: logs: expected array, got str; "
            'write it like logs = ["/var/log/ezproxy/ezp%Y%m%d.log"]',
        ),
        (
            SMALL + "alerts_per_day = 0",
            "site.toml, line 3: alerts_per_day: expected float > 0.0; write it like alerts_per_day = 3.0",
        ),
        (
            SMALL + 'username = "name"',
            'site.toml, line 3: username: invalid enum value \'name\'; choose "user" or "session"',
        ),
        (
            SMALL + '\ncampus = ["192.0.2.7/24"]',
            "site.toml, line 4: campus: 192.0.2.7/24 has host bits set; write it like 192.0.2.0/24",
        ),
        (
            'log_format = "x"\ntimezone = "Europe/Lodnon"',
            "site.toml, line 2: 'Europe/Lodnon' is not an IANA time zone; did you mean 'Europe/London'?",
        ),
        (
            KAFKA + 'secrity = "ssl"',
            "site.toml, line 5: unknown setting 'secrity' of [kafka]; did you mean 'security'?",
        ),
        (
            KAFKA + "port = 80",
            "site.toml, line 5: 'port' is no setting of [kafka]; move it above the line [kafka]",
        ),
        (
            WITH_SIGNIN + '[signin.roles]\nanalist = ["a"]',
            "site.toml, line 8: unknown setting 'analist' of [signin.roles]; did you mean 'analyst'?",
        ),
        (
            WITH_SIGNIN,
            "site.toml, line 3: signin.roles: gives nobody a role; name groups below a line [signin.roles]",
        ),
        (
            WITH_SIGNIN.replace("https://login", "http://login"),
            "site.toml, line 4: signin.issuer: write it with https, like https://alerts.example.ac.uk",
        ),
        (
            SMALL + "\n[kafka]\n",
            "site.toml, line 4: the setting 'kafka.servers' is missing; "
            'write it like servers = ["127.0.0.1:9092"]',
        ),
        (
            SMALL + "[kafka]\nservers = []",
            'site.toml, line 4: kafka.servers: names no broker; write it like ["kafka.example.ac.uk:9092"]',
        ),
        (
            SMALL + '[kafka]\nservers = ["kafka"]',
            "site.toml, line 4: kafka.servers: 'kafka' is not host:port; "
            "write it like kafka.example.ac.uk:9092",
        ),
        (
            SMALL + '[reveal]\ncase_pattern = "INC["',
            "site.toml, line 4: reveal.case_pattern: no regular expression (unterminated character set at "
            "position 3); write it like INC[0-9]{7}",
        ),
        (
            SMALL + '[reveal]\noutgoing = "mails"\nsender = "journalguard@example.ac.uk"',
            "site.toml, line 3: reveal.dpo: is needed too: a mail has a folder, a sender and a recipient",
        ),
        (
            SMALL + "[reveal]\nper_holdr = 3",
            "site.toml, line 4: unknown setting 'per_holdr' of [reveal]; did you mean 'per_holder'?",
        ),
        (SMALL + "kafka = 3", "site.toml, line 3: kafka: is a table; write [kafka] and its settings below"),
        (
            KAFKA + "partitions = 0",
            "site.toml, line 5: kafka.partitions: expected int >= 1; write it like partitions = 12",
        ),
        (
            KAFKA + 'security = "tls"',
            "site.toml, line 5: kafka.security: invalid enum value 'tls'; choose "
            '"plaintext" or "ssl" or "sasl_plaintext" or "sasl_ssl"',
        ),
        (
            KAFKA + 'security = "sasl_ssl"',
            'site.toml, line 3: kafka.user: is needed with security = "sasl_ssl"',
        ),
        (
            KAFKA + 'ca_file = "ca.pem"',
            'site.toml, line 3: kafka.security: "plaintext" does not encrypt; choose "ssl" or "sasl_ssl"',
        ),
        (
            KAFKA + 'user = "u"',
            'site.toml, line 3: kafka.security: "plaintext" sends no user; choose "sasl_ssl"',
        ),
        (
            KAFKA + 'group = "a b"',
            "site.toml, line 5: kafka.group: letters, digits, '.', '_' and '-' only, as in a topic's name",
        ),
        (
            SMALL + 'database_url = "sqlite:///x"',
            "site.toml, line 3: database_url: write it like "
            "postgresql://journalguard@db.example.ac.uk/journalguard",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text, "site.toml")
    assert str(caught.value) == message


def test_what_the_previous_release_wrote_reads_as_it_did() -> None:
    """Every setting has another value than its default."""
    text = Path(__file__).with_name("site-0.1.0.toml").read_text("utf-8")
    assert parse(text, "site.toml") == Settings(
        log_format='%h %l %u %t "%r" %s %b',
        timezone="Europe/London",
        logs=("/var/log/ezproxy/ezp%Y%m%d.log",),
        audit_logs=("/usr/local/ezproxy/audit/%Y%m%d.txt",),
        realms=("example.ac.uk", "EXAMPLE"),
        username="session",
        forwarded="last",
        campus=("192.0.2.0/24", "2001:db8::/32"),
        proxy_hosts=("ezproxy.example.ac.uk",),
        geo_city="city.mmdb",
        geo_asn="asn.mmdb",
        alerts_per_day=4.5,
        evaluation_day=2,
        host="192.0.2.1",
        port=8080,
        host_names=("alerts.example.ac.uk",),
        checkpoint_lines=500,
        checkpoint_seconds=2.5,
        database_url="postgresql://journalguard@db.example.ac.uk/journalguard",
        shipper=3,
        metrics_port=9100,
        retention=RetentionSettings(
            events=1, states=2, true_alerts=3, other_alerts=4, cases=5, audit=6, copies=7
        ),
        reveal=RevealSettings(
            case_pattern="INC[0-9]{7}",
            per_holder=1,
            per_site=2,
            outgoing="mails",
            sender="journalguard@example.ac.uk",
            dpo="dpo@example.ac.uk",
        ),
        kafka=KafkaSettings(
            servers=("kafka.example.ac.uk:9092",),
            prefix="p",
            group="g",
            partitions=4,
            replicas=1,
            security="sasl_ssl",
            ca_file="ca.pem",
            certificate_file="c.pem",
            key_file="k.pem",
            mechanism="SCRAM-SHA-256",
            user="u",
            password_file="pw",
        ),
        signin=SignInSettings(
            issuer="https://login.example.ac.uk",
            client_id="j",
            address="https://alerts.example.ac.uk",
            client_secret_file="s",
            ca_file="a.pem",
            scope="openid email",
            groups_claim="g",
            acr=("1",),
            amr=("mfa",),
            roles=RoleGroups(
                analyst=("a",),
                key_holder=("k",),
                approver=("p",),
                statistician=("s",),
                auditor=("u",),
                dpo=("d",),
                admin=("m",),
            ),
        ),
    )


def test_broken_toml_is_told_with_its_line() -> None:
    with pytest.raises(SettingsError, match=r"site.toml: .*at line 2.*quotes"):
        parse("timezone = 'UTC'\nlog_format = %h", "site.toml")


def test_a_folder_without_a_site_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=f"journalguard init {tmp_path}"):
        load_site(tmp_path, {})


def test_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_bytes(SMALL.encode() + b"# caf\xe9")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_site(tmp_path, {})


def test_paths_are_relative_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(SMALL + 'geo_city = "c.mmdb"\n')
    site = load_site(tmp_path, {})
    assert site.path(site.settings.geo_city) == tmp_path / "c.mmdb"
    assert site.path(site.settings.geo_asn) is None
    assert site.policy is None


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        parse(SMALL, "x").port = 1  # type: ignore[misc]  # that is the point
    assert isinstance(parse(SMALL, "x"), msgspec.Struct)
