"""The documents name what is there, and leave no setting, command or metric out."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from service.cli import COMMANDS, main
from service.decision.decider import Decider
from service.kernel.measures import K
from service.policy.loading import load_policy
from service.records.events import Alert
from tests.project.owners import PACKAGES
from tests.project.repository import ROOT

PATHS = [*sorted(ROOT.glob("[A-Z]*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
DOCUMENTS = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in PATHS}
README, ARCHITECTURE = DOCUMENTS["README.md"], DOCUMENTS["ARCHITECTURE.md"]
# What users are told: the README, and what it sends each reader on to.
USERS = "\n".join([README, *(text for name, text in DOCUMENTS.items() if re.match(r"docs/[\w-]+\.md", name))])
WAY = ROOT / "docs/pictures/way.svg"
LONGEST_README = 150  # lines
NAME = re.compile(r"`(\w+)`")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
FILE = re.compile(
    r"`((?:service|models|pseudonymiser|alerts_api|tests|benchmarks|docs|deploy|changelog\.d|\.ci)(?:/[\w.*@-]+)+/?)`"
)
LINK = re.compile(r"\]\((?!https?:)([^)\s#]*)(?:#([\w-]+))?\)")


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


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= LONGEST_README


def test_it_leads_everybody_on() -> None:
    """Every document is a click away, but for the single decisions, which their list names."""
    links = {name for name, _ in LINK.findall(README)}
    apart = {"README.md", "docs/index.md"}
    assert {name for name in DOCUMENTS if not re.match(r"docs/adr/\d", name)} - apart <= links
    listed = {f"docs/adr/{name}" for name, _ in LINK.findall(DOCUMENTS["docs/adr/index.md"])}
    assert {name for name in DOCUMENTS if re.match(r"docs/adr/\d", name)} == listed


def test_targets_named_are_in_the_makefile() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", "\n".join(DOCUMENTS.values()), re.MULTILINE))
    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_calls_are_understood() -> None:
    calls = [call for text in DOCUMENTS.values() for call in _calls(text)]
    assert calls
    for name, options in calls:
        command = _command(name)
        parts = command.commands.values() if isinstance(command, click.Group) else [command]
        known = {option for part in parts for parameter in part.params for option in parameter.opts}
        assert set(options) - known - {"--help"} == set(), f"journalguard {name}"


def test_every_command_is_documented() -> None:
    assert set(COMMANDS) <= {name for name, _ in _calls(USERS)}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_for_every_option(name: str) -> None:
    command = _command(name)
    assert command.help
    shown = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    assert [option.name for option in shown if not option.help and option.name != "profile"] == []


def test_every_detection_is_documented() -> None:
    assert set(load_policy().detections) <= _documented(USERS)


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
    assert fields <= set(re.findall(r"`(\w+)`", USERS))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_named_are_there(document: str) -> None:
    named = [re.sub("NAME|SLUG|KIND", "*", name) for name in FILE.findall(DOCUMENTS[document])]
    assert [name for name in named if not list(ROOT.glob(name))] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    """File and heading; Sphinx looks too, but only where it builds."""
    broken = []
    for name, anchor in LINK.findall(DOCUMENTS[document]):
        target = ((ROOT / document).parent / name).resolve() if name else ROOT / document
        if not target.exists() or (anchor and anchor not in _anchors(target.read_text("utf-8"))):
            broken.append(f"{name}#{anchor}")
    assert broken == []


def _anchors(text: str) -> set[str]:
    """What GitHub and MyST call the headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_an_alert_s_decision_is_two_clicks_away() -> None:
    """README, then ARCHITECTURE, then the module."""
    assert "ARCHITECTURE.md" in {name for name, _ in LINK.findall(README)}
    assert inspect.getsourcefile(Decider) in {str(ROOT / name) for name, _ in LINK.findall(ARCHITECTURE)}


def test_words_of_the_pages_are_found_in_the_code() -> None:
    """What the glossary says to search for."""
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| (.*) \|$", DOCUMENTS["docs/glossary.md"], re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`([\w]+)`", row)}
    code = " ".join(
        path.read_text("utf-8") for package in PACKAGES for path in ROOT.glob(f"{package}/**/*.py")
    )
    assert names
    assert sorted(names - set(re.findall(r"\w+", code))) == []


def test_the_number_of_measures_is_that_of_the_code() -> None:
    counted = re.findall(r"(\d+) measures", "\n".join([*DOCUMENTS.values(), WAY.read_text("utf-8")]))
    assert set(counted) == {str(K)}


def test_pictures_are_drawn_and_described() -> None:
    ElementTree.parse(WAY)  # noqa: S314 - ours
    pictures = [(text, name) for text, name in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", README)]
    assert [Path(name).suffix for _, name in pictures] == [".svg", ".png"]
    assert all(text for text, _ in pictures)


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
