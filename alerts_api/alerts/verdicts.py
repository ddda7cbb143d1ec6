"""What analysts say of an alert, in words that other consoles use too.

The closing words are those of Splunk ES and Microsoft Sentinel; ``reopened`` takes one back. The
table is append-only: a change of mind is a new row, and the newest row counts.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from alerts_api.alerts.records import Judgement
from alerts_api.audit import leaves
from alerts_api.audit.log import append
from alerts_api.signin.actors import Actor, Role
from alerts_api.storage import tables
from alerts_api.storage.signin_tables import people
from alerts_api.storage.tables import DAY
from service.records.checkpoints import AnalystVerdict

NOTE_LENGTH = 2_000  # characters


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
    """Append to the alert's history. False if there is no such alert.

    The same word, note and days of quiet as the newest entry's add nothing, so a doubled click is one entry.
    ``note`` must have been through :func:`clean_note`; ``now`` is wall clock, s UTC. Of one analyst's
    verdicts of a day (UTC) the first ``daily_verdict_limit`` teach; ``quiet_days`` counts with "expected"
    only.
    """
    if verdict is not Verdict.EXPECTED:
        quiet_days = 0
    alert = connection.execute(
        select(tables.alerts.c.updated_at, tables.alerts.c.account).where(
            tables.alerts.c.alert_id == alert_id
        )
    ).one_or_none()
    if alert is None:
        return False
    history = read_history(connection, alert_id)
    newest = (history[0].verdict, history[0].note, history[0].quiet_days) if history else None
    if newest == (verdict, note, quiet_days):
        return True
    entry = {
        "alert_id": alert_id,
        "verdict": verdict.value,
        "note": note,
        "actor": actor.subject,
        "created_at": now,
        "quiet_days": quiet_days,
        "teaches": int(_given(connection, actor.subject, now) < daily_verdict_limit),
    }
    connection.execute(insert(tables.verdicts), entry)
    closed = verdict is not Verdict.REOPENED
    connection.execute(
        update(tables.alerts)
        .where(tables.alerts.c.alert_id == alert_id)
        .values(verdict=verdict.value if closed else "", judged_at=alert.updated_at if closed else 0)
    )
    append(connection, _leaf(alert_id, alert.account, verdict, now, actor), note)
    return True


def _given(connection: Connection, actor: str, now: float) -> int:
    """The analyst's verdicts of the day (UTC) of ``now``; those taken back count too."""
    verdict, day = tables.verdicts.c, now // DAY * DAY
    today = verdict.created_at.between(day, day + DAY)
    closing = verdict.verdict != Verdict.REOPENED.value
    found = select(func.count()).select_from(tables.verdicts).where(verdict.actor == actor, today, closing)
    return connection.execute(found).scalar_one()


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
