"""Settings from environment variables and from files that they name."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from service.base.errors import SettingsError
from service.config.description import Setting, settings_by_key
from service.config.environment import FROM_FILE
from service.config.loader import load_site, parse
from service.config.settings import SETTINGS_FILE
from service.config.tables import KafkaSettings
from tests.service.config.test_settings import KAFKA, SIGNIN, SMALL, WITH_SIGNIN

SETTINGS = settings_by_key().values()
# Of the previous release: these names go on working.
OVERRIDES = {
    "JOURNALGUARD_HOST": "host",
    "JOURNALGUARD_PORT": "port",
    "JOURNALGUARD_ALERTS_PER_DAY": "alerts_per_day",
    "JOURNALGUARD_GEO_CITY": "geo_city",
    "JOURNALGUARD_GEO_ASN": "geo_asn",
    "JOURNALGUARD_DATABASE_URL": "database_url",
    "JOURNALGUARD_SHIPPER": "shipper",
    "JOURNALGUARD_METRICS_PORT": "metrics_port",
    "JOURNALGUARD_KAFKA_SERVERS": "kafka.servers",
}


def value_of(key: str, text: str, environment: dict[str, str]) -> object:
    """A setting as a command sees it."""
    found: object = parse(text, "site.toml", environment)
    for name in key.split("."):
        found = getattr(found, name)
    return found


def complaint(text: str, environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(text, "site.toml", environment)
    return str(caught.value)


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(SMALL + "port = 80\n")
    site = load_site(
        tmp_path, {"JOURNALGUARD_PORT": "9000", "JOURNALGUARD_ALERTS_PER_DAY": "1.5", "HOME": "/"}
    )
    assert (site.settings.port, site.settings.alerts_per_day) == (9000, 1.5)


def test_names_of_the_previous_release_are_those_of_the_scheme() -> None:
    assert {setting.variable: setting.key for setting in SETTINGS}.items() >= OVERRIDES.items()


def test_no_two_settings_share_a_variable() -> None:
    """`kafka.password_file` must not be read as the file with a `kafka.password`."""
    names = Counter(name for each in SETTINGS for name in (each.variable, each.variable + FROM_FILE))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("by_file", [False, True], ids=["variable", "file"])
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda each: each.key)
def test_every_setting_can_be_given(setting: Setting, by_file: bool, tmp_path: Path) -> None:
    """The example of each on top of a file that has everything."""
    text = Path(__file__).with_name("site-0.1.0.toml").read_text("utf-8")
    shown = setting.example
    given = ",".join(shown) if isinstance(shown, list | tuple) else str(shown)
    environment = {setting.variable: given}
    if by_file:
        (tmp_path / "value").write_text(f"\n{given}\n")
        environment = {setting.variable + FROM_FILE: str(tmp_path / "value")}
    assert value_of(setting.key, text, environment) == msgspec.convert(shown, setting.hint)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a", ("a",)),
        ("a, b ,c", ("a", "b", "c")),
        ("", ()),
        ('["cn=library,ou=groups", "b"]', ("cn=library,ou=groups", "b")),
        ("[2001:db8::1]:9092", ("[2001:db8::1]:9092",)),
    ],
)
def test_lists_are_separated_by_commas(text: str, items: tuple[str, ...]) -> None:
    assert value_of("realms", SMALL, {"JOURNALGUARD_REALMS": text}) == items


def test_a_list_that_is_no_json_is_told() -> None:
    told = complaint(SMALL, {"JOURNALGUARD_REALMS": '["a", "b"'})
    assert told.startswith("environment variable JOURNALGUARD_REALMS: ")
    assert told.endswith('write a JSON array like ["a", "b"]')


def test_required_settings_may_come_from_the_environment_alone() -> None:
    settings = parse("", "site.toml", {"JOURNALGUARD_LOG_FORMAT": "%h", "JOURNALGUARD_TIMEZONE": "UTC"})
    assert (settings.log_format, settings.timezone) == ("%h", "UTC")


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


def test_brokers_of_the_environment_are_enough() -> None:
    settings = parse(SMALL, "site.toml", {"JOURNALGUARD_KAFKA_SERVERS": "127.0.0.1:9092"})
    assert settings.kafka == KafkaSettings(servers=("127.0.0.1:9092",))


def test_a_whole_table_may_come_from_the_environment() -> None:
    environment = {
        "JOURNALGUARD_SIGNIN_ISSUER": SIGNIN.issuer,
        "JOURNALGUARD_SIGNIN_CLIENT_ID": SIGNIN.client_id,
        "JOURNALGUARD_SIGNIN_ADDRESS": SIGNIN.address,
        "JOURNALGUARD_SIGNIN_ROLES_ANALYST": "library-security",
    }
    assert parse(SMALL, "site.toml", environment).signin == SIGNIN


def test_file_and_environment_are_checked_together() -> None:
    """Neither is complete by itself."""
    environment = {
        "JOURNALGUARD_KAFKA_SECURITY": "sasl_ssl",
        "JOURNALGUARD_KAFKA_USER": "journalguard",
        "JOURNALGUARD_KAFKA_PASSWORD_FILE": "secret",
    }
    kafka = parse(KAFKA, "site.toml", environment).kafka
    assert kafka is not None
    assert (kafka.security, kafka.user, kafka.password_file) == ("sasl_ssl", "journalguard", "secret")
    assert parse(WITH_SIGNIN, "x", {"JOURNALGUARD_SIGNIN_ROLES_ADMIN": "systems"}).signin is not None


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"JOURNALGUARD_PORT": "http"},
            "environment variable JOURNALGUARD_PORT: port: expected int, got str; write it like 8321",
        ),
        (
            {"JOURNALGUARD_PORT": "70000"},
            "environment variable JOURNALGUARD_PORT: port: expected int <= 65535; write it like 8321",
        ),
        (
            {"JOURNALGUARD_CHECKPOINT_SECONDS": "nan"},
            "environment variable JOURNALGUARD_CHECKPOINT_SECONDS: checkpoint_seconds: "
            "expected float >= 0.05; write it like 1.0",
        ),
        (
            {"JOURNALGUARD_USERNAME": "name"},
            "environment variable JOURNALGUARD_USERNAME: username: invalid enum value 'name'; "
            'choose "user" or "session"',
        ),
        (
            {"JOURNALGUARD_TIMEZONE": "Europe/Lodnon"},
            "environment variable JOURNALGUARD_TIMEZONE: 'Europe/Lodnon' is not an IANA time zone; "
            "did you mean 'Europe/London'?",
        ),
        (
            {"JOURNALGUARD_KAFKA_SERVERS": ""},
            "environment variable JOURNALGUARD_KAFKA_SERVERS: kafka.servers: names no broker; "
            'write it like ["kafka.example.ac.uk:9092"]',
        ),
        (
            {"JOURNALGUARD_KAFKA_SERVERS": "kafka.example.ac.uk:9092,"},
            "environment variable JOURNALGUARD_KAFKA_SERVERS: kafka.servers: '' is not host:port; "
            "write it like kafka.example.ac.uk:9092",
        ),
        (
            {"JOURNALGUARD_KAFKA_PREFIX": "uni"},
            "site.toml, and environment variable JOURNALGUARD_KAFKA_PREFIX: the setting 'kafka.servers' is "
            'missing; write it like servers = ["127.0.0.1:9092"]',
        ),
        (
            {"JOURNALGUARD_PORT": "1", "JOURNALGUARD_PORT_FILE": "x"},
            "environment variables JOURNALGUARD_PORT and JOURNALGUARD_PORT_FILE: give one of the two",
        ),
    ],
)
def test_a_mistake_names_its_variable(environment: dict[str, str], message: str) -> None:
    assert complaint(SMALL, environment) == message


def test_a_mistake_of_file_and_environment_together_names_both() -> None:
    assert complaint(KAFKA, {"JOURNALGUARD_KAFKA_SECURITY": "sasl_ssl"}) == (
        "site.toml, line 3, and environment variable JOURNALGUARD_KAFKA_SECURITY: kafka.user: is needed with "
        'security = "sasl_ssl"'
    )


def test_a_table_that_is_none_is_told_of_the_file() -> None:
    told = complaint(SMALL + "kafka = 3", {"JOURNALGUARD_KAFKA_SERVERS": "127.0.0.1:9092"})
    assert told.startswith("site.toml, line 3: kafka: is a table")


def test_a_mistake_in_a_file_names_variable_and_file(tmp_path: Path) -> None:
    path = tmp_path / "port"
    path.write_text("eighty\n")
    assert complaint(SMALL, {"JOURNALGUARD_PORT_FILE": str(path)}) == (
        f"environment variable JOURNALGUARD_PORT_FILE, file {path}: port: expected int, got str; "
        "write it like 8321"
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("absent", "No such file or directory; name a file that can be read"),
        (".", "Is a directory; name a file that can be read"),
        ("latin", "not UTF-8 (byte 3); save it as UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    variable, path = "JOURNALGUARD_KAFKA_USER_FILE", tmp_path / name
    assert complaint(KAFKA, {variable: str(path)}) == f"environment variable {variable}, file {path}: {says}"


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
    path = tmp_path / "url"
    path.write_text(url)
    for told in (
        complaint(SMALL, {"JOURNALGUARD_DATABASE_URL": url}),
        complaint(SMALL, {"JOURNALGUARD_DATABASE_URL_FILE": str(path)}),
    ):
        assert told.startswith("environment variable JOURNALGUARD_DATABASE_URL")
        assert "hunter2" not in told
    assert "hunter2" not in complaint(SMALL + f'database_url = "{url}"', {})
