"""Correcting alerts that tell of somebody else's doings (Art. 16)."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from alerts_api.alerts.verdicts import Verdict, record_verdict
from alerts_api.rights.subject_request import said
from alerts_api.signin.actors import Actor, Role
from alerts_api.storage import tables


def rectify_alerts(
    connection: Connection, accounts: Sequence[str], note: str, officer: str, now: float
) -> int:
    """Every alert of these accounts is wrong data from now on; how many there are."""
    alert = tables.alerts.c
    actor = Actor(said(officer), officer, frozenset({Role.DPO}), "local")
    found = list(connection.execute(select(alert.alert_id).where(alert.account.in_(accounts))).scalars())
    for alert_id in found:
        record_verdict(
            connection,
            alert_id,
            Verdict.WRONG_DATA,
            note,
            now=now,
            actor=actor,
            daily_verdict_limit=len(found),
        )
    return len(found)
