"""The structure in figures: rooms, the arrows between them, sizes of modules and functions.

``make house`` prints them. An arrow is an import of one room by another; it runs uphill against the layers of
``pyproject.toml``, and a circle is a way of arrows back to its room.
"""

import ast
import statistics
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.project.owners import PACKAGES
from tests.project.repository import ROOT


class House(NamedTuple):
    """What was counted."""

    rooms: frozenset[str]
    arrows: frozenset[tuple[str, str]]
    module_lines: tuple[int, ...]
    function_lines: tuple[int, ...]
    returns_typed: float  # share of functions
    documented: float  # share of public modules, classes and functions


def house(root: Path = ROOT) -> House:
    """Read the packages under ``root``."""
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    trees = {path: ast.parse(path.read_bytes()) for path in paths}
    rooms = frozenset(_room(path.relative_to(root)) for path in paths)
    arrows = {
        (_room(path.relative_to(root)), room)
        for path, tree in trees.items()
        for name in _imported(tree)
        if (room := _room_of(name, rooms)) and room != _room(path.relative_to(root))
    }
    functions = [
        node
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return House(
        rooms=rooms,
        arrows=frozenset(arrows),
        module_lines=tuple(n for path in paths if (n := len(path.read_text("utf-8").splitlines())) > 5),
        function_lines=tuple((node.end_lineno or node.lineno) - node.lineno + 1 for node in functions),
        returns_typed=sum(node.returns is not None for node in functions) / len(functions),
        documented=_documented(trees.values()),
    )


def _room(path: Path) -> str:
    """The room of a module; the commands' table in `service/cli/__init__.py` belongs to its room."""
    return ".".join(path.parent.parts)


def _room_of(name: str, rooms: frozenset[str]) -> str:
    parts = name.split(".")
    return next((room for n in range(len(parts), 0, -1) if (room := ".".join(parts[:n])) in rooms), "")


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _documented(trees: Iterable[ast.Module]) -> float:
    public = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not getattr(node, "name", "").startswith("_")
    ]
    return sum(ast.get_docstring(node) is not None for node in public) / len(public)


def layers() -> list[list[set[str]]]:
    """The layers of each contract, the highest first; a room stands for all rooms in it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    return [
        [{name.strip() for name in layer.split("|")} for layer in contract["layers"]]
        for contract in contracts
        if contract["type"] == "layers"
    ]


def uphill(arrows: frozenset[tuple[str, str]]) -> list[tuple[str, str]]:
    """Arrows against a contract's layers, but those of the composition root."""

    def floor(room: str, contract: list[set[str]]) -> int | None:
        named = (
            n for n, layer in enumerate(contract) if any(f"{room}.".startswith(f"{name}.") for name in layer)
        )
        return next(named, None)

    return sorted(
        (a, b)
        for a, b in arrows
        for contract in layers()
        if a != "service.cli"
        and (up := floor(b, contract)) is not None
        and (down := floor(a, contract)) is not None
        and up < down
    )


def circles(arrows: frozenset[tuple[str, str]]) -> list[str]:
    """Rooms from which a way of arrows leads back."""
    onward: dict[str, set[str]] = {}
    for a, b in arrows:
        onward.setdefault(a, set()).add(b)
    found = []
    for start in sorted(onward):
        seen: set[str] = set()
        ahead = list(onward[start])
        while ahead:
            room = ahead.pop()
            if room not in seen:
                seen.add(room)
                ahead += onward.get(room, ())
        if start in seen:
            found.append(start)
    return found


def _percentile(values: tuple[int, ...], share: float) -> int:
    return sorted(values)[int(share * (len(values) - 1))]


def main() -> None:
    """Print the figures."""
    now = house()
    flat = [path for package in ("service", "alerts_api") for path in (ROOT / package).glob("[a-z]*.py")]
    rows = [
        ("rooms", len(now.rooms)),
        ("modules beside the rooms of service and alerts_api", len(flat)),
        ("arrows between rooms", len(now.arrows)),
        ("of them uphill", len(uphill(now.arrows))),
        ("rooms in a circle", len(circles(now.arrows))),
        ("lines of a module: median", statistics.median(now.module_lines)),
        ("lines of a module: of ten the ninth", _percentile(now.module_lines, 0.9)),
        ("lines of a module: longest", max(now.module_lines)),
        ("lines of a function: median", statistics.median(now.function_lines)),
        ("lines of a function: of ten the ninth", _percentile(now.function_lines, 0.9)),
        ("lines of a function: longest", max(now.function_lines)),
        ("functions with typed returns", f"{now.returns_typed:.1%}"),
        ("public things with a docstring", f"{now.documented:.1%}"),
    ]
    for label, value in rows:
        print(f"{label:<52}{value:>10}")  # noqa: T201 - what the command is for


if __name__ == "__main__":
    main()
