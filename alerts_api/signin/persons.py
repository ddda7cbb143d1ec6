"""Which sign-ins are one person's: two persons are asked for, not two sign-ins.

A local user may be the same human as somebody whom the identity provider knows, or as another local user. The
link is made at the command line, outlives the user, and what compares people compares :func:`person_of`.
"""

import re

from sqlalchemy import Connection, delete, insert, select

from alerts_api.signin.actors import Role
from alerts_api.storage.signin_tables import persons, sessions, users

_P = persons.c
_LOCAL = "local:"
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
# Whom we name ourselves in the audit log, in whatever case.
_OURS = re.compile(
    r"(local:|token:|console:|demo|(open|nobody|machine|console|journalguard)$)", re.IGNORECASE
)


def is_subject(text: str) -> bool:
    """Whether an identity provider may call somebody so.

    >>> is_subject("00u-jane"), is_subject("local:jane"), is_subject("journalguard"), is_subject("Jane Doe")
    (True, False, False, False)
    """
    return bool(_SUBJECT.fullmatch(text)) and not _OURS.match(text)


def person_of(connection: Connection, subject: str) -> str:
    """The human behind a sign-in: another sign-in's subject where they are linked, else its own."""
    found = connection.execute(select(_P.person).where(_P.subject == subject)).scalar()
    return found or subject


def subjects_of(connection: Connection, person: str) -> frozenset[str]:
    """Every sign-in of this human."""
    return frozenset(connection.execute(select(_P.subject).where(_P.person == person)).scalars()) | {person}


def link(connection: Connection, subject: str, same_as: str) -> None:
    """From now on ``subject`` is the same human as ``same_as``, and so is whoever was linked to it."""
    person = person_of(connection, same_as)
    moved = sorted(subjects_of(connection, person_of(connection, subject)) - {person})
    connection.execute(delete(persons).where(_P.subject.in_([*moved, person])))
    if moved:
        connection.execute(insert(persons), [{"subject": each, "person": person} for each in moved])


def is_linked(connection: Connection, subject: str) -> bool:
    """Whether it is known who else this sign-in is."""
    return len(subjects_of(connection, person_of(connection, subject))) > 1


def roles_elsewhere(connection: Connection, subject: str) -> frozenset[Role]:
    """What this human may do by other sign-ins: as a local user, and in sessions that go on."""
    others = subjects_of(connection, person_of(connection, subject)) - {subject}
    names = [other.removeprefix(_LOCAL) for other in others if other.startswith(_LOCAL)]
    held = [
        *connection.execute(select(users.c.roles).where(users.c.name.in_(names))).scalars(),
        *connection.execute(select(sessions.c.roles).where(sessions.c.subject.in_(others))).scalars(),
    ]
    return frozenset(Role(role) for roles in held for role in roles.split())
