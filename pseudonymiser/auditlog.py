"""EZproxy's audit log: date, event, address, user name, session and other, split by tabs.

Trailing empty fields are left out; the time is local, without a zone. Events:
https://help.oclc.org/Library_Management/EZproxy/Configure_resources/Audit
"""

from typing import NamedTuple

from service.records.events import EventKind

_KINDS = {
    "login.success": EventKind.LOGIN_OK,
    "login.success.relogin": EventKind.LOGIN_OK,
    "login.success.groups": EventKind.LOGIN_OK,
    "login.failure": EventKind.LOGIN_FAILED,
    "login.intruder.ip": EventKind.INTRUDER,
    "login.intruder.user": EventKind.INTRUDER,
    "login.denied": EventKind.BLOCKED,
    "session.reconnectblocked": EventKind.BLOCKED,
    "blockcountrychange": EventKind.BLOCKED,
    "logout": EventKind.LOGOUT,
}
_CLEARED = ("suspension cleared", "cleared by")  # an intruder let go is no intrusion
_GROUPS = "|Groups "


class AuditLine(NamedTuple):
    """One audit line as it stands. Empty text: not there."""

    time: str
    kind: EventKind
    address: str
    user: str
    session: str
    groups: str


def parse_audit(text: str) -> AuditLine | None:
    """None: not an audit line. An unknown event is ``EventKind.AUDIT``."""
    fields = [field.strip(" \r") for field in text.split("\t", 5)]
    if len(fields) < 2 or not fields[0] or not fields[1]:
        return None
    time, event, address, user, session, other = fields + [""] * (6 - len(fields))
    return AuditLine(time, _kind(event, other), address, user, session, _groups(other))


def is_header(text: str) -> bool:
    """Whether this is the line that names the columns."""
    return text.startswith("Date/Time\t")


def _kind(event: str, other: str) -> EventKind:
    name = event.lower()
    kind = EventKind.BLOCKED if name.startswith("usagelimit") else _KINDS.get(name, EventKind.AUDIT)
    if kind is EventKind.INTRUDER and any(word in other for word in _CLEARED):
        return EventKind.AUDIT
    return kind


def _groups(other: str) -> str:
    return other.removeprefix(_GROUPS).strip("| ") if other.startswith(_GROUPS) else ""
