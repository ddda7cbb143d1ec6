"""README and ARCHITECTURE name what is there, and leave no setting, command or metric out."""

import re
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from alerts_api import metrics
from service.cli import COMMANDS, main
from service.events import Alert
from service.settings import Settings
from tests.project.repository import ROOT

README = (ROOT / "README.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
FILE = re.compile(r"`((?:service|models|pseudonymiser|alerts_api|tests|benchmarks|\.ci)(?:/[\w.*-]+)+/?)`")


def _command(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


def _calls(text: str) -> Iterator[tuple[str, list[str]]]:
    """Command and options of every call of journalguard in the text's code."""
    joined = text.replace("\\\n", " ")
    for call in re.findall(r"(?:^|`)\s*(?:\S*/)?journalguard ([a-z]+[^`\n]*)", joined, re.MULTILINE):
        yield call.split()[0], re.findall(r"(?<!\S)--[a-z-]+", call)


def _documented(text: str) -> set[str]:
    """Names in the first column of tables."""
    return {
        name
        for cell in re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", cell)
    }


def test_it_begins_with_demo_then_test() -> None:
    assert re.findall(r"^make [a-z-]+", README, re.MULTILINE)[:2] == ["make demo", "make test"]


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b(?=[`\n ]{1,}|$)", README + ARCHITECTURE)))
)
def test_targets_are_in_the_makefile(name: str) -> None:
    if re.search(rf"(?:^|`)make {name}\b", README + ARCHITECTURE, re.MULTILINE):
        assert re.search(rf"^{name}:", MAKEFILE, re.MULTILINE)


def test_calls_are_understood() -> None:
    calls = list(_calls(README))
    assert calls
    for name, options in calls:
        known = {option for parameter in _command(name).params for option in parameter.opts}
        assert set(options) - known - {"--help"} == set(), f"journalguard {name}"


def test_every_command_is_documented() -> None:
    assert set(COMMANDS) <= {name for name, _ in _calls(README)}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_for_every_option(name: str) -> None:
    command = _command(name)
    assert command.help
    shown = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    assert [option.name for option in shown if not option.help and option.name != "profile"] == []


def test_every_setting_is_documented() -> None:
    assert set(Settings.__struct_fields__) <= _documented(README)


def test_every_metric_is_documented() -> None:
    counters = (*metrics.COUNTERS.values(), metrics.REJECTED, metrics.ALERTS)
    gauges = (metrics.VERDICTS, metrics.OPEN, metrics.LAST_EVENT, metrics.LAST_WRITTEN)
    names = {f"{name}_total" for name, _ in counters} | {name for name, _ in gauges}
    assert names <= {name.partition("{")[0] for name in _documented(README)}


def test_every_field_of_an_alert_line_is_documented() -> None:
    fields = {
        "alert_id",
        "account",
        "opened_at",
        "updated_at",
        "score",
        "probability",
        "detections",
        "reasons",
    }
    assert fields <= set(Alert.__struct_fields__)
    assert fields <= set(re.findall(r"`(\w+)`", README))


@pytest.mark.parametrize("text", [README, ARCHITECTURE], ids=["README", "ARCHITECTURE"])
def test_files_named_are_there(text: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [name for name in [*FILE.findall(text), *links] if not list(ROOT.glob(name))] == []


def test_modules_named_in_the_code_map_are_there() -> None:
    """Lines of the map: a path, then what it is for."""
    for folder in ("pseudonymiser", "service", "models", "alerts_api"):
        block = re.search(rf"^### `{folder}/`.*?(?=^##|\Z)", ARCHITECTURE, re.MULTILINE | re.DOTALL)
        assert block, folder
        for name in re.findall(r"^\| `([\w/]+)`", block[0], re.MULTILINE):
            import_module(f"{folder}.{name.replace('/', '.')}")
