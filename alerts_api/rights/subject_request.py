"""What a reader asked for, as the rooms that carry it out are told; and the leaf of each act."""

from typing import NamedTuple

from sqlalchemy import Connection

from alerts_api.audit.leaves import ActKind, ActRole, Leaf
from alerts_api.audit.log import append


class SubjectRequest(NamedTuple):
    """Who is meant, and who answers for it."""

    accounts: tuple[str, ...]  # pseudonyms of all epochs there are keys of, the present one first
    reference: str  # of the case
    officer: str  # the data protection officer, by sign-in name


def said(officer: str) -> str:
    """Who the command line says answers for it: somebody at the host typed the name and nobody proved it."""
    return f"console:{officer}"


def record(
    connection: Connection, asked: SubjectRequest, kind: ActKind, case: int, now: float, outcome: str = ""
) -> None:
    """In the transaction of the act, and late in it: a leaf for each of the reader's pseudonyms."""
    for account in asked.accounts:
        leaf = Leaf(
            kind=kind,
            actor=said(asked.officer),
            role=ActRole.ADMIN,
            at=int(now),
            account=account,
            case=asked.reference,
            outcome=outcome,
            request=f"rights/{case}",
        )
        append(connection, leaf)
