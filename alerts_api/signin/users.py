"""Local users: kept in the site's database, made at its command line, never by a page."""

import re
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from alerts_api.signin import credentials, sessions
from alerts_api.signin.actors import Actor, Role
from alerts_api.signin.errors import UserError
from alerts_api.storage.signin_tables import users

FREE_FAILURES = 4  # in a row, before the next attempt has to wait
LONGEST_WAIT = 900.0  # s: longer would let anybody keep a colleague out
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_COLUMN = users.c


class User(NamedTuple):
    """As the command line lists one."""

    name: str
    roles: frozenset[Role]
    failures: int  # since the last sign-in


def check_roles(roles: Collection[Role]) -> None:
    """Raises ``UserError`` for roles that one person must not have together."""
    if not roles:
        raise UserError("a user without a role can do nothing; name one with --role")
    if Role.ADMIN in roles and Role.KEY_HOLDER in roles:
        raise UserError(
            "nobody is admin and key_holder at once: who runs the machine must not be able to name readers"
        )


def check_name(name: str) -> None:
    """Raises ``UserError`` for a name that is none."""
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r}: a name has up to 40 of a-z, 0-9, '.', '_' and '-', like jane.doe")


def add(
    connection: Connection, name: str, roles: Collection[Role], password_hash: str, secret: bytes
) -> None:
    """With a password as :func:`credentials.seal` gives it. Raises ``UserError``."""
    check_name(name)
    check_roles(roles)
    if _row(connection, name) is not None:
        raise UserError(f"{name}: is a user already; see `journalguard users reset --help`")
    row = {"name": name, "roles": sessions.join(frozenset(roles)), "password": password_hash}
    connection.execute(insert(users), {**row, "secret": secret, "step": 0, "failures": 0, "failed_at": 0.0})


def reset(connection: Connection, name: str, password_hash: str, secret: bytes) -> None:
    """New proofs; whoever is signed in by the old ones is not any more. Raises ``UserError``."""
    require(connection, name)
    new = {"password": password_hash, "secret": secret, "step": 0, "failures": 0}
    connection.execute(update(users).where(_COLUMN.name == name).values(new))
    sessions.end_all(connection, subject_of(name))


def remove(connection: Connection, name: str) -> None:
    """Raises ``UserError``."""
    require(connection, name)
    connection.execute(delete(users).where(_COLUMN.name == name))
    sessions.end_all(connection, subject_of(name))


def require(connection: Connection, name: str) -> None:
    """Raises ``UserError`` where there is no such user."""
    if _row(connection, name) is None:
        raise UserError(f"{name}: no such user; see `journalguard users list --help`")


def listed(connection: Connection) -> list[User]:
    rows = connection.execute(select(_COLUMN.name, _COLUMN.roles, _COLUMN.failures).order_by(_COLUMN.name))
    return [User(name, sessions.split(roles), failures) for name, roles, failures in rows]


def any_there(connection: Connection) -> bool:
    return bool(connection.execute(select(exists().where(_COLUMN.name != ""))).scalar())


def subject_of(name: str) -> str:
    return f"local:{name}"


def stored_password(connection: Connection, name: str, now: float) -> tuple[str, bool]:
    """What is kept of the password, and whether this account takes attempts now; nobody's always does."""
    row = _row(connection, name)
    if row is None:
        return "", True
    return row.password, now - row.failed_at >= wait_after(row.failures)


def wait_after(failures: int) -> float:
    """How long an account takes no attempt after so many failures in a row, s.

    >>> [wait_after(n) for n in (0, 4, 5, 8, 30)]
    [0.0, 0.0, 2.0, 16.0, 900.0]
    """
    return min(2.0 ** min(failures - FREE_FAILURES, 20), LONGEST_WAIT) if failures > FREE_FAILURES else 0.0


def finish(
    connection: Connection, name: str, password_hash: str, opened: bool, code: str, now: float
) -> Actor | None:
    """The user, if the password was right and so is the code, which has not been used before.

    Args:
        sealed: what the password was compared with; changed in between, it does not count.
        opened: whether it was right.
    """
    row = _row(connection, name)
    if row is None:
        return None
    step = credentials.totp_step(row.secret, code, now)
    right = opened and password_hash == row.password and step is not None and step > row.step
    new = {"step": step, "failures": 0} if right else {"failures": row.failures + 1, "failed_at": now}
    connection.execute(update(users).where(_COLUMN.name == name).values(new))
    if not right:
        return None
    subject = subject_of(name)
    return Actor(subject, name, sessions.split(row.roles), "local", signed_in_at=now, confirmed_at=now)


def _row(connection: Connection, name: str) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(users).where(_COLUMN.name == name)).one_or_none()
