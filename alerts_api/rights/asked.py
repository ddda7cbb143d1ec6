"""What a reader asked for, as the rooms that carry it out are told; and the leaf of each act."""

from typing import NamedTuple

from sqlalchemy import Connection

from alerts_api.audit.leaves import Kind, Leaf, Role
from alerts_api.audit.log import append


class Asked(NamedTuple):
    """Who is meant, and who answers for it."""

    accounts: tuple[str, ...]  # pseudonyms of all epochs there are keys of, the present one first
    reference: str  # of the case
    officer: str  # the data protection officer, by sign-in name


def record(
    connection: Connection, asked: Asked, kind: Kind, case: int, now: float, outcome: str = ""
) -> None:
    """In the transaction of the act, and late in it: a leaf for each of the reader's pseudonyms."""
    for account in asked.accounts:
        leaf = Leaf(
            kind=kind,
            actor=asked.officer,
            role=Role.DPO,
            at=int(now),
            account=account,
            case=asked.reference,
            outcome=outcome,
            request=f"rights/{case}",
        )
        append(connection, leaf)
