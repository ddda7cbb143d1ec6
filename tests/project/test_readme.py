"""README and ARCHITECTURE name what is there, and leave no setting, command or metric out."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from prometheus_client import CollectorRegistry

from alerts_api.web import metrics
from service.cli import COMMANDS, main
from service.config.settings import Settings
from service.distributed.protocol.telemetry import ShipperMetrics, WorkerMetrics
from service.policy import load_policy
from service.records.events import Alert
from tests.project.owners import PACKAGES
from tests.project.repository import ROOT

README = (ROOT / "README.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
NAME = re.compile(r"`(\w+)`")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
FILE = re.compile(r"`((?:service|models|pseudonymiser|alerts_api|tests|benchmarks|\.ci)(?:/[\w.*-]+)+/?)`")


def _command(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


def _calls(text: str) -> Iterator[tuple[str, list[str]]]:
    """Command and options of every call of journalguard in the text's code."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    code = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    for line in code + re.findall(r"`([^`\n]+)`", text):
        if call := re.search(r"(?:^|\| )journalguard ([a-z]+)(.*)", line):
            yield call[1], re.findall(r"(?<!\S)--[a-z-]+", call[2])


def _documented(text: str) -> set[str]:
    """Names in the first column of tables."""
    return {
        name
        for cell in re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", cell)
    }


def test_it_begins_with_demo_then_test() -> None:
    assert re.findall(r"^make [a-z-]+", README, re.MULTILINE)[:2] == ["make demo", "make test"]


def test_targets_named_are_in_the_makefile() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README + ARCHITECTURE, re.MULTILINE))
    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_calls_are_understood() -> None:
    calls = list(_calls(README))
    assert calls
    for name, options in calls:
        command = _command(name)
        parts = command.commands.values() if isinstance(command, click.Group) else [command]
        known = {option for part in parts for parameter in part.params for option in parameter.opts}
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


def test_every_detection_is_documented() -> None:
    assert set(load_policy().detections) <= _documented(README)


def test_every_metric_is_documented() -> None:
    counters = (*metrics.COUNTERS.values(), metrics.REJECTED, metrics.ALERTS, metrics.ASIDE, metrics.MISSED)
    times = (metrics.LAST_EVENT, metrics.LAST_WRITTEN, metrics.LAST_MESSAGE)
    retained = (metrics.RETAINED, metrics.RETENTION)
    gauges = (
        *retained,
        metrics.REVEALS,
        metrics.REVEALS_OVERDUE,
        metrics.VERDICTS,
        metrics.OPEN,
        metrics.LAG,
        *times,
    )
    names = {f"{name}_total" for name, _ in counters} | {name for name, _ in gauges}
    assert names <= {name.partition("{")[0] for name in _documented(README)}


@pytest.mark.parametrize("metrics_of", [ShipperMetrics, WorkerMetrics])
def test_every_metric_of_shipper_and_worker_is_documented(
    metrics_of: type[ShipperMetrics] | type[WorkerMetrics],
) -> None:
    registry = CollectorRegistry()
    metrics_of(registry)
    names = {f"{m.name}_total" if m.type == "counter" else m.name for m in registry.collect()}
    assert names
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


@pytest.mark.parametrize("folder", PACKAGES)
def test_the_code_map_is_complete(folder: str) -> None:
    """Of each room every module once, and nothing that is gone."""
    block = re.search(rf"^### `{folder}/`.*?(?=^##)", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    assert block
    rows = re.findall(r"^\| (`[^|]*`) \|[^|]*\|(?:([^|]*)\|)?$", block[0], re.MULTILINE)
    reported = {room.strip("`"): NAME.findall(names) for room, names in rows if names.strip()}
    assert {room: sorted(names) for room, names in reported.items()} == dict(_rooms(ROOT / folder))
    flat = [name for room, names in rows if not names.strip() for name in NAME.findall(room)]
    assert sorted(flat) == _modules(ROOT / folder)


def _rooms(package: Path) -> Iterator[tuple[str, list[str]]]:
    for path in package.rglob("*/__init__.py"):
        if names := _modules(path.parent):
            yield path.parent.relative_to(package).as_posix(), names


def _modules(room: Path) -> list[str]:
    return sorted(path.stem for path in room.glob("[a-z]*.py"))
