"""A module that no longer fits a head is two modules."""

from tests.project.repository import ROOT, modules

LONGEST = 400  # lines


def test_no_module_is_too_long() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}
