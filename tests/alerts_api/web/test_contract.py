"""The JSON API against its own description, asked in every role by schemathesis."""

import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from alerts_api.signin.actors import EVERYONE, Role
from alerts_api.web.app import create_app
from tests.alerts_api.examples import fill
from tests.alerts_api.visitors import AT, BASE, begin, browser, person

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# What a program of an attacker's would like to learn from a refusal.
INTERNALS = re.compile(
    r"Traceback|sqlalchemy|sqlite|psycopg|pydantic|/site-packages/|\.py\b|journalguard\.db"
)


@pytest.fixture
def app(file: Path) -> FastAPI:
    fill(file, 3)
    return create_app(file, clock=lambda: AT, local=False)


@pytest.mark.parametrize("role", EVERYONE)
def test_every_answer_is_as_described_and_tells_nothing_of_the_inside(
    app: FastAPI, file: Path, role: Role
) -> None:
    client = browser(app, begin(file, person(role)))
    described = schemathesis.openapi.from_dict(app.openapi())
    operations = [found.ok() for found in described.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) >= 8
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def holds(case: schemathesis.Case[Any]) -> None:
            answer = client.request(**case.as_transport_kwargs(base_url=BASE, headers=dict(client.headers)))
            case.validate_response(answer, checks=CHECKS)
            assert not INTERNALS.search(answer.text)

        holds()
