"""Tokens of programs: 256 random bits that are shown once, of which the hash is kept.

A token reads, or does, in the roles it was made for, and never what a key-holder or approver does: a name is
given to a person only.
"""

import re
import secrets
from hmac import compare_digest
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from alerts_api.signin.actors import SAFE_METHODS, Actor, Role
from alerts_api.signin.errors import TokenError
from alerts_api.signin.sessions import hashed, join, split
from alerts_api.storage.signin_tables import tokens

LONGEST_DAYS = 90
PERSONS_ONLY = frozenset({Role.KEY_HOLDER, Role.APPROVER})
_DAY = 86_400.0
_FORM = re.compile(r"jg_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_COLUMN = tokens.c


class Token(NamedTuple):
    """As the command line lists one."""

    token: str
    label: str
    roles: frozenset[Role]
    writes: bool
    expires_at: float


class Bearer(NamedTuple):
    """A program, and what its token lets it do."""

    actor: Actor
    methods: frozenset[str]


class TokenRequest(NamedTuple):
    """What a new token is to be."""

    label: str  # of the program
    roles: frozenset[Role]
    writes: bool
    days: int


def draw() -> str:
    """A token's text, which nobody can tell again."""
    return f"jg_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"


def check(wanted: TokenRequest) -> None:
    """Raises ``TokenError`` for a token that cannot be."""
    _, roles, _, days = wanted
    if not roles or PERSONS_ONLY.intersection(roles):
        raise TokenError("a token has a role, and neither key_holder nor approver: those are people's")
    if not 1 <= days <= LONGEST_DAYS:
        raise TokenError(f"a token lasts 1 to {LONGEST_DAYS} days; make another when it ends")
    if not re.fullmatch(r"[\w .-]{1,60}", wanted.label):
        raise TokenError("a label says in up to 60 letters, digits, '.', '_' and '-' which program it is for")


def keep(connection: Connection, text: str, wanted: TokenRequest, now: float) -> str:
    """Lets a program in by the drawn text; its id. Raises ``TokenError``."""
    check(wanted)
    _, token, secret = text.split("_", 2)
    row = {"token": token, "hash": hashed(secret), "label": wanted.label, "roles": join(wanted.roles)}
    methods = {"GET", "HEAD", *({"POST"} if wanted.writes else ())}
    times = {"created_at": now, "expires_at": now + wanted.days * _DAY}
    connection.execute(insert(tokens), {**row, **times, "methods": " ".join(sorted(methods))})
    return token


def listed(connection: Connection) -> list[Token]:
    rows = connection.execute(select(tokens).order_by(_COLUMN.created_at))
    return [
        Token(row.token, row.label, split(row.roles), _writes(row.methods), row.expires_at) for row in rows
    ]


def revoke(connection: Connection, token: str) -> None:
    """At once. Raises ``TokenError``."""
    if connection.execute(delete(tokens).where(_COLUMN.token == token)).rowcount == 0:
        raise TokenError(f"{token}: no such token; see `journalguard tokens list --help`")


def find(connection: Connection, text: str, now: float) -> Bearer | None:
    """Whose token this is; ``None`` if it is nobody's, or no longer."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    row = connection.execute(select(tokens).where(_COLUMN.token == form[1])).one_or_none()
    if row is None or not compare_digest(row.hash, hashed(form[2])) or now >= row.expires_at:
        return None
    actor = Actor(subject=f"token:{row.token}", name=row.label, roles=split(row.roles), via="token")
    return Bearer(actor, frozenset(row.methods.split()))


def _writes(methods: str) -> bool:
    return not SAFE_METHODS.issuperset(methods.split())
