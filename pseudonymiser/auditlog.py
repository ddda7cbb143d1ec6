"""EZproxy's audit log: date, event, address, user name, session and other, split by tabs.

Trailing empty fields are left out; the time is local, without a zone. Events:
https://help.oclc.org/Library_Management/EZproxy/Configure_resources/Audit
"""

from typing import NamedTuple

from service.records.events import Kind

_KINDS = {
    "login.success": Kind.LOGIN_OK,
    "login.success.relogin": Kind.LOGIN_OK,
    "login.success.groups": Kind.LOGIN_OK,
    "login.failure": Kind.LOGIN_FAILED,
    "login.intruder.ip": Kind.INTRUDER,
    "login.intruder.user": Kind.INTRUDER,
    "login.denied": Kind.BLOCKED,
    "session.reconnectblocked": Kind.BLOCKED,
    "blockcountrychange": Kind.BLOCKED,
    "logout": Kind.LOGOUT,
}
_CLEARED = ("suspension cleared", "cleared by")  # an intruder let go is no intrusion
_GROUPS = "|Groups "


class AuditLine(NamedTuple):
    """One audit line as it stands. Empty text: not there."""

    time: str
    kind: Kind
    address: str
    user: str
    session: str
    groups: str


def parse_audit(text: str) -> AuditLine | None:
    """None: not an audit line. An unknown event is ``Kind.AUDIT``."""
    fields = [field.strip(" \r") for field in text.split("\t", 5)]
    if len(fields) < 2 or not fields[0] or not fields[1]:
        return None
    time, event, address, user, session, other = fields + [""] * (6 - len(fields))
    return AuditLine(time, _kind(event, other), address, user, session, _groups(other))


def is_header(text: str) -> bool:
    """Whether this is the line that names the columns."""
    return text.startswith("Date/Time\t")


def _kind(event: str, other: str) -> Kind:
    name = event.lower()
    kind = Kind.BLOCKED if name.startswith("usagelimit") else _KINDS.get(name, Kind.AUDIT)
    if kind is Kind.INTRUDER and any(word in other for word in _CLEARED):
        return Kind.AUDIT
    return kind


def _groups(other: str) -> str:
    return other.removeprefix(_GROUPS).strip("| ") if other.startswith(_GROUPS) else ""
