"""The records' JSON schemas inside the API's OpenAPI description.

The records are msgspec structs, encoded as they are; FastAPI's own models would be a second copy.
"""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from alerts_api.alerts.records import AlertPage, JudgedAlert, Judgement, Refused, Status, TracePage
from alerts_api.audit.reading import AuditEntry
from alerts_api.reveal.request_views import Shown
from service.records.drift_report import DriftReport

_TYPES = (
    *(AlertPage, JudgedAlert, TracePage, tuple[Judgement, ...], tuple[Refused, ...], Status, DriftReport),
    *(Shown, tuple[Shown, ...], tuple[AuditEntry, ...]),
)
_SCHEMAS, _COMPONENTS = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
_BY_TYPE = dict(zip(map(str, _TYPES), _SCHEMAS, strict=True))
_PROBLEM = {"description": "Problem", "content": {"application/problem+json": {}}}
_Responses = dict[int | str, dict[str, Any]]
# Nobody we know, not in this role, too often; the database is away.
REFUSALS: _Responses = {401: _PROBLEM, 403: _PROBLEM, 429: _PROBLEM, 503: _PROBLEM}


def answers(record: Any, status: int = 200) -> _Responses:
    """The ``responses`` of a route that answers with ``record``."""
    content = {"application/json": {"schema": _BY_TYPE[str(record)]}}
    return {status: {"description": "Done", "content": content}, **REFUSALS, 404: _PROBLEM, 422: _PROBLEM}


def describe(app: FastAPI) -> None:
    """Make ``app.openapi()`` include the records."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            schema.setdefault("components", {}).setdefault("schemas", {}).update(_COMPONENTS)
            app.openapi_schema = schema
        return app.openapi_schema

    # FastAPI's documented way to change its description: replace the method on the instance.
    app.openapi = openapi  # type: ignore[method-assign]
