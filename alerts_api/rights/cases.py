"""The register of what readers asked, and of complaints: who answers for it, by when, with what outcome."""

from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from alerts_api.rights.subject_request import SubjectRequest
from alerts_api.storage.rights_tables import cases
from alerts_api.storage.tables import DAY

ANSWER_DAYS: Final = 30  # "one month" of Art. 12(3), and for acknowledging a complaint, counted the short way


class Right(StrEnum):
    """What a case is about."""

    ACCESS = "access"
    ERASE = "erase"
    RESTRICT = "restrict"
    OBJECT = "object"
    RECTIFY = "rectify"
    COMPLAINT = "complaint"


class RightsCase(msgspec.Struct, frozen=True):
    """One row of the register."""

    id: int
    kind: Right
    reference: str
    officer: str
    received_at: float
    due_at: float
    acknowledged_at: float  # 0 not yet
    closed_at: float  # 0 open
    outcome: str


_C = cases.c
_OPEN = _C.closed_at == 0.0
_COLUMNS = (
    *(_C.id, _C.kind, _C.reference, _C.officer, _C.received_at),
    *(_C.due_at, _C.acknowledged_at, _C.closed_at, _C.outcome),
)


def open_case(connection: Connection, kind: Right, asked: SubjectRequest, now: float) -> int:
    """Register a case received now; the id of the one that is open already for the same, if there is."""
    account = asked.accounts[0]
    same = (_C.kind == kind.value, _C.reference == asked.reference, _C.account == account)
    if found := connection.execute(select(_C.id).where(*same, _OPEN)).scalar():
        return found
    return _insert(connection, kind, asked.reference, asked.officer, account, now)


def open_complaint(connection: Connection, reference: str, officer: str, now: float) -> int:
    """Register a complaint received now."""
    return _insert(connection, Right.COMPLAINT, reference, officer, "", now)


def _insert(
    connection: Connection, kind: Right, reference: str, officer: str, account: str, now: float
) -> int:
    row = {
        "kind": kind.value,
        "reference": reference,
        "officer": officer,
        "account": account,
        "received_at": now,
        "due_at": now + ANSWER_DAYS * DAY,
        "acknowledged_at": 0.0,
        "closed_at": 0.0,
        "outcome": "",
    }
    made = connection.execute(insert(cases).values(row)).inserted_primary_key
    return int(made[0]) if made else 0


def complaint_reference(connection: Connection, case: int) -> str:
    """Its reference at the service desk."""
    return connection.execute(select(_C.reference).where(_C.id == case)).scalar_one()


def acknowledge(connection: Connection, case: int, now: float) -> bool:
    """False if there is no such open complaint, or it was acknowledged before."""
    complaint = _C.kind == Right.COMPLAINT.value
    waiting = update(cases).where(_C.id == case, complaint, _C.acknowledged_at == 0.0, _OPEN)
    return connection.execute(waiting.values(acknowledged_at=now)).rowcount > 0


def close_complaint(connection: Connection, case: int, outcome: str, now: float) -> bool:
    """False if there is no such open complaint."""
    still = update(cases).where(_C.id == case, _C.kind == Right.COMPLAINT.value, _OPEN)
    return connection.execute(still.values(closed_at=now, outcome=outcome)).rowcount > 0


def close_case(connection: Connection, kind: Right, reference: str, outcome: str, now: float) -> None:
    """Close what is open of this kind and reference."""
    still = update(cases).where(_C.kind == kind.value, _C.reference == reference, _OPEN)
    connection.execute(still.values(closed_at=now, outcome=outcome))


def close_cases(connection: Connection, kind: Right, account: str, outcome: str, now: float) -> int:
    """Close what is open of this kind for an account; the id of one of them, 0 where there was none."""
    mine = (_C.kind == kind.value, _C.account == account, _OPEN)
    found = connection.execute(select(_C.id).where(*mine)).scalar() or 0
    connection.execute(update(cases).where(*mine).values(closed_at=now, outcome=outcome))
    return found


def newest_received(connection: Connection, kind: Right, reference: str) -> float | None:
    """When the newest case of this kind and reference came, s UTC; ``None`` for none."""
    those = select(func.max(_C.received_at)).where(_C.kind == kind.value, _C.reference == reference)
    return connection.execute(those).scalar()


def read_cases(connection: Connection, *, limit: int = 200) -> tuple[RightsCase, ...]:
    """Open ones first, by the day they are due; then closed ones, the newest first."""
    order = (_C.closed_at > 0.0, _C.closed_at.desc(), _C.due_at)
    rows = connection.execute(select(*_COLUMNS).order_by(*order).limit(limit))
    return tuple(RightsCase(row[0], Right(row[1]), *row[2:]) for row in rows)
