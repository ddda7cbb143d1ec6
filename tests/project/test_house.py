"""The structure: no room in a circle, no arrow uphill, no module beside the rooms."""

from tests.project.house import circles, house, uphill
from tests.project.repository import ROOT


def test_no_arrow_runs_uphill_or_in_a_circle() -> None:
    arrows = house().arrows
    assert len(arrows) > 50
    assert uphill(arrows) == []
    assert circles(arrows) == []


def test_every_module_lies_in_a_room() -> None:
    assert [*ROOT.glob("service/[a-z]*.py"), *ROOT.glob("alerts_api/[a-z]*.py")] == []


def test_a_circle_and_an_arrow_uphill_are_seen() -> None:
    """The check finds what it is there for."""
    assert circles(frozenset({("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")})) == ["a", "b", "c"]
    wrong = ("service.kernel", "service.learning")
    assert uphill(frozenset({wrong, ("service.learning", "service.kernel")})) == [wrong]
