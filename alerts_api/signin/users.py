"""Local users: kept in the site's database, made at its command line, never by a page."""

import re
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from alerts_api.signin import credentials, devices, persons, sessions
from alerts_api.signin.actors import Actor, Role, conflict
from alerts_api.signin.errors import UserError
from alerts_api.signin.persons import is_subject, person_of
from alerts_api.storage.signin_tables import users

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_COLUMN = users.c
_LOCAL = "local:"
_NOBODYS_SECRET = bytes(credentials.SECRET_BYTES)


class User(NamedTuple):
    """As the command line lists one."""

    name: str
    roles: frozenset[Role]
    failures: int  # codes that were wrong beside the right password, since the last sign-in
    person: str  # who this is at the identity provider; "" where nobody said


def check_roles(roles: Collection[Role]) -> None:
    """Raises ``UserError`` for roles that one person must not have together."""
    if not roles:
        raise UserError("a user without a role can do nothing; name one with --role")
    if found := conflict(roles):
        raise UserError(f"nobody is {' and '.join(found.roles)} at once: {found.why}")


def check_name(name: str) -> None:
    """Raises ``UserError`` for a name that is none."""
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r}: a name has up to 40 of a-z, 0-9, '.', '_' and '-', like jane.doe")


def add(
    connection: Connection, name: str, roles: Collection[Role], password_hash: str, secret: bytes
) -> None:
    """With a password as :func:`credentials.hash_password` gives it. Raises ``UserError``."""
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
    devices.forget(connection, subject_of(name))


def remove(connection: Connection, name: str) -> None:
    """Raises ``UserError``."""
    require(connection, name)
    connection.execute(delete(users).where(_COLUMN.name == name))
    sessions.end_all(connection, subject_of(name))
    devices.forget(connection, subject_of(name))


def require(connection: Connection, name: str) -> Row[Any]:
    """The user. Raises ``UserError`` where there is none."""
    row = _row(connection, name)
    if row is None:
        raise UserError(f"{name}: no such user; see `journalguard users list --help`")
    return row


def check_link(connection: Connection, name: str, same_as: str | None) -> None:
    """Raises ``UserError`` for somebody whom this user cannot be."""
    if same_as is None:
        return
    if same_as == subject_of(name):
        raise UserError(f"--is {same_as}: that is the user itself")
    if same_as.startswith(_LOCAL):
        require(connection, same_as.removeprefix(_LOCAL))
    elif not is_subject(same_as):
        raise UserError(
            f"--is {same_as!r}: is no `sub` of an identity provider, nor local:NAME of a user here"
        )


def link(connection: Connection, name: str, same_as: str) -> None:
    """From now on this user is the same person as another sign-in. Raises ``UserError``."""
    row = require(connection, name)
    persons.link(connection, subject_of(name), same_as)
    elsewhere = persons.roles_elsewhere(connection, subject_of(name))
    if found := conflict(sessions.split(row.roles) | elsewhere):
        raise UserError(f"{name}: would be {' and '.join(found.roles)} at once; nobody is: {found.why}")


def listed(connection: Connection) -> list[User]:
    rows = connection.execute(select(_COLUMN.name, _COLUMN.roles, _COLUMN.failures).order_by(_COLUMN.name))
    return [
        User(name, sessions.split(roles), failures, _elsewhere(connection, subject_of(name)))
        for name, roles, failures in rows
    ]


def any_there(connection: Connection) -> bool:
    return bool(connection.execute(select(exists().where(_COLUMN.name != ""))).scalar())


def subject_of(name: str) -> str:
    return f"{_LOCAL}{name}"


def stored_password(connection: Connection, name: str) -> str:
    """What is kept of the password; empty for nobody's name."""
    row = _row(connection, name)
    return row.password if row else ""


def step_of(connection: Connection, name: str, password_hash: str, code: str, now: float) -> int:
    """The step of a code that is right and was not used before; 0 for any other, and for nobody's name.

    Takes as long for a name that nobody has.

    Args:
        password_hash: what the password was compared with; changed in between, it does not count.
    """
    row = _row(connection, name)
    step = credentials.totp_step(row.secret if row else _NOBODYS_SECRET, code, now)
    right = row is not None and password_hash == row.password and step is not None and step > row.step
    return step if right and step is not None else 0


def use_code(connection: Connection, name: str, step: int, now: float) -> Actor | None:
    """The user, whose code of ``step`` is used up then; ``None`` if it was used meanwhile."""
    mine = update(users).where(_COLUMN.name == name, _COLUMN.step < step)
    if connection.execute(mine.values(step=step, failures=0)).rowcount == 0:
        return None
    row = _row(connection, name)
    if row is None:
        return None
    subject = subject_of(name)
    roles, person = sessions.split(row.roles), person_of(connection, subject)
    return Actor(subject, name, roles, "local", signed_in_at=now, confirmed_at=now, person=person)


def count_wrong_code(connection: Connection, name: str, now: float) -> None:
    """Somebody knows the password, and had no right code."""
    counted = {"failures": _COLUMN.failures + 1, "failed_at": now}
    connection.execute(update(users).where(_COLUMN.name == name).values(counted))


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(users).where(_COLUMN.name == name)).one_or_none()


def _elsewhere(connection: Connection, subject: str) -> str:
    person = person_of(connection, subject)
    return "" if person == subject else person
