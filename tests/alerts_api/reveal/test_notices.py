"""Mails to the data protection officer: who asked for whose pseudonym; never a name, nor free text."""

import email
import email.policy
from pathlib import Path

import msgspec
import pytest

from alerts_api.audit.errors import HandOverError
from alerts_api.reveal import workdays
from alerts_api.reveal.gate import RevealRequest, SecondPerson
from alerts_api.reveal.notices import Notices
from alerts_api.reveal.overdue import Overdue, due_at
from service.config.tables import RevealSettings
from tests.alerts_api.examples import NOW
from tests.alerts_api.reveal.reveal_site import DAY

REQUEST = RevealRequest(
    "RV-ABCDEFGHIJ", "JG-0000000001", "u1_" + "a" * 24, "holder-1", "suspected_compromise", "INC-0012345",
    SecondPerson.NOBODY, True, float(NOW), granted_at=float(NOW), released_at=float(NOW),
)  # fmt: skip
SETTINGS = RevealSettings(outgoing="out", sender="journalguard@example.ac.uk", dpo="dpo@example.ac.uk")


def mail(folder: Path, name: str) -> tuple[str, str]:
    message = email.message_from_bytes((folder / name).read_bytes(), policy=email.policy.default)
    assert (message["From"], message["To"]) == (SETTINGS.sender, SETTINGS.dpo)
    body = message.get_body()
    assert body is not None
    return str(message["Subject"]), body.get_content()


def test_a_release_and_what_is_overdue(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    notices = Notices(SETTINGS, tmp_path)
    notices.released(REQUEST, NOW)
    notices.overdue(REQUEST, Overdue.OUTCOME, NOW)
    subject, text = mail(tmp_path / "out", "RV-ABCDEFGHIJ-release.eml")
    assert subject == "A reader is named: RV-ABCDEFGHIJ"
    for word in (
        "holder-1",
        REQUEST.account,
        REQUEST.alert,
        "INC-0012345",
        "urgent",
        "24 Nov 2026 06:00 UTC",
    ):
        assert word in " ".join(text.split())
    subject, text = mail(tmp_path / "out", "RV-ABCDEFGHIJ-outcome-overdue.eml")
    assert subject == "Overdue: RV-ABCDEFGHIJ"
    assert "within five working days" in text


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(HandOverError, match="see that the folder is there"):
        Notices(SETTINGS, tmp_path).released(REQUEST, NOW)


def test_without_a_folder_there_are_no_mails(tmp_path: Path) -> None:
    Notices(RevealSettings(), tmp_path).released(REQUEST, NOW)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("days_from_tuesday", "working", "days_later"), [(0, 1, 1), (3, 1, 3), (4, 1, 2), (5, 1, 1), (0, 5, 7)]
)
def test_working_days_leave_out_the_weekend(days_from_tuesday: int, working: int, days_later: int) -> None:
    start = NOW + days_from_tuesday * DAY  # NOW is a Tuesday
    assert workdays.after(start, working) == start + days_later * DAY


def test_what_is_due_when() -> None:
    assert due_at(REQUEST) == {Overdue.OUTCOME: NOW + 7 * DAY, Overdue.REVIEW: NOW + DAY}
    done = msgspec.structs.replace(REQUEST, outcome_at=1.0, reviewed_at=1.0)
    assert due_at(done) == {}
