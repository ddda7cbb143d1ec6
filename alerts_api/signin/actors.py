"""Who acts: the roles, the actor of a request, and why a request goes no further."""

from collections.abc import Collection
from enum import StrEnum
from typing import Literal, NamedTuple

import msgspec

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # of HTTP: they change nothing


class Role(StrEnum):
    """What a person may do here; one person may have several, but not every two: see :func:`conflict`."""

    ANALYST = "analyst"
    KEY_HOLDER = "key_holder"
    APPROVER = "approver"
    STATISTICIAN = "statistician"
    AUDITOR = "auditor"
    DPO = "dpo"
    ADMIN = "admin"


EVERYONE = tuple(Role)
GATE_ROLES = frozenset({Role.KEY_HOLDER, Role.APPROVER, Role.DPO})  # they decide whether somebody is named
# Pseudonymous alerts: who judges them, who has to know what a name is asked for, and who watches over it.
ALERT_READERS = (Role.ANALYST, Role.KEY_HOLDER, Role.APPROVER, Role.DPO)
HEALTH_READERS = (Role.ANALYST, Role.STATISTICIAN, Role.DPO, Role.ADMIN)
MODEL_READERS = (
    Role.STATISTICIAN,
    Role.ANALYST,
    Role.DPO,
    Role.AUDITOR,
)  # counts only, nothing of one reader

# Nobody has both of one line: what the one decides, the other must not undo.
_APART = (
    (Role.ADMIN, Role.KEY_HOLDER, "who runs the machine must not be able to name readers"),
    (Role.KEY_HOLDER, Role.APPROVER, "who asks for a name must not be the second person who grants it"),
    (Role.KEY_HOLDER, Role.DPO, "who asks for a name must not be the one who watches over it"),
)


class Conflict(NamedTuple):
    """Two roles that nobody has at once."""

    roles: tuple[Role, Role]
    why: str


def conflict(roles: Collection[Role]) -> Conflict | None:
    """The first two roles among these that one person must not have together."""
    found = (Conflict((one, other), why) for one, other, why in _APART if one in roles and other in roles)
    return next(found, None)


Via = Literal["oidc", "local", "token", "demo", "open"]


class Actor(msgspec.Struct, frozen=True):
    """Who sends a request."""

    subject: str  # lasting and unique: the provider's `sub`, local:NAME, token:ID, demo-ROLE, open
    name: str  # as pages show it
    roles: frozenset[Role]
    via: Via
    session: str = ""  # hash of the session's id; "" without one
    csrf: str = ""  # what the forms of this session carry
    signed_in_at: float = 0.0  # s UTC
    confirmed_at: float = 0.0  # s UTC, when this person last proved to be this person
    person: str = ""  # the human, whatever the way in: see alerts_api.signin.persons; "": the subject itself

    @property
    def human(self) -> str:
        """By what one person is told from another."""
        return self.person or self.subject

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)

    def acting(self, *roles: Role) -> Role:
        """The role in which something is done that any of ``roles`` may do, for the audit log."""
        return next((role for role in roles if role in self.roles), min(self.roles, key=EVERYONE.index))


class RefusalError(Exception):
    """A request that goes no further, with what its sender is told and the audit log's code for it."""

    status = 403

    def __init__(self, reason: str, sentence: str, actor: Actor | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sentence = sentence
        self.actor = actor


class NotSignedInError(RefusalError):
    """Nobody we know; a page's visitor is led to the sign-in."""

    status = 401


class NotConfirmedError(RefusalError):
    """Known, but the last proof is too old for this; a page's visitor is led to prove it again."""

    def __init__(self, actor: Actor, back: str) -> None:
        super().__init__("not-confirmed", "Confirm first that it is you, then do this again.", actor)
        self.back = back


class TooOftenError(RefusalError):
    """More than a person does."""

    status = 429
