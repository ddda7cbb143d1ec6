"""Accounts that are left alone for the time being (Art. 18): put down, lifted, asked for."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Select, delete, insert, or_, select

from alerts_api.signin.actors import Actor, Role
from alerts_api.storage import tables
from alerts_api.storage.rights_tables import restrictions

_R = restrictions.c


class Restriction(msgspec.Struct, frozen=True):
    """One account that is left alone."""

    pseudonym: str
    since: float  # s UTC
    until: float  # 0: until it is lifted
    reason: str  # reference of the case


def restrict(connection: Connection, accounts: Sequence[str], reason: str, now: float) -> None:
    """Until lifted; a restriction that is there already is replaced."""
    lift(connection, accounts)
    rows = [{"pseudonym": account, "since": now, "until": 0.0, "reason": reason} for account in accounts]
    connection.execute(insert(restrictions), rows)


def lift(connection: Connection, accounts: Sequence[str]) -> int:
    """How many of them were restricted."""
    return connection.execute(delete(restrictions).where(_R.pseudonym.in_(accounts))).rowcount


def restricted(connection: Connection, account: str, now: float) -> bool:
    """Whether this account is to be left alone."""
    return connection.execute(in_force(now).where(_R.pseudonym == account)).first() is not None


def visible_alert(connection: Connection, actor: Actor, alert_id: str, now: float, case: str = "") -> str:
    """The account of an alert that this person may read, judge and ask about; empty for any other.

    Of a restricted reader the data protection officer alone sees alerts, and a key-holder who knows under
    which case the reader was restricted.
    """
    found = select(tables.alerts.c.account).where(tables.alerts.c.alert_id == alert_id)
    account = connection.execute(found).scalar() or ""
    reason = connection.execute(
        select(_R.reason).where(_R.pseudonym == account, or_(_R.until == 0.0, _R.until > now))
    ).scalar()
    if reason is None or actor.has(Role.DPO) or (actor.has(Role.KEY_HOLDER) and case == reason):
        return account
    return ""


def read_restrictions(connection: Connection) -> tuple[Restriction, ...]:
    """All there are, the oldest first."""
    rows = connection.execute(select(_R.pseudonym, _R.since, _R.until, _R.reason).order_by(_R.since))
    return tuple(Restriction(*row) for row in rows)


def in_force(now: float) -> Select[str]:
    """Pseudonyms whose restriction has not run out; for use in other statements too."""
    return select(_R.pseudonym).where(or_(_R.until == 0.0, _R.until > now))
