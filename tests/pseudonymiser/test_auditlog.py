"""Lines of the audit log."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.auditlog import AuditLine, is_header, parse_audit
from service.records.events import EventKind

WHEN = "2025-11-30 12:00:00"


def test_a_full_line() -> None:
    line = f"{WHEN}\tLogin.Success\t192.0.2.7\tasmith\tAbCdEfGhIj01234\t|Groups  A B|"
    assert parse_audit(line) == AuditLine(
        WHEN, EventKind.LOGIN_OK, "192.0.2.7", "asmith", "AbCdEfGhIj01234", "A B"
    )


def test_trailing_fields_may_be_missing() -> None:
    line = f"{WHEN}\tLogin.Failure\t192.0.2.7\tasmith"
    assert parse_audit(line) == AuditLine(WHEN, EventKind.LOGIN_FAILED, "192.0.2.7", "asmith", "", "")


@pytest.mark.parametrize(
    ("event", "other", "kind"),
    [
        ("Login.Success", "", EventKind.LOGIN_OK),
        ("Login.Success.Relogin", "", EventKind.LOGIN_OK),
        ("Login.Failure", "", EventKind.LOGIN_FAILED),
        ("Login.Intruder.IP", "", EventKind.INTRUDER),
        ("Login.Intruder.User", "10 failed login attempts; evading username", EventKind.INTRUDER),
        ("Login.Intruder.User", "IntruderUserAttempts suspension cleared by expiration", EventKind.AUDIT),
        ("Login.Denied", "", EventKind.BLOCKED),
        ("Session.ReconnectBlocked", "3", EventKind.BLOCKED),
        ("BlockCountryChange", "", EventKind.BLOCKED),
        ("UsageLimit", "exceeded", EventKind.BLOCKED),
        ("Logout", "Expired", EventKind.LOGOUT),
        ("System", "Startup", EventKind.AUDIT),
        ("Security", "|502|OCLCPDFByteLimit|628122732|log|60|0", EventKind.AUDIT),
        ("Some.Event.Of.Tomorrow", "", EventKind.AUDIT),
    ],
)
def test_events(event: str, other: str, kind: EventKind) -> None:
    entry = parse_audit(f"{WHEN}\t{event}\t\tasmith\t\t{other}")
    assert entry is not None
    assert entry.kind is kind


def test_the_header() -> None:
    assert is_header("Date/Time\tEvent\tIP\tUsername\tSession\tOther")


@settings(deadline=None)
@given(st.text(max_size=60) | st.lists(st.text(max_size=8), max_size=8).map("\t".join))
def test_any_text_is_an_entry_or_none(text: str) -> None:
    entry = parse_audit(text)
    assert entry is None or (entry.time and isinstance(entry.kind, EventKind))
