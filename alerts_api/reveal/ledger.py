"""Requests as rows: written, changed and found."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from alerts_api.reveal.gate import RevealRequest
from alerts_api.storage.reveal_tables import requests
from alerts_api.storage.signin_tables import persons

_R = requests.c
_PERSON = "person"  # not a column: who is who may be learnt later
_FIELDS = [_R[name] for name in RevealRequest.__struct_fields__ if name != _PERSON]


def insert_request(connection: Connection, request: RevealRequest) -> None:
    values = {name: value for name, value in msgspec.to_builtins(request).items() if name != _PERSON}
    connection.execute(insert(requests), {**values, "ticket": ""})


def change_request(connection: Connection, request: RevealRequest, **values: object) -> None:
    """Write these columns of it."""
    connection.execute(update(requests).where(_R.id == request.id).values(**values))


def find_request(connection: Connection, request_id: str) -> RevealRequest | None:
    return _first(requests_where(connection, _R.id == request_id))


def find_by_ticket(connection: Connection, hashed: str) -> RevealRequest | None:
    return _first(requests_where(connection, _R.ticket == hashed, _R.ticket != ""))


def newest_release(connection: Connection, account: str) -> RevealRequest | None:
    released = requests_where(connection, _R.account == account, _R.released_at > 0)
    return max(released, key=lambda each: each.released_at, default=None)


def requests_where(connection: Connection, *conditions: ColumnElement[bool]) -> tuple[RevealRequest, ...]:
    """The newest first."""
    person = func.coalesce(persons.c.person, _R.holder).label(_PERSON)
    found = select(*_FIELDS, person).join_from(
        requests, persons, persons.c.subject == _R.holder, isouter=True
    )
    rows = connection.execute(found.where(*conditions).order_by(_R.asked_at.desc(), _R.id))
    return tuple(msgspec.convert(dict(row), RevealRequest) for row in rows.mappings())


def _first(found: Sequence[RevealRequest]) -> RevealRequest | None:
    return found[0] if found else None
