"""Requests as rows: written, changed and found."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, insert, select, update

from alerts_api.reveal.gate import RevealRequest
from alerts_api.storage.reveal_tables import requests

_R = requests.c
_FIELDS = [_R[name] for name in RevealRequest.__struct_fields__]


def insert_request(connection: Connection, request: RevealRequest) -> None:
    connection.execute(insert(requests), {**msgspec.to_builtins(request), "ticket": ""})


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
    rows = connection.execute(select(*_FIELDS).where(*conditions).order_by(_R.asked_at.desc(), _R.id))
    return tuple(msgspec.convert(dict(row), RevealRequest) for row in rows.mappings())


def _first(found: Sequence[RevealRequest]) -> RevealRequest | None:
    return found[0] if found else None
