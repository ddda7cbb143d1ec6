"""Every metric is documented and named by Prometheus' rules; none is documented that is not there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from tests.project.exposed import registries, series
from tests.project.repository import ROOT, lacking

PAGE = (ROOT / "docs/operations/metrics.md").read_text("utf-8")


def test_the_page_names_all_metrics_and_no_others(tmp_path: Path) -> None:
    there = {name for registry in registries(tmp_path).values() for _, name in series(registry)}
    assert set(re.findall(r"^\| `(\w+)", PAGE, re.MULTILINE)) == there


def test_one_name_is_one_thing_in_every_process(tmp_path: Path) -> None:
    """So that a rule may add over processes."""
    found: dict[str, set[tuple[str, str]]] = {}
    for registry in registries(tmp_path).values():
        for family, name in series(registry):
            found.setdefault(name, set()).add((family.type, family.documentation))
    assert {name for name, kinds in found.items() if len(kinds) > 1} == set()


@pytest.mark.parametrize("process", ["pages", "run", "shipper", "worker"])
def test_promtool_has_no_remark(tmp_path: Path, process: str) -> None:
    if not shutil.which("promtool"):
        lacking("promtool is not here (on Debian: apt-get install prometheus)")
    exposed = generate_latest(registries(tmp_path)[process])
    done = subprocess.run(["promtool", "check", "metrics"], input=exposed, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
