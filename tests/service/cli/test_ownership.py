"""Packages of our names that are not ours are told before anything of them runs."""

import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from service.cli import ownership
from service.cli.ownership import PACKAGES, foreign_package
from tests.project.owners import PACKAGES as OWNED


def test_here_all_are_ours() -> None:
    assert foreign_package() is None
    assert PACKAGES == OWNED


@pytest.mark.parametrize("name", [name for name in PACKAGES if name != "service"])
def test_another_package_of_the_name_is_told_with_its_place(tmp_path: Path, name: str) -> None:
    """As where somebody starts it in a folder that has one, without ``-P``."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    root = str(Path(ownership.__file__).parents[2])
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {root!r}]; import service.cli; "
    code += f"sys.path.remove({root!r}); sys.path.append({root!r}); service.cli.main(['run', '--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {tmp_path / name}: is found instead of journalguard's own ")
    assert "virtual environment of its own" in done.stderr


def test_a_folder_without_our_file_is_told() -> None:
    assert "missing or has no __init__.py" in str(foreign_package(lambda _: None))
    assert "missing or has no __init__.py" in str(foreign_package(lambda name: ModuleSpec(name, None)))


def test_an_overwritten_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = {f"{name}/__init__.py": "of another content" for name in PACKAGES[1:]}
    monkeypatch.setattr(ownership, "_recorded", lambda: recorded)
    assert "models/__init__.py: was overwritten by another package named models" in str(foreign_package())
