"""Which test files a module has: its mirror in ``tests``, or those that import it.

Also a program that tells a newcomer what to run after a change: ``python -m tests.project.coverers FILE...``
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.project.repository import ROOT

PACKAGES = ("service", "models", "pseudonymiser", "alerts_api")
# What tests run without importing it: commands, by their names; processes; what templates show.
ELSEWHERE = {
    "alerts_api/reveal/words.py": "tests/alerts_api/reveal/test_reveal_pages.py",
    "alerts_api/rights/holdings.py": "tests/e2e/test_access.py",
    "alerts_api/rights/rectification.py": "tests/e2e/test_access.py",
    "alerts_api/web/reveal_frame.py": "tests/alerts_api/reveal/test_reveal_pages.py",
    "service/cli/demo.py": ".ci/run",
    "service/cli/demo_site.py": ".ci/run",
    "service/cli/documents.py": "tests/e2e/test_access.py",
    "service/cli/evaluate.py": "tests/service/evaluation/test_command.py",
    "service/cli/models.py": "tests/service/learning/test_model_versions.py",
    "service/cli/replay.py": "tests/service/cli/test_cli.py",
    "service/cli/rights.py": "tests/e2e/test_access.py",
    "service/cli/ship.py": "tests/kafka/test_shipper.py",
    "service/cli/simulate.py": "tests/service/cli/test_cli.py",
    "service/cli/subject_copies.py": "tests/e2e/test_access.py",
    "service/cli/topics.py": "tests/kafka/test_topics.py",
    "service/cli/worker.py": "tests/kafka/test_parity.py",
    "service/distributed/shipper/shipper.py": "tests/kafka/test_shipper.py",
    "service/distributed/sink/sink.py": "tests/kafka/test_sink.py",
    "service/distributed/sink/verdict_publisher.py": "tests/kafka/test_parity.py",
    "service/distributed/worker/account_handover.py": "tests/service/distributed/worker/test_partition_processor.py",  # noqa: E501
    "service/distributed/worker/app.py": "tests/kafka/test_parity.py",
    "service/distributed/worker/partition_task.py": "tests/kafka/test_parity.py",
    "service/distributed/worker/start.py": "tests/kafka/test_parity.py",
    "service/privacy/subject_copy.py": "tests/e2e/test_access.py",
}


def product_modules() -> list[Path]:
    """Modules with code of their own, relative to the checkout."""
    found = (path.relative_to(ROOT) for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
    return sorted(
        path for path in found if path.stem not in {"__init__", "__main__"} and "migrations" not in path.parts
    )


def coverers_of(module: Path) -> list[Path]:
    """Test files of a module: its mirror, else those that import it, else those of the modules that do."""
    if own := _mirror(module):
        return own
    if str(module) in ELSEWHERE:
        return [Path(ELSEWHERE[str(module)])]
    if direct := _importers(module, _tests()):
        return direct
    users = _importers(module, _product())
    found_of = [_importers(user, _tests()) or _mirror(user) for user in users]
    return sorted({path for found in found_of for path in found})


def _mirror(module: Path) -> list[Path]:
    path = Path("tests", *module.parts[:-1], f"test_{module.name}")
    return [path] if (ROOT / path).exists() else []


@cache
def _product() -> tuple[Path, ...]:
    return tuple(product_modules())


@cache
def _tests() -> tuple[Path, ...]:
    return tuple(sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")))


def _importers(module: Path, among: tuple[Path, ...]) -> list[Path]:
    name = ".".join(module.with_suffix("").parts)
    return [path for path in among if name in _names(path)]


@cache
def _names(path: Path) -> frozenset[str]:
    return frozenset(_imported(ROOT / path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def main() -> int:
    for name in sys.argv[1:]:
        found = coverers_of(Path(name).absolute().relative_to(ROOT))
        print(f"{name}: {' '.join(map(str, found)) or 'none'}")  # noqa: T201 - a program's output
    return 0


if __name__ == "__main__":
    sys.exit(main())
