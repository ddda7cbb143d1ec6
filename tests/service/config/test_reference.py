"""docs/settings.md is what the fields of the settings make of it."""

import re

import pytest

from service.config.description import settings_by_key, tables
from service.config.environment import FROM_FILE
from service.config.reference import render_reference
from tests.project.repository import ROOT

TEXT = render_reference()


def test_the_document_is_up_to_date() -> None:
    assert (ROOT / "docs/settings.md").read_text("utf-8") == TEXT, "run `make settings`"


def test_every_setting_and_every_table_has_a_row() -> None:
    named = re.findall(r"^\| `([\w.]+)` \|.*\|.*\|.*\|$", TEXT, re.MULTILINE)
    assert sorted(named) == sorted([*settings_by_key(), *(table.key for table in tables() if table.key)])


@pytest.mark.parametrize(
    "row",
    [
        "| `port` | whole number, 0 to 65535 | `8321` | Port at which the pages are served; 0 picks a free "
        "one. |",
        "| `signin.amr` | list of texts | `[]` | Methods (amr), one of which the provider has to state there "
        '("mfa", "otp", "hwk"). Empty: any. |',
        '| `kafka.user` | text | `""` | With sasl: the user. Example: `"journalguard"`. |',
    ],
)
def test_a_row_tells_type_range_default_and_example(row: str) -> None:
    assert row in TEXT.splitlines()


def test_words_are_not_read_as_markup() -> None:
    assert "%{name}&lt;regular expression&gt;" in TEXT
    assert "/var/log/proxy-\\*/ezproxy.log" in TEXT
    assert "see \\[signin\\], or `journalguard users add`" in TEXT


@pytest.mark.parametrize("pattern", ["README.md", "docs/**/*.md", "deploy/*.yaml", "deploy/systemd/*"])
def test_variables_that_are_named_are_those_of_settings(pattern: str) -> None:
    known = {
        name for each in settings_by_key().values() for name in (each.variable, each.variable + FROM_FILE)
    }
    texts = [path.read_text("utf-8") for path in ROOT.glob(pattern)]
    named = {name for text in texts for name in re.findall(r"JOURNALGUARD_[A-Z_]*[A-Z]", text)}
    assert texts
    assert named <= known
