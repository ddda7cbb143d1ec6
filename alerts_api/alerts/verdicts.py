"""What analysts say of an alert, in words that other consoles use too.

The closing words are those of Splunk ES and Microsoft Sentinel; ``reopened`` takes one back. The
table is append-only: a change of mind is a new row, and the newest row counts.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from alerts_api.alerts.records import Judgement
from alerts_api.alerts.restrictions import visible_alert
from alerts_api.audit import leaves
from alerts_api.audit.log import append
from alerts_api.signin.actors import Actor, Role
from alerts_api.storage import tables
from alerts_api.storage.signin_tables import people
from alerts_api.storage.tables import DAY
from service.records.checkpoints import AnalystVerdict

NOTE_LENGTH = 2_000  # characters
LATELY_SECONDS = 86_400.0  # verdicts of so long can be taken back at once


class Verdict(StrEnum):
    """One entry's word. The order of the first five is the order of the buttons and keys 1 to 5."""

    CONFIRMED = "confirmed"
    EXPECTED = "expected"
    WRONG_LOGIC = "wrong-logic"
    WRONG_DATA = "wrong-data"
    UNDETERMINED = "undetermined"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """How a verdict is told."""

    label: str
    meaning: str


WORDS: dict[str, VerdictWords] = {
    Verdict.CONFIRMED: VerdictWords("Confirmed stolen", "Someone other than its owner used the account."),
    Verdict.EXPECTED: VerdictWords(
        "Suspicious but expected", "It happened as told, and there is a good reason for it."
    ),
    Verdict.WRONG_LOGIC: VerdictWords(
        "Wrong logic", "It happened as told, but it should not have raised an alert."
    ),
    Verdict.WRONG_DATA: VerdictWords(
        "Wrong data", "It did not happen as told: the log, the place or the network is wrong."
    ),
    Verdict.UNDETERMINED: VerdictWords("Undetermined", "Looked at, and cannot be told either way."),
    Verdict.REOPENED: VerdictWords("Reopened", "The last verdict was taken back; the alert waits again."),
}
CLOSING = tuple(verdict for verdict in Verdict if verdict is not Verdict.REOPENED)


def clean_note(text: str) -> str:
    """A note as it is kept: at most ``NOTE_LENGTH`` characters, no control characters but line ends."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in lines if c == "\n" or c.isprintable())
    return kept.strip()[:NOTE_LENGTH]


def record_verdict(
    connection: Connection,
    alert_id: str,
    verdict: Verdict,
    note: str,
    *,
    now: float,
    actor: Actor,
    daily_verdict_limit: int,
    quiet_days: int = 0,
) -> bool:
    """Append to the alert's history. False if there is no alert that this person may judge.

    The same word, note and days of quiet as the newest entry's add nothing, so a doubled click is one entry.
    ``note`` must have been through :func:`clean_note`; ``now`` is wall clock, s UTC. Of one analyst's
    verdicts of a day (UTC) the first ``daily_verdict_limit`` teach; ``quiet_days`` counts with "expected"
    only.
    """
    if verdict is not Verdict.EXPECTED:
        quiet_days = 0
    if not visible_alert(connection, actor, alert_id, now):
        return False
    history = read_history(connection, alert_id)
    newest = (history[0].verdict, history[0].note, history[0].quiet_days) if history else None
    if newest == (verdict, note, quiet_days):
        return True
    teaches = _given(connection, actor.subject, now) < daily_verdict_limit
    _append(connection, alert_id, verdict, note, now=now, actor=actor, quiet_days=quiet_days, teaches=teaches)
    return True


def _append(
    connection: Connection,
    alert_id: str,
    verdict: Verdict,
    note: str,
    *,
    now: float,
    actor: Actor,
    quiet_days: int,
    teaches: bool,
) -> None:
    """The entry, how the alert stands by it, and the leaf."""
    alert = connection.execute(
        select(tables.alerts.c.updated_at, tables.alerts.c.account).where(
            tables.alerts.c.alert_id == alert_id
        )
    ).one()
    entry = {
        "alert_id": alert_id,
        "verdict": verdict.value,
        "note": note,
        "actor": actor.subject,
        "created_at": now,
        "quiet_days": quiet_days,
        "teaches": int(teaches),
    }
    connection.execute(insert(tables.verdicts), entry)
    closed = verdict is not Verdict.REOPENED
    connection.execute(
        update(tables.alerts)
        .where(tables.alerts.c.alert_id == alert_id)
        .values(verdict=verdict.value if closed else "", judged_at=alert.updated_at if closed else 0)
    )
    append(connection, _leaf(alert_id, alert.account, verdict, now, actor), note)


def _given(connection: Connection, actor: str, now: float) -> int:
    """The analyst's verdicts of the day (UTC) of ``now``; those taken back count too."""
    verdict, day = tables.verdicts.c, now // DAY * DAY
    today = verdict.created_at.between(day, day + DAY)
    closing = verdict.verdict != Verdict.REOPENED.value
    found = select(func.count()).select_from(tables.verdicts).where(verdict.actor == actor, today, closing)
    return connection.execute(found).scalar_one()


