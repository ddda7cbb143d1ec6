"""An act and its leaf are committed together or not at all, one after the other, whoever writes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import insert, select

from alerts_api.audit.errors import LeafError, NoSuchTreeError
from alerts_api.audit.leaves import decode
from alerts_api.audit.log import append, consistency, inclusion, root, size
from alerts_api.audit.merkle import consistent, included, leaf_hash, root_of
from alerts_api.storage import tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import Database
from tests.alerts_api.audit.audit_examples import (
    act,
    add,
    checked,
    exported,
    fill,
    leaf_data,
    opened,
    sign_now,
)
from tests.project.repository import ROOT

WRITERS, EACH = 2, 40
APPENDING = """
import sys
from tests.alerts_api.audit.audit_examples import add, opened
place, actor, count = sys.argv[1:]
with opened(place) as log:
    print("ready", flush=True)
    sys.stdin.read()
    for number in range(int(count)):
        add(log, [number], actor)
"""
# Both are written, and the process is killed before the end of the transaction.
DYING = """
import os, signal, sys
from sqlalchemy import insert
from alerts_api.storage import tables
from alerts_api.audit.log import append
from tests.alerts_api.audit.audit_examples import act, opened
with opened(sys.argv[1]) as log, log.writing() as connection:
    connection.execute(insert(tables.counters), {"name": "act", "value": 1})
    append(connection, act(99))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def log(database: DatabaseLocation) -> Iterator[Database]:
    with opened(database) as found:
        yield found


def started(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_every_proof_of_a_growing_log_holds(log: Database) -> None:
    for number in range(20):
        add(log, [number])
    with log.reading() as connection:
        hashes = [leaf_hash(data) for data in leaf_data(connection)]
        roots = [root(connection, n) for n in range(21)]
        assert roots == [root_of(hashes[:n]) for n in range(21)]
        for new in range(1, 21):
            for old in range(1, new + 1):
                proof = consistency(connection, old, new)
                assert consistent(old, new, roots[old], roots[new], proof)
                assert included(
                    hashes[old - 1], old - 1, new, inclusion(connection, old - 1, new), roots[new]
                )


def test_the_records_say_what_was_done_and_nobody_s_name(log: Database) -> None:
    add(log, [4], note="seen in a café")
    with log.reading() as connection:
        (data,) = leaf_data(connection)
    record = decode(data)
    assert record is not None
    assert (record.index, record.kind, record.actor, record.alert) == (0, "verdict", "analyst-1", "alert-4")
    assert (record.note_length, len(record.note), len(record.account)) == (14, 64, 64)
    assert b"u1_" not in data
    assert b"seen in" not in data


def test_a_proof_of_what_is_not_there_is_refused(log: Database) -> None:
    add(log, range(3))
    with log.reading() as connection:
        for index, of in ((3, 3), (-1, 3), (0, 4)):
            with pytest.raises(NoSuchTreeError):
                inclusion(connection, index, of)
        for old, new in ((0, 3), (3, 2), (2, 4)):
            with pytest.raises(NoSuchTreeError):
                consistency(connection, old, new)


def test_a_transaction_taken_back_leaves_no_leaf(log: Database) -> None:
    fill(log, (5,))
    before = exported(log)
    with pytest.raises(ZeroDivisionError), log.writing() as connection:  # noqa: PT012 - of a transaction
        assert append(connection, act(5)) == 5
        assert append(connection, act(6)) == 6
        raise ZeroDivisionError
    assert exported(log) == before
    add(log, [5])
    with log.reading() as connection:
        assert size(connection) == 6


def test_an_act_that_cannot_be_recorded_does_not_happen(log: Database) -> None:
    with pytest.raises(LeafError), log.writing() as connection:  # noqa: PT012 - of a transaction
        connection.execute(insert(tables.counters), {"name": "act", "value": 1})
        append(connection, act(0, "two words"))
    with log.reading() as connection:
        assert connection.execute(select(tables.counters)).all() == []


def test_killed_between_act_and_commit(log: Database, database: DatabaseLocation) -> None:
    fill(log, (5,))
    before = exported(log)
    process = started(DYING, database)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    with log.reading() as connection:
        assert connection.execute(select(tables.counters)).all() == []
    assert exported(log) == before
    add(log, [5])
    sign_now(log)
    assert not checked(exported(log)).broken


def test_two_processes_at_once_leave_no_gap(log: Database, database: DatabaseLocation) -> None:
    writers = [started(APPENDING, database, f"analyst-{number}", EACH) for number in range(WRITERS)]
    for process in writers:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in writers:
        assert process.stdin
        process.stdin.close()
    for number in range(0, 3 * EACH, EACH):  # and this one signs meanwhile
        add(log, [number], "analyst-9")
        sign_now(log)
    assert [process.wait(60) for process in writers] == [0] * WRITERS
    for process in writers:
        assert process.stdout
        process.stdout.close()
    signed = sign_now(log)
    assert signed.checkpoint.size == WRITERS * EACH + 3
    report = checked(exported(log), signed)
    assert (report.size, report.broken) == (signed.checkpoint.size, ())
    with log.reading() as connection:
        records = [decode(data) for data in leaf_data(connection)]
    of_one = [record.at for record in records if record and record.actor == "analyst-1"]
    assert of_one == sorted(of_one)
    assert len(of_one) == EACH
