"""Who changes a module finds the file to run."""

import pytest

from tests.project import coverers
from tests.project.coverers import ELSEWHERE, coverers_of, product_modules
from tests.project.repository import ROOT


def test_every_module_has_a_test_file() -> None:
    """Its mirror, one that imports it or what uses it, or one that is named in ``ELSEWHERE``."""
    assert [str(module) for module in product_modules() if not coverers_of(module)] == []


def test_what_is_named_elsewhere_is_there_and_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [name for name, test in ELSEWHERE.items() if not (ROOT / test).exists()] == []
    modules = {str(module): module for module in product_modules()}
    assert set(ELSEWHERE) <= set(modules)
    names = list(ELSEWHERE)
    monkeypatch.setattr(coverers, "ELSEWHERE", {})
    assert [name for name in names if coverers_of(modules[name])] == []
