"""What the database knows of a request: read in the transaction that decides, so it is true until then."""

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, exists, func, insert, or_, select

from alerts_api.alerts.restrictions import restricted
from alerts_api.audit.leaves import ActKind
from alerts_api.audit.reading import AuditFilters, read
from alerts_api.reveal.gate import DAY_SECONDS, RequestState, RevealFacts, barring, state
from alerts_api.reveal.ledger import requests_where
from alerts_api.signin.actors import Actor
from alerts_api.signin.persons import subjects_of
from alerts_api.storage import tables
from alerts_api.storage.reveal_tables import requests, trainings, views
from service.records.identities import Mode, SealedIdentity

_R, _V = requests.c, views.c
_STEPS = 1_000  # acts of one request
_UNDER_WAY = {RequestState.WAITING, RequestState.GRANTED, RequestState.TICKETED}


def facts_of(connection: Connection, holder: Actor, alert: str, now: float) -> RevealFacts:
    """What speaks for and against telling this holder whose account the alert is about."""
    found = connection.execute(
        select(tables.alerts.c.account, tables.alerts.c.verdict).where(tables.alerts.c.alert_id == alert)
    ).one_or_none()
    mine_all = subjects_of(connection, holder.human)
    trained_until = trained(connection, mine_all)
    if found is None:
        return RevealFacts(trained_until=trained_until)
    account, verdict = found
    sealed = select(tables.identities.c.pseudonym).where(tables.identities.c.pseudonym == account)
    mine = requests_where(connection, _R.holder.in_(mine_all))
    return RevealFacts(
        account=account,
        triaged=bool(verdict),
        seen=_judged_by_who_saw(connection, alert),
        sealed=connection.execute(sealed).first() is not None,
        restricted=restricted(connection, account, now),
        trained_until=trained_until,
        by_holder=_spent(connection, now, mine_all),
        by_site=_spent(connection, now),
        under_way=any(each.alert == alert and state(each, now) in _UNDER_WAY for each in mine),
        unreviewed=any(each.break_glass and each.granted_at and not each.reviewed_at for each in mine),
        barred=any(map(barring, mine)),
    )


def record_view(connection: Connection, alert: str, subject: str, now: float) -> None:
    """This person has the alert's evidence before them; the first time counts."""
    if not has_seen(connection, alert, subject):
        connection.execute(insert(views), {"alert": alert, "subject": subject, "at": now})


def has_seen(connection: Connection, alert: str, subject: str) -> bool:
    """Whether this person has opened the alert's page."""
    found = select(_V.at).where(_V.alert == alert, _V.subject == subject)
    return connection.execute(found).first() is not None


def was_opened(connection: Connection, request_id: str) -> bool:
    """Whether the audit log says that a name was shown for this request, by the bytes in the tree."""
    steps = read(connection, -1, _STEPS, AuditFilters(request=request_id))
    return any(each.record and each.record.kind is ActKind.REVEAL_OPENED for each in steps)


def takes_two(connection: Connection, account: str) -> bool:
    """Whether it takes two key-holders to open this account's identity."""
    found = select(tables.identities.c.sealed).where(tables.identities.c.pseudonym == account)
    sealed = connection.execute(found).scalar()
    try:
        return sealed is not None and msgspec.json.decode(sealed, type=SealedIdentity).mode is Mode.TWO
    except msgspec.DecodeError:
        return False


def _judged_by_who_saw(connection: Connection, alert: str) -> bool:
    """Whether the verdict that counts, the newest, is by somebody who had opened the page before."""
    verdict = tables.verdicts.c
    newest = select(func.max(verdict.id)).where(verdict.alert_id == alert).scalar_subquery()
    before = exists().where(_V.alert == alert, _V.subject == verdict.actor, _V.at <= verdict.created_at)
    return connection.execute(select(verdict.id).where(verdict.id == newest, before)).first() is not None


def trained(connection: Connection, subjects: Collection[str]) -> float:
    """Until when the training holds of a person with these sign-ins, s UTC; 0 without one."""
    until = select(func.max(trainings.c.until)).where(trainings.c.subject.in_(subjects))
    return connection.execute(until).scalar() or 0.0


def _spent(connection: Connection, now: float, holder: Collection[str] = ()) -> int:
    """Releases of the last day, and grants that may still become one. Of one person, or of all."""
    recent = or_(_R.released_at > now - DAY_SECONDS, (_R.granted_at > 0) & (_R.released_at == 0))
    found = requests_where(connection, recent, *([_R.holder.in_(holder)] if holder else []))
    return sum(state(each, now) is not RequestState.LAPSED for each in found)
