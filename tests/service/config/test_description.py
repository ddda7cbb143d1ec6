"""One field makes a setting: everything else is made of it."""

import inspect
import re
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from service.config.description import Setting, Table, settings_by_key, tables
from service.config.settings import Settings
from service.config.tables import about
from service.config.template import render
from tests.project.repository import ROOT

SETTINGS = settings_by_key().values()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda each: each.key)
def test_a_setting_has_words_and_an_example(setting: Setting) -> None:
    assert setting.words.endswith(".")
    assert setting.example not in (None, "", ())
    msgspec.convert(setting.example, setting.hint)  # it would be accepted


@pytest.mark.parametrize("table", tables()[1:], ids=lambda each: each.key)
def test_a_table_has_words(table: Table) -> None:
    assert table.words.endswith(".")


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("timezone", "text"),
        ("logs", "list of texts"),
        ("username", '"user" or "session"'),
        ("port", "whole number, 0 to 65535"),
        ("checkpoint_lines", "whole number, 1 or more"),
        ("checkpoint_seconds", "number, 0.05 to 3600"),
        ("alerts_per_day", "number above 0, at most 1000"),
        ("kafka.security", '"plaintext" or "ssl" or "sasl_plaintext" or "sasl_ssl"'),
    ],
)
def test_type_and_range_are_told_in_words(key: str, values: str) -> None:
    assert settings_by_key()[key].values == values


def test_names_follow_from_the_place() -> None:
    setting = settings_by_key()["signin.roles.key_holder"]
    assert (setting.table, setting.name) == ("signin.roles", "key_holder")
    assert setting.variable == "JOURNALGUARD_SIGNIN_ROLES_KEY_HOLDER"


def test_the_first_sentence_is_the_brief_one() -> None:
    assert settings_by_key()["port"].brief == "Port at which the pages are served; 0 picks a free one."
    assert settings_by_key()["kafka.servers"].brief == "The brokers, host:port."


def test_choices_that_the_words_leave_out_are_added() -> None:
    assert settings_by_key()["kafka.mechanism"].full_words.endswith(
        'Choose "SCRAM-SHA-256" or "SCRAM-SHA-512".'
    )
    assert settings_by_key()["username"].full_words == settings_by_key()["username"].words


class Sms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    number: Annotated[str, about("Telephone that is called.", example="+44 1632 960001")] = ""


class MoreSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As if somebody had added a setting, the one of CONTRIBUTING, and a table."""

    quiet_minutes: Annotated[
        int,
        Meta(ge=0, le=1440),
        about("Minutes for which an alert waits before it is shown. 0: none."),
    ] = 0
    sms: Annotated[Sms, about("Who is called.")] = Sms()


def test_a_field_is_all_there_is_to_write_for_a_new_setting() -> None:
    found = settings_by_key(MoreSettings)
    assert found["quiet_minutes"].values == "whole number, 0 to 1440"
    assert found["quiet_minutes"].variable == "JOURNALGUARD_QUIET_MINUTES"
    assert found["sms.number"].variable == "JOURNALGUARD_SMS_NUMBER"
    text = render(MoreSettings(log_format="%h", timezone="UTC"))
    assert "\n# Minutes for which an alert waits before it is shown. 0: none.\nquiet_minutes = 0\n" in text
    assert text.endswith('\n# Who is called.\n[sms]\n\n# Telephone that is called.\nnumber = ""\n')


def test_contributing_shows_that_field() -> None:
    shown = re.search(
        r"### A setting.*?```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL
    )
    assert shown
    assert shown[1] in inspect.getsource(MoreSettings)
