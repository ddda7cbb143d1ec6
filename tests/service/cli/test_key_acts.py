"""Every act about keys is a leaf of the audit log, also one that was done by hand in a file."""

from pathlib import Path

import pytest

from alerts_api.audit.leaves import ActKind, Record
from pseudonymiser.holder_key import HolderKey
from service.cli.key_acts import note_start
from service.cli.options import read_site
from service.config.settings import SETTINGS_FILE
from tests.alerts_api.visitors import acts
from tests.e2e.sites import call, made

HOLDERS = [HolderKey(bytes([n]) * 32, f"desk-{n}").holder for n in (1, 2, 3)]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return made(tmp_path / "site")


def noted(site: Path) -> list[Record]:
    return acts(site / "journalguard.db")


def add(site: Path, number: int, *more: str) -> None:
    holder = HOLDERS[number]
    public = site.parent / f"{holder.label}.pub"
    public.write_text(holder.line())
    result = call("keyholder", "add", "--site", site, public, *more, stdin=f"{holder.words}\n".encode())
    assert result.exit_code == 0, result.output


def test_the_ceremony_is_in_the_log(site: Path) -> None:
    add(site, 0)
    add(site, 1, "--mode", "two")
    add(site, 2)
    assert call("keyholder", "revoke", "--site", site, "desk-3", stdin=b"y\n").exit_code == 0
    assert call("rotate", "--site", site, stdin=b"y\n").exit_code == 0
    assert [(act.kind, act.outcome) for act in noted(site)] == [
        (ActKind.HOLDER_ADDED, ""),
        (ActKind.HOLDER_ADDED, ""),
        (ActKind.MODE_CHANGED, "from-one-to-two"),
        (ActKind.HOLDER_ADDED, ""),
        (ActKind.HOLDER_REVOKED, ""),
        (ActKind.EPOCH_ROTATED, "rotated"),
    ]
    assert {act.actor for act in noted(site)} == {"console"}


def test_a_dry_run_is_no_act(site: Path) -> None:
    assert call("rotate", "--site", site, "--dry-run").exit_code == 0
    assert not (site / "journalguard.db").exists() or not noted(site)


def test_a_ring_budgets_and_policy_changed_by_hand_are_noted_at_the_next_start(site: Path) -> None:
    note_start(read_site(site))
    note_start(read_site(site))
    first = [act.kind for act in noted(site)]
    assert first == [ActKind.KEYRING_IN_FORCE, ActKind.SETTINGS_IN_FORCE, ActKind.POLICY_IN_FORCE]
    (site / "keyholders").mkdir(mode=0o700)
    (site / "keyholders" / "desk-1.pub").write_text(HOLDERS[0].line())
    (site / "keyholders" / "desk-1.pub").chmod(0o600)
    note_start(read_site(site))
    settings = (site / SETTINGS_FILE).read_text()
    (site / SETTINGS_FILE).write_text(settings.replace("per_holder = 5", "per_holder = 500"))
    note_start(read_site(site))
    assert [act.kind for act in noted(site)[3:]] == [ActKind.KEYRING_IN_FORCE, ActKind.SETTINGS_IN_FORCE]
    assert {act.actor for act in noted(site)} == {"journalguard"}


@pytest.mark.parametrize(
    ("options", "names", "why"),
    [
        ((), "jdoe\n", "--case"),
        (("--case", "two words"), "jdoe\n", "--case"),
        (("--case", "SD-1"), "jdoe\nasmith\n", "one user at a time"),
        (("--purpose", "x"), "jdoe\nasmith\n", "--purpose"),
    ],
)
def test_nobody_is_matched_with_a_pseudonym_for_nothing(
    site: Path, options: tuple[str, ...], names: str, why: str
) -> None:
    result = call("pseudonym", "--site", site, "--kind", "user", *options, stdin=names.encode())
    assert result.exit_code == 2
    assert why in result.output
    assert "u1_" not in result.output


def test_a_match_is_in_the_log_before_it_is_told(site: Path) -> None:
    asked = ("pseudonym", "--site", site, "--kind", "user")
    assert call(*asked, "--case", "SD-1234", stdin=b"jdoe\n").exit_code == 0
    many = call(*asked, "--purpose", "staff of the library", stdin=b"jdoe\nasmith\n")
    assert many.exit_code == 0
    assert many.output.count("u1_") == 2
    one, all_ = noted(site)
    assert (one.kind, one.outcome, one.case, bool(one.account)) == (
        ActKind.PSEUDONYM_ASKED,
        "one",
        "SD-1234",
        True,
    )
    assert (all_.outcome, all_.times, all_.account) == ("many", 2, "")


def test_taking_the_log_away_is_in_it(site: Path) -> None:
    note_start(read_site(site))
    assert call("audit", "export", "--site", site, site / "audit.jsonl").exit_code == 0
    assert noted(site)[-1].kind is ActKind.AUDIT_EXPORTED
