"""One human with several sign-ins is one person, whatever the order in which it was said."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import Connection

from alerts_api.signin import credentials, sessions, users
from alerts_api.signin.actors import Role
from alerts_api.signin.errors import UserError
from alerts_api.signin.persons import is_linked, link, person_of, roles_elsewhere, subjects_of
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import open_database
from tests.alerts_api.visitors import AT, person


@pytest.fixture
def connection(database: DatabaseLocation) -> Iterator[Connection]:
    with closing(open_database(database, create=True)) as opened, opened.writing() as connection:
        yield connection


def add(connection: Connection, name: str, *roles: Role) -> None:
    users.add(connection, name, roles, "sealed", credentials.new_secret())


@pytest.mark.parametrize(
    "pairs",
    [
        [("local:a", "00u-a"), ("local:b", "local:a")],
        [("local:b", "local:a"), ("local:a", "00u-a")],
        [("local:b", "local:a"), ("local:b", "00u-a")],
        [("local:a", "local:b"), ("local:b", "00u-a"), ("local:a", "00u-a")],
    ],
)
def test_links_join_in_any_order(connection: Connection, pairs: list[tuple[str, str]]) -> None:
    everyone = {"local:a", "local:b", "00u-a"}
    for subject, same_as in pairs:
        link(connection, subject, same_as)
    assert {person_of(connection, each) for each in everyone} == {"00u-a"}
    assert subjects_of(connection, "00u-a") == everyone
    assert all(is_linked(connection, each) for each in everyone)
    assert not is_linked(connection, "00u-b")


def test_a_link_outlives_its_user(connection: Connection) -> None:
    add(connection, "jane", Role.APPROVER)
    users.link(connection, "jane", "00u-jane")
    users.remove(connection, "jane")
    assert person_of(connection, "local:jane") == "00u-jane"


def test_roles_that_nobody_has_together_are_refused_over_two_ways_too(connection: Connection) -> None:
    add(connection, "jane", Role.APPROVER)
    add(connection, "jane2", Role.KEY_HOLDER)
    with pytest.raises(UserError, match="key_holder and approver at once"):
        users.link(connection, "jane2", "local:jane")
    sessions.begin(connection, person(Role.KEY_HOLDER, subject="00u-eve"), AT)
    add(connection, "eve", Role.ADMIN)
    with pytest.raises(UserError, match="admin and key_holder at once"):
        users.link(connection, "eve", "00u-eve")
    assert roles_elsewhere(connection, "local:eve") == {Role.KEY_HOLDER}


@pytest.mark.parametrize(
    "same_as", ["journalguard", "console:x", "two words", "", "local:nobody", "local:jane"]
)
def test_nobody_is_somebody_who_cannot_be(connection: Connection, same_as: str) -> None:
    add(connection, "jane", Role.ANALYST)
    with pytest.raises(UserError):
        users.check_link(connection, "jane", same_as)
