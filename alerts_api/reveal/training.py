"""Whose training may be recorded, by whom and for how long."""

from enum import StrEnum

from sqlalchemy import Connection, select

from alerts_api.reveal.facts import trained
from alerts_api.signin.actors import Actor
from alerts_api.signin.persons import person_of, subjects_of
from alerts_api.storage.signin_tables import people, tokens, users
from alerts_api.storage.tables import DAY

LONGEST_DAYS = 731  # two years, one of which may be a leap year


class TrainingRefusal(StrEnum):
    """Why a training is not recorded."""

    OWN = "own"
    UNKNOWN = "unknown"
    TOO_LONG = "too-long"


WORDS = {
    TrainingRefusal.OWN: "Your own training is for somebody else to record.",
    TrainingRefusal.UNKNOWN: "Nobody of that name has signed in, or can. Write it as the audit log does.",
    TrainingRefusal.TOO_LONG: "A training holds for two years at most; then it is done again.",
}


def may_train(
    connection: Connection, actor: Actor, subject: str, until: float, now: float
) -> TrainingRefusal | None:
    """What speaks against recording that this sign-in's training holds until then, s UTC."""
    if person_of(connection, subject) == actor.human:
        return TrainingRefusal.OWN
    if actor.via != "demo" and not _is_known(connection, subject):
        return TrainingRefusal.UNKNOWN
    return TrainingRefusal.TOO_LONG if until > now + LONGEST_DAYS * DAY else None


def is_trained(connection: Connection, actor: Actor, now: float) -> bool:
    """Whether a training is recorded for this person, by whatever way they sign in, that still holds."""
    return trained(connection, subjects_of(connection, actor.human)) > now


def _is_known(connection: Connection, subject: str) -> bool:
    kind, _, rest = subject.partition(":")
    sought = [select(people.c.subject).where(people.c.subject == subject)]
    if kind == "local":
        sought.append(select(users.c.name).where(users.c.name == rest))
    elif kind == "token":
        sought.append(select(tokens.c.token).where(tokens.c.token == rest))
    return any(connection.execute(each).first() is not None for each in sought)
