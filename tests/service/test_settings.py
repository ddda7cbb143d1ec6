"""site.toml: what it may hold, what is said of mistakes."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import SettingsError, SiteError
from service.settings import OVERRIDES, SETTINGS_FILE, Settings, load_site, parse, render

SMALL = 'log_format = "%h %u %t %U"\ntimezone = "Europe/London"\n'
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


def test_every_setting_stands_in_the_file_with_a_comment() -> None:
    """A setting that is added without words for the operator fails here."""
    text = render(parse(SMALL, "site.toml"))
    for name in Settings.__struct_fields__:
        assert re.search(rf"^#.*\n(?:[a-z_]+ = .*\n)*{name} = ", text, re.MULTILINE), name


@given(TEXT, st.tuples(TEXT, TEXT), st.integers(0, 65535))
def test_what_is_written_reads_back(log_format: str, names: tuple[str, str], port: int) -> None:
    settings = Settings(log_format=log_format, timezone="UTC", realms=names, port=port)
    assert parse(render(settings), "site.toml") == settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("log_fromat = 1", "site.toml, line 1: unknown setting 'log_fromat'; did you mean 'log_format'?"),
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
