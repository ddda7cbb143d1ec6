"""Policies as data: those that ship, a site's own over them, and errors that name the file."""

import re
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from service.base.errors import PolicyError
from service.kernel.measures import M
from service.policy.loading import load_policy
from service.policy.model import Detection

SHIPPED = load_policy()
PRIOR = files("service.policy").joinpath("prior.toml").read_text("utf-8")

OWN_BUDGET = """
alerts_per_day = 7.0
thefts_per_10000_account_days = 2.0
gate = 4.0
gate_moved = 2.0
gate_minutes = 10.0
guard = 6.0
trees_handicap = 0.7
"""


def test_every_measure_is_in_exactly_one_detection() -> None:
    assert list(SHIPPED.detection_of) == [m.spec.detection for m in M]
    assert set(SHIPPED.detection_of) == set(SHIPPED.detections)


def test_a_site_s_row_of_the_prior_replaces_the_measure_s_own(tmp_path: Path) -> None:
    (tmp_path / "prior.toml").write_text(prior("[2, 12, 30, 70]"))
    theirs = load_policy(tmp_path)
    assert theirs.prior[M.DOCS_10M] == (2, 12, 30, 70)
    assert theirs.prior[M.DOCS_1H] == M.DOCS_1H.spec.prior
    assert theirs.hash != SHIPPED.hash


@pytest.mark.parametrize("detection", SHIPPED.detections.values(), ids=lambda d: d.id)
def test_a_detection_tells_the_analyst_everything(detection: Detection) -> None:
    assert detection.severity in {"low", "medium", "high"}
    assert detection.title
    assert detection.description.endswith(".")
    assert len(detection.guide) >= 2
    assert detection.false_positives
    assert detection.misses
    assert detection.attack.startswith("T")


def test_files_are_named_after_their_detection() -> None:
    folder = files("service.policy").joinpath("detections")
    assert sorted(p.name for p in folder.iterdir() if p.is_file()) == sorted(
        f"{d}.toml" for d in SHIPPED.detections
    )


def test_a_site_without_a_folder_has_the_shipped_policy(tmp_path: Path) -> None:
    assert load_policy(tmp_path / "absent") == load_policy(tmp_path) == SHIPPED


def test_a_site_s_budget_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "budget.toml").write_text(OWN_BUDGET)
    policy = load_policy(tmp_path)
    assert policy.alerts_per_day == 7.0
    assert policy.budget.gate == 4.0
    assert policy.detections == SHIPPED.detections
    assert policy.hash != SHIPPED.hash


def test_the_command_line_overrides_the_budget() -> None:
    policy = load_policy(alerts_per_day=12)
    assert policy.alerts_per_day == 12.0
    assert policy.hash != SHIPPED.hash


def test_the_hash_is_of_the_texts(tmp_path: Path) -> None:
    assert load_policy().hash == SHIPPED.hash
    assert len(SHIPPED.hash) == 12
    (tmp_path / "budget.toml").write_text(OWN_BUDGET)
    first = load_policy(tmp_path).hash
    (tmp_path / "budget.toml").write_text(OWN_BUDGET + "# a note\n")
    assert load_policy(tmp_path).hash != first


def test_a_site_may_reword_a_detection(tmp_path: Path) -> None:
    old = SHIPPED.detections["odd-hours"]
    reported = {k: v for k, v in msgspec.to_builtins(old).items() if k != "example" and v is not None}
    text = "\n".join(f"{k} = {_toml(v)}" for k, v in reported.items())
    (tmp_path / "odd-hours.toml").write_text(text.replace(old.title, "Nachts"))
    assert load_policy(tmp_path).detections["odd-hours"].title == "Nachts"


def _toml(value: object) -> str:
    return msgspec.json.encode(value).decode()


def detection(measures: str, name: str = "own") -> str:
    return (
        f'id = "{name}"\ntitle = "t"\nseverity = "low"\ndescription = "d."\nguide = ["a", "b"]\n'
        f'false_positives = ["f"]\nmisses = "m"\nattack = "T1078"\nmeasures = {measures}\n'
    )


