"""site.toml: what it may hold, what is said of mistakes."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.base.errors import SettingsError, SiteError
from service.config.loader import OVERRIDES, load_site, parse
from service.config.settings import (
    SETTINGS_FILE,
    KafkaSettings,
    RetentionSettings,
    RevealSettings,
    RoleGroups,
    Settings,
    SignInSettings,
)
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
        ('log_format = "x"', "site.toml: the setting 'timezone' is missing"),
        (SMALL + "port = 99999", "site.toml, line 3: port: expected int <= 65535"),
        (SMALL + 'port = "a"', "site.toml, line 3: port: expected int, got str"),
        (SMALL + 'logs = "a"', "site.toml, line 3: logs: expected array, got str"),
        (SMALL + "alerts_per_day = 0", "site.toml, line 3: alerts_per_day: expected float > 0.0"),
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
        (SMALL + "\n[kafka]\n", "site.toml, line 4: the setting 'kafka.servers' is missing"),
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
        (KAFKA + "partitions = 0", "site.toml, line 5: kafka.partitions: expected int >= 1"),
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


def test_the_environment_overrides_a_few(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(SMALL)
    site = load_site(
        tmp_path, {"JOURNALGUARD_PORT": "9000", "JOURNALGUARD_ALERTS_PER_DAY": "1.5", "HOME": "/"}
    )
    assert (site.settings.port, site.settings.alerts_per_day) == (9000, 1.5)
    assert set(OVERRIDES) <= set(Settings.__struct_fields__)


def test_a_bad_override_names_its_variable(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(SMALL)
    with pytest.raises(SettingsError, match="JOURNALGUARD_PORT: port: expected int"):
        load_site(tmp_path, {"JOURNALGUARD_PORT": "http"})


def test_the_environment_names_brokers_and_database(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(KAFKA + "partitions = 4\n")
    environment = {
        "JOURNALGUARD_KAFKA_SERVERS": "kafka-1.example.ac.uk:9092, kafka-2.example.ac.uk:9092",
        "JOURNALGUARD_DATABASE_URL": "postgresql://journalguard@db.example.ac.uk/journalguard",
        "JOURNALGUARD_METRICS_PORT": "9100",
        "JOURNALGUARD_SHIPPER": "2",
    }
    settings = load_site(tmp_path, environment).settings
    assert settings.kafka is not None
    assert settings.kafka.servers == ("kafka-1.example.ac.uk:9092", "kafka-2.example.ac.uk:9092")
    assert (settings.kafka.partitions, settings.metrics_port, settings.shipper) == (4, 9100, 2)
    assert settings.database_url == environment["JOURNALGUARD_DATABASE_URL"]


def test_brokers_of_the_environment_are_enough(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(SMALL)
    site = load_site(tmp_path, {"JOURNALGUARD_KAFKA_SERVERS": "127.0.0.1:9092"})
    assert site.settings.kafka == KafkaSettings(servers=("127.0.0.1:9092",))
    with pytest.raises(SettingsError, match=r"JOURNALGUARD_KAFKA_SERVERS: kafka\.servers: '' is not"):
        load_site(tmp_path, {"JOURNALGUARD_KAFKA_SERVERS": ""})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://journalguard:hunter2@127.0.0.1/journalguard",
        "postgresql+psycopg://127.0.0.1/journalguard?user=journalguard&password=hunter2",
        "host=127.0.0.1 password=hunter2",
        "postgresql://journalguard:hunter2@[127.0.0.1/journalguard",
    ],
)
def test_a_password_in_the_address_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(SMALL)
    with pytest.raises(SettingsError, match=r"^environment variable JOURNALGUARD_DATABASE_URL") as caught:
        load_site(tmp_path, {"JOURNALGUARD_DATABASE_URL": url})
    assert "hunter2" not in str(caught.value)
    with pytest.raises(SettingsError) as caught:
        parse(SMALL + f'database_url = "{url}"', "site.toml")
    assert "hunter2" not in str(caught.value)


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
