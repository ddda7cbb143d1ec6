"""Erasing an account from either database: no row holds its pseudonym, and other accounts stay."""

from contextlib import closing

from sqlalchemy import insert

from alerts_api.alerts.restrictions import lift, restrict
from alerts_api.audit.leaves import ActKind
from alerts_api.rights.cases import Right, close_case, open_case, read_cases
from alerts_api.rights.command_poller import CommandPoller
from alerts_api.rights.erasure import (
    ask_erasure,
    erase_accounts,
    erase_identities,
    erase_traces,
    rows_left,
    waits,
)
from alerts_api.rights.subject_request import SubjectRequest, record
from alerts_api.storage import tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import open_database
from service.records.commands import Command, CommandKind
from tests.alerts_api.examples import NOW, fill
from tests.alerts_api.visitors import acts

PSEUDONYM = "u1_" + "a" * 24


def test_every_table_is_rid_of_it(database: DatabaseLocation) -> None:
    alerts = fill(database)
    account, other = alerts[0].account, next(a.account for a in alerts if a.account != alerts[0].account)
    asked = SubjectRequest((account,), "SD-1", "mholmes")
    with closing(open_database(database, create=False)) as opened:
        with opened.writing() as connection:
            sealed = {"pseudonym": account, "ring": "r", "sealed": b'{"p":"' + account.encode() + b'"}'}
            connection.execute(insert(tables.identities), [sealed])
            restrict(connection, [account], "SD-0", NOW)
            case = open_case(connection, Right.ERASE, asked, NOW)
            ask_erasure(connection, asked.accounts, "SD-1", NOW)
            ask_erasure(connection, asked.accounts, "SD-1", NOW)
            record(connection, asked, ActKind.RIGHTS_ERASE, case, NOW)
            there = {"accounts", "alerts", "traces", "identities", "restrictions", "erasures"}
            assert set(rows_left(connection, account)) == there | {"audit_openings", "rights_cases"}
            assert waits(connection, asked.accounts)
            before = rows_left(connection, other)
        with opened.writing() as connection:
            erase_traces(connection, asked.accounts)
            erase_identities(connection, asked.accounts)
            erase_accounts(connection, asked.accounts)
            close_case(connection, Right.ERASE, "SD-1", "erased", NOW + 1)
        opened.compact()
        with opened.reading() as connection:
            assert (rows_left(connection, account), rows_left(connection, other)) == ({}, before)
            assert not waits(connection, asked.accounts)
            assert [(each.reference, each.outcome) for each in read_cases(connection)] == [("SD-1", "erased")]
    assert [act.kind for act in acts(database)] == [ActKind.RIGHTS_ERASE, ActKind.OPENINGS_ERASED]
    assert {act.actor for act in acts(database)} == {"console:mholmes", "journalguard"}, (
        "nobody proved the name"
    )


def test_a_running_stream_is_told_once_what_is_new(database: DatabaseLocation) -> None:
    with closing(open_database(database, create=True)) as opened:
        poller = CommandPoller(opened, lambda: NOW)
        assert poller.poll() == []
        with opened.writing() as connection:
            restrict(connection, [PSEUDONYM], "SD-1", NOW)
        assert poller.poll() == [Command(CommandKind.RESTRICT, PSEUDONYM)]
        assert poller.poll() == []
        with opened.writing() as connection:
            lift(connection, [PSEUDONYM])
        assert poller.poll() == [Command(CommandKind.LIFT, PSEUDONYM)]
        with opened.writing() as connection:
            ask_erasure(connection, [PSEUDONYM], "SD-2", NOW)
        assert poller.poll() == poller.poll() == [Command(CommandKind.FORGET, PSEUDONYM)], "until it is done"