def prior(quantiles: str) -> str:
    """The shipped prior with other numbers for one measure."""
    return re.sub(r"# Of each measure .*", f"DOCS_10M = {quantiles}", PRIOR)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("own.toml", detection('["DOCS_PER_MOON"]'), "unknown measure DOCS_PER_MOON"),
        ("own.toml", detection('["DOCS_1H"]'), "DOCS_1H belongs to bulk-download already"),
        ("bulk-download.toml", detection('["DOCS_10M"]', "bulk-download"), "no detection reads DOCS_1H"),
        ("own.toml", "id = ", "own.toml: not valid TOML"),
        ("own.toml", 'id = "own"', "own.toml: 'title' is missing; compare it with the file"),
        ("own.toml", detection("[]") + "colour = 1\n", "own.toml, line 10: unknown field 'colour'"),
        (
            "own.toml",
            detection("[]") + '[[example]]\nsays = "s"\nfires = 7\ndoes = [{}]',
            "own.toml, line 12: fires: expected bool, got int",
        ),
        (
            "own.toml",
            detection("[]") + '[[example]]\nsays = "s"\nfires = true\ndoes = [{ town = "sea" }]',
            "own.toml, line 13: town: invalid enum value 'sea'; compare it",
        ),
        (
            "own.toml",
            detection("[]")
            + 2 * '[[example]]\nsays = "s"\nfires = true\n[[example.does]]\npages = 1\n'
            + "pgaes = 2\n",
            "own.toml, line 20: unknown field 'pgaes'; compare it",
        ),
        (
            "own.toml",
            detection("[]") + "[[example]]\nfires = true\ndoes = [{}]",
            "own.toml, line 10: 'says' is missing; compare it",
        ),
        (
            "budget.toml",
            OWN_BUDGET.replace("7.0", "0"),
            "budget.toml, line 2: alerts_per_day must be more than 0",
        ),
        (
            "budget.toml",
            OWN_BUDGET.replace("7.0", "-3"),
            "budget.toml, line 2: alerts_per_day must be more than 0",
        ),
        (
            "budget.toml",
            OWN_BUDGET.replace("7.0", "nan"),
            "budget.toml, line 2: alerts_per_day must be more than 0",
        ),
        ("budget.toml", OWN_BUDGET.replace("7.0", "inf"), "budget.toml, line 2: alerts_per_day"),
        (
            "budget.toml",
            OWN_BUDGET.replace("2.0", '"many"', 1),
            "budget.toml, line 3: thefts_per_10000_account_days: expected float, got str",
        ),
        (
            "budget.toml",
            OWN_BUDGET.replace("gate = 4.0", "gate = -1.0"),
            "budget.toml, line 4: gate: expected float >= 0.0; compare it with the file",
        ),
        (
            "budget.toml",
            OWN_BUDGET.replace("days = 2.0", "days = -2.0"),
            "budget.toml, line 3: thefts_per_10000_account_days: expected float ",
        ),
        (
            "budget.toml",
            OWN_BUDGET.replace("days = 2.0", "days = 10000.0"),
            "budget.toml, line 3: thefts_per_10000_account_days: expected float ",
        ),
        ("prior.toml", prior("[1, 6, 15]"), "prior.toml(, line 4)?: DOCS_10M.* four rising numbers"),
        ("prior.toml", prior("[9, 6, 15, 16]"), "prior.toml(, line 4)?: DOCS_10M.* four rising numbers"),
        (
            "prior.toml",
            prior('["a", "b", "c", "d"]'),
            "prior.toml(, line 4)?: DOCS_10M.* four rising numbers",
        ),
        ("prior.toml", prior("[-2, 6, 15, 16]"), "prior.toml(, line 4)?: DOCS_10M.* four rising numbers"),
        ("prior.toml", prior("[1, 6, 15, nan]"), "prior.toml(, line 4)?: DOCS_10M.* four rising numbers"),
        ("prior.toml", prior('[1, "x", 15, 16]'), "prior.toml(, line 4)?: DOCS_10M.* four rising numbers"),
        ("prior.toml", "", "prior.toml: EVIDENCE.* four rising numbers"),
    ],
)
def test_a_mistake_names_its_file_and_what_is_wrong(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(PolicyError, match=says.replace("[", r"\[").replace("$", r"\$")):
        load_policy(tmp_path)


@pytest.mark.parametrize("given", [0, -1, float("nan")])
def test_a_budget_of_nothing_is_refused(given: float) -> None:
    with pytest.raises(PolicyError, match="say how many alerts can be read a day"):
        load_policy(alerts_per_day=given)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyError, match=r"own\.toml: cannot be read"):
        load_policy(tmp_path)
