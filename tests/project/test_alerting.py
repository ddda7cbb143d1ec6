"""Rules, runbook and dashboards belong together, and name only what processes really tell."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project.exposed import registries, series
from tests.project.repository import ROOT, lacking

FOLDER = ROOT / "deploy/prometheus"
RULES = yaml.safe_load((FOLDER / "rules.yaml").read_text("utf-8"))
RUNBOOK = (ROOT / "docs/operations/runbook.md").read_text("utf-8")
DASHBOARDS = sorted((ROOT / "deploy/grafana").glob("*.json"))
PARTS = ("**Meaning.**", "**First look.**", "**Mend.**", "**Over when**")


def rules(kind: str) -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"] if kind in rule]


def tool(*words: str) -> "subprocess.CompletedProcess[str]":
    if not shutil.which(words[0]):
        lacking(f"{words[0]} is not here (on Debian: apt-get install prometheus prometheus-alertmanager)")
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=FOLDER)


def test_promtool_takes_rules_and_settings() -> None:
    for words in (["rules", "rules.yaml"], ["config", "prometheus.yaml"], ["config", "containers.yaml"]):
        done = tool("promtool", "check", *words)
        assert done.returncode == 0, done.stdout + done.stderr


def test_amtool_takes_the_example() -> None:
    done = tool("amtool", "check-config", "alertmanager.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_cases_of_the_rules() -> None:
    done = tool("promtool", "test", "rules", str(ROOT / "tests/project/rules_test.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    cases = yaml.safe_load((ROOT / "tests/project/rules_test.yaml").read_text("utf-8"))
    fires: set[str] = set()
    holds: set[str] = set()
    for case in cases["tests"]:
        for check in case["alert_rule_test"]:
            (fires if check.get("exp_alerts") else holds).add(check["alertname"])
    assert fires == {rule["alert"] for rule in rules("alert")}
    assert holds == fires, "each has also a case where it does not fire"


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    names = [rule["alert"] for rule in rules("alert")]
    assert sorted(re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)) == sorted(names)
    for rule in rules("alert"):
        assert rule["annotations"]["runbook_url"].endswith(f"runbook.md#{rule['alert'].lower()}")
        assert rule["labels"]["severity"] in {"page", "ticket"}
        section = RUNBOOK.partition(f"## {rule['alert']}\n")[2].partition("\n## ")[0]
        assert [part for part in PARTS if section.count(part) != 1] == [], rule["alert"]


def known(folder: Path) -> set[str]:
    """All names that a query may have: of processes, and of the recording rules."""
    told = {name for registry in registries(folder).values() for _, name in series(registry)}
    parts = {f"{name}{end}" for name in told for end in ("_bucket", "_count", "_sum")}
    return told | parts | {rule["record"] for rule in rules("record")}


def named(query: str) -> set[str]:
    return set(re.findall(r"\bjournalguard[_:][\w:]+", re.sub(r'"[^"]*"', "", query)))


def queries() -> Iterator[tuple[str, str]]:
    for rule in (*rules("record"), *rules("alert")):
        yield rule.get("alert") or rule["record"], rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel.get("targets", ()):
                yield f"{path.name}: {panel['title']}", target["expr"]


def test_queries_name_what_is_told(tmp_path: Path) -> None:
    names = known(tmp_path)
    unknown = {where: named(query) - names for where, query in queries() if named(query) - names}
    assert unknown == {}
    assert {f"{path.name}" for path in DASHBOARDS} == {"service.json", "detection.json", "privacy.json"}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_load_from_any_source_and_have_a_sentence_for_each_panel(path: Path) -> None:
    board = json.loads(path.read_text("utf-8"))
    assert board["uid"] == f"journalguard-{path.stem}"
    assert board["templating"]["list"][0]["type"] == "datasource"
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    for panel in board["panels"]:
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