class VerdictCount(NamedTuple):
    """How many verdicts somebody gave lately."""

    subject: str
    name: str
    verdicts: int


def verdicts_by_person(connection: Connection, now: float) -> tuple[VerdictCount, ...]:
    """Who closed alerts within the last day, most first."""
    verdict = tables.verdicts.c
    counted = (
        select(verdict.actor, func.coalesce(func.max(people.c.name), verdict.actor), func.count())
        .join_from(tables.verdicts, people, people.c.subject == verdict.actor, isouter=True)
        .where(verdict.created_at > now - LATELY_SECONDS, verdict.verdict != Verdict.REOPENED.value)
        .group_by(verdict.actor)
        .order_by(func.count().desc(), verdict.actor)
    )
    return tuple(VerdictCount(*row) for row in connection.execute(counted))


def verdicts_since(connection: Connection, subjects: Collection[str], since: float) -> int:
    """Verdicts by these sign-ins after a moment; those taken back count too."""
    verdict = tables.verdicts.c
    theirs = verdict.actor.in_(subjects), verdict.created_at > since
    found = select(func.count()).select_from(tables.verdicts).where(*theirs)
    return connection.execute(found.where(verdict.verdict != Verdict.REOPENED.value)).scalar_one()


def take_back(
    connection: Connection, subjects: Collection[str], since: float, *, now: float, actor: Actor
) -> int:
    """Put alerts whose newest verdict is by these sign-ins, after ``since``, back as they stood; how many.

    What somebody else had said before counts again; where nobody had, the alert waits anew.
    """
    verdict = tables.verdicts.c
    newest = select(func.max(verdict.id)).group_by(verdict.alert_id)
    found = select(verdict.alert_id).where(
        verdict.id.in_(newest),
        verdict.actor.in_(subjects),
        verdict.created_at > since,
        verdict.verdict != Verdict.REOPENED.value,
    )
    alerts = list(connection.execute(found.order_by(verdict.id)).scalars())
    for alert_id in alerts:
        before = connection.execute(
            select(verdict.verdict, verdict.note, verdict.quiet_days)
            .where(verdict.alert_id == alert_id)
            .where(~(verdict.actor.in_(subjects) & (verdict.created_at > since)))
            .order_by(verdict.id.desc())
            .limit(1)
        ).one_or_none()
        word, note, days = before or (Verdict.REOPENED.value, "", 0)
        _append(
            connection, alert_id, Verdict(word), note, now=now, actor=actor, quiet_days=days, teaches=True
        )
    return len(alerts)


def verdicts_after(connection: Connection, after: int, limit: int) -> list[tuple[AnalystVerdict, float]]:
    """The oldest with ids above ``after``, in order, each with when it was given, s UTC."""
    verdict, alert = tables.verdicts.c, tables.alerts.c
    found = (
        select(
            verdict.id,
            verdict.alert_id,
            alert.account,
            verdict.verdict,
            verdict.quiet_days,
            verdict.teaches,
            verdict.created_at,
        )
        .join_from(tables.verdicts, tables.alerts)
        .where(verdict.id > after)
        .order_by(verdict.id)
        .limit(limit)
    )
    rows = connection.execute(found).all()
    return [
        (AnalystVerdict(r.id, r.alert_id, r.account, r.verdict, r.quiet_days, bool(r.teaches)), r.created_at)
        for r in rows
    ]


def read_history(connection: Connection, alert_id: str) -> tuple[Judgement, ...]:
    """Every entry of the alert, newest first."""
    table = tables.verdicts.c
    name = func.coalesce(people.c.name, table.actor)
    rows = connection.execute(
        select(
            table.verdict,
            table.note,
            name.label("by"),
            table.created_at,
            table.quiet_days,
            table.teaches,
        )
        .join_from(tables.verdicts, people, people.c.subject == table.actor, isouter=True)
        .where(table.alert_id == alert_id)
        .order_by(table.id.desc())
    )
    return tuple(
        Judgement(r.verdict, r.note, r.by, r.created_at, r.quiet_days, bool(r.teaches)) for r in rows
    )


def _leaf(alert_id: str, account: str, verdict: Verdict, now: float, actor: Actor) -> leaves.Leaf:
    return leaves.Leaf(
        kind=leaves.ActKind.VERDICT,
        actor=actor.subject,
        role=leaves.ActRole(actor.acting(Role.ANALYST)),
        at=int(now),
        alert=alert_id,
        account=account,
        outcome=verdict.value,
    )
