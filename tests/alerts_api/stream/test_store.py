"""The store keeps what it is given, once, whatever happens around it."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import create_engine, inspect, text

from alerts_api.alerts.detections import Detections
from alerts_api.alerts.filters import Filters
from alerts_api.alerts.queries import events_around, find_alerts, get_alert, read_progress
from alerts_api.alerts.records import AlertRow, JudgedAlert
from alerts_api.alerts.verdicts import Verdict, record_verdict
from alerts_api.signin.actors import Role
from alerts_api.storage import audit_tables, tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import open_database
from alerts_api.storage.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreMissingError,
    StoreTooNewError,
    StoreUnreachableError,
)
from alerts_api.stream.store import QUARANTINE, open_store
from alerts_api.web.authentication import OPEN as ANALYST
from service.records.checkpoints import Changes, Checkpoint
from service.records.events import Alert, Rejected
from tests.alerts_api.examples import NOW, checkpoint, make_alert, make_traces
from tests.alerts_api.visitors import person

NONE: Detections = {}
READER = person(Role.ANALYST)


def dump(place: DatabaseLocation) -> dict[str, list[str]]:
    """Every row of every table."""
    database = open_database(place, create=False)
    with database.reading() as connection:
        names = inspect(connection).get_table_names()
        found = {name: connection.execute(text(f"SELECT * FROM {name}")) for name in names}  # noqa: S608 - ours
        rows = {name: sorted(map(str, result)) for name, result in found.items()}
    database.close()
    return rows


def rows(place: DatabaseLocation, query: str) -> list[object]:
    """The first column."""
    database = open_database(place, create=False)
    with database.reading() as connection:
        found = list(connection.execute(text(query)).scalars())
    database.close()
    return found


def judged(place: DatabaseLocation, alert: Alert) -> JudgedAlert:
    database = open_database(place, create=False)
    with database.reading() as connection:
        found = get_alert(connection, READER, alert.alert_id, NONE, 0.0)
    database.close()
    assert found is not None
    return found


def judge(place: DatabaseLocation, alert: Alert, verdict: Verdict, note: str = "") -> None:
    database = open_database(place, create=False)
    with database.writing() as connection:
        known = record_verdict(
            connection, alert.alert_id, verdict, note, now=float(NOW), actor=ANALYST, daily_verdict_limit=12
        )
        assert known
    database.close()


def queue(place: DatabaseLocation) -> tuple[AlertRow, ...]:
    database = open_database(place, create=False)
    with database.reading() as connection:
        found = find_alerts(
            connection, Filters.model_validate({"status": "all", "period": "all"}), NOW, NONE, 6
        )
    database.close()
    return found.alerts


def test_an_empty_store_has_nothing(database: DatabaseLocation) -> None:
    store = open_store(database)
    saved = store.load()
    assert list(saved.accounts) == []
    assert (saved.shared, saved.positions, saved.counters, saved.last_event_time) == ({}, {}, {}, 0)
    store.close()


def test_what_goes_in_comes_out(database: DatabaseLocation) -> None:
    alert = make_alert()
    first = checkpoint([alert], make_traces(alert))
    store = open_store(database)
    store.commit(first)
    store.close()

    store = open_store(str(database), create=False)
    saved = store.load()
    assert list(saved.accounts) == [(alert.account, b"\x01" * 64)]
    assert saved.shared == first.changes.shared
    assert saved.positions == first.positions
    assert saved.counters == first.counters
    assert saved.last_event_time == first.last_event_time
    store.close()
    assert judged(database, alert).alert == alert


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)


@given(
    accounts=st.dictionaries(TEXT, st.binary(max_size=50), max_size=20),
    shared=st.dictionaries(TEXT, st.binary(max_size=50), max_size=5),
    counters=st.dictionaries(TEXT, st.integers(0, 2**62), max_size=5),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_state_survives_and_the_newest_counts(
    database: DatabaseLocation,
    accounts: dict[str, bytes],
    shared: dict[str, bytes],
    counters: dict[str, int],
) -> None:
    store = open_store(database)
    store.forget_learnt(keep=())  # of the example before
    older = tuple((name, b"older") for name in accounts)
    store.commit(Checkpoint(Changes(accounts=older), positions={"gone": b"{}"}, counters={}))
    store.commit(
        Checkpoint(Changes(tuple(accounts.items()), shared), positions={"log": b"{}"}, counters=counters)
    )
    saved = store.load()
    assert dict(saved.accounts) == accounts
    assert (saved.shared, saved.positions, saved.counters) == (shared, {"log": b"{}"}, counters)
    store.close()


def test_the_same_checkpoint_again_changes_nothing(database: DatabaseLocation) -> None:
    alert = make_alert()
    same = checkpoint([alert], make_traces(alert))
    store = open_store(database)
    store.commit(same)
    before = dump(database)
    store.commit(same)
    assert dump(database) == before
    store.close()


def test_kept_events_go_after_their_time(database: DatabaseLocation) -> None:
    alert = make_alert()
    traces = make_traces(alert)
    middle = sorted(trace.event.time for trace in traces)[len(traces) // 2]
    store = open_store(database)
    store.commit(checkpoint([alert], traces))
    store.commit(Checkpoint(Changes(), positions={}, counters={}, forget_before=middle))
    kept = rows(database, "SELECT time FROM traces ORDER BY time")
    assert kept == sorted(t.event.time for t in traces if t.event.time >= middle)
    store.close()


def test_a_growing_alert_keeps_its_number_and_verdict(database: DatabaseLocation) -> None:
    alert, other = make_alert(0), make_alert(1)
    store = open_store(database)
    store.commit(checkpoint([alert, other]))
    judge(database, alert, Verdict.EXPECTED, "a systematic review")
    grown = replace(alert, updated_at=alert.updated_at + 900, documents=900, detections=("many-networks",))
    store.commit(checkpoint([grown]))
    store.close()

    found = judged(database, alert)
    assert found.alert == grown
    assert (found.row.number, found.row.verdict, found.row.grown) == (1, "expected", True)
    assert found.row.detections == ("many-networks",)
    assert [entry.note for entry in found.history] == ["a systematic review"]
    assert len(queue(database)) == 2


def test_a_change_of_mind_is_a_new_entry(database: DatabaseLocation) -> None:
    alert = make_alert()
    store = open_store(database)
    store.commit(checkpoint([alert]))
    store.close()
    for verdict in (Verdict.CONFIRMED, Verdict.CONFIRMED, Verdict.REOPENED):
        judge(database, alert, verdict)
    found = judged(database, alert)
    assert [entry.verdict for entry in found.history] == ["reopened", "confirmed"]  # a doubled click is one
    assert (found.row.verdict, found.row.grown) == ("", False)


def test_events_are_those_around_the_alert(database: DatabaseLocation) -> None:
    alert = make_alert()
    inside = make_traces(alert, count=30)
    early = replace(
        inside[0], sequence=900, event=replace(inside[0].event, time=alert.opened_at - 2 * 86_400)
    )
    foreign = replace(inside[0], sequence=901, event=replace(inside[0].event, account="u1_other"))
    store = open_store(database)
    store.commit(checkpoint([alert], [*inside, early, foreign]))
    store.close()
    reader = open_database(database, create=False)
    with reader.reading() as connection:
        found = events_around(connection, alert, page=1, size=100)
    reader.close()
    assert {trace.sequence for trace in found.events} == {trace.sequence for trace in inside}
    assert found.total == len(inside)


def test_the_quarantine_index_keeps_the_newest(database: DatabaseLocation) -> None:
    store = open_store(database)
    for start in range(0, 1_800, 300):
        lines = tuple(Rejected("no-time", "ezproxy.log", line, 10) for line in range(start, start + 300))
        store.commit(Checkpoint(Changes(), positions={}, counters={}, rejected=lines))
    store.close()
    kept = rows(database, "SELECT line FROM rejected ORDER BY id")
    assert kept == list(range(1_800 - QUARANTINE, 1_800))


def test_reading_goes_on_while_another_writes(database: DatabaseLocation) -> None:
    store, reader = open_store(database), open_database(database, create=False)
    store.commit(checkpoint([make_alert()]))
    with reader.reading() as connection:
        before = read_progress(connection)
        store.commit(checkpoint(written_at=NOW + 60))
        assert read_progress(connection) == before  # one view for the whole page
    with reader.reading() as connection:
        assert read_progress(connection).written_at == NOW + 60
    store.close()
    reader.close()


def test_two_writers_take_turns(database: DatabaseLocation) -> None:
    alerts = [make_alert(index) for index in range(20)]
    store = open_store(database)
    store.commit(checkpoint(alerts))

    def judge_all() -> None:
        for alert in alerts:
            judge(database, alert, Verdict.EXPECTED)

    judging = threading.Thread(target=judge_all)
    judging.start()
    for _ in range(20):
        store.commit(checkpoint(alerts))
    judging.join()
    store.close()
    assert {row.verdict for row in queue(database)} == {"expected"}


def test_account_states_stream_while_the_store_is_written(database: DatabaseLocation) -> None:
    store = open_store(database)
    states = tuple((f"u1_{n:024d}", b"x" * 100) for n in range(5_000))
    store.commit(Checkpoint(Changes(accounts=states), positions={}, counters={}))
    streamed = iter(store.load().accounts)
    first = next(streamed)
    store.commit(Checkpoint(Changes(accounts=(("u1_new", b"y"),)), positions={}, counters={}))
    assert {first, *streamed} == set(states)
    store.close()


def test_a_failed_checkpoint_leaves_nothing(database: DatabaseLocation) -> None:
    store = open_store(database)
    store.commit(checkpoint([make_alert(0)]))
    before = dump(database)
    broken = Checkpoint(
        Changes(alerts=(make_alert(1),)), positions={"log": b"{}"}, counters={"lines_total": 2**70}
    )
    with pytest.raises((OverflowError, StoreError)):  # of SQLite's driver, or the server's
        store.commit(broken)
    assert dump(database) == before
    store.close()


def test_kill_9_loses_no_committed_checkpoint(database: DatabaseLocation) -> None:
    script = (
        "import os, sys; from alerts_api.stream.store import open_store;"
        "from tests.alerts_api.examples import checkpoint, make_alert;"
        "s = open_store(sys.argv[1]); s.commit(checkpoint([make_alert()])); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(database)], check=False, cwd=Path(__file__).parents[3]
    )
    assert ended.returncode == -9
    assert judged(database, make_alert()).alert == make_alert()


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir(mode=0o700)
    store = open_store(folder / "journalguard.db")
    store.commit(checkpoint([make_alert()]))
    assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o600"}
    store.close()


def test_a_locked_database_says_who_may_hold_it(file: Path) -> None:
    store = open_store(file, busy_seconds=0.05)
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError, match=r"journalguard\.db.*locked.*sqlite3 shell"):
            store.commit(checkpoint([make_alert()]))
        other.execute("ROLLBACK")
    store.commit(checkpoint([make_alert()]))  # and goes on afterwards
    store.close()


def test_a_full_disk_keeps_the_last_checkpoint(file: Path) -> None:
    store = open_store(file)
    store.commit(checkpoint([make_alert()]))
    before = dump(file)
    with store._database.writing() as connection:  # a disk of this size, for this connection
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    states = tuple((f"u1_{n:024d}", os.urandom(1_700)) for n in range(200))
    with pytest.raises(StoreFullError, match=r"journalguard\.db.*no room left.*free some space"):
        store.commit(Checkpoint(Changes(accounts=states), positions={}, counters={}))
    assert dump(file) == before
    store.close()


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 8_000]
)
def test_a_corrupt_file_is_named(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StoreDamagedError, match=r"journalguard\.db.*damaged.*move it aside"):
        open_store(file)


def test_damage_inside_is_told_when_met(file: Path) -> None:
    store = open_store(file)
    states = tuple((f"u1_{n:024d}", os.urandom(1_700)) for n in range(400))
    store.commit(Checkpoint(Changes(accounts=states), positions={}, counters={}))
    store.close()
    content = bytearray(file.read_bytes())
    content[8 * 4096 :] = b"\xff" * (len(content) - 8 * 4096)
    file.write_bytes(content)
    with pytest.raises(StoreDamagedError):
        list(open_store(file).load().accounts)


def test_a_newer_schema_is_left_alone(file: Path) -> None:
    open_store(file).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = file.read_bytes()
    with pytest.raises(StoreTooNewError, match=r"newer journalguard \(schema 9999.*upgrade"):
        open_store(file)
    assert file.read_bytes() == before


def test_a_missing_file_is_not_made_unasked(file: Path) -> None:
    with pytest.raises(StoreMissingError, match="journalguard run"):
        open_store(file, create=False)
    assert not file.exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachableError, match=r"nowhere.*No such file"):
        open_store(tmp_path / "nowhere" / "journalguard.db")


def test_every_error_is_a_store_error() -> None:
    assert all(issubclass(kind, StoreError) for kind in (StoreBusyError, StoreFullError, StoreTooNewError))


def test_migrations_make_the_tables_that_the_code_uses(file: Path, tmp_path: Path) -> None:
    open_store(file).close()
    plain = create_engine(f"sqlite:///{tmp_path / 'plain.db'}")
    assert audit_tables.leaves.metadata is tables.metadata
    tables.metadata.create_all(plain)
    migrated = create_engine(f"sqlite:///{file}")

    def shape(engine: object) -> dict[str, object]:
        found = inspect(engine)
        names = [name for name in found.get_table_names() if name != "alembic_version"]
        return {
            name: (
                [
                    (c["name"], str(c["type"]), c["nullable"], c["primary_key"])
                    for c in found.get_columns(name)
                ],
                sorted((i["name"] or "", tuple(i["column_names"])) for i in found.get_indexes(name)),
                sorted(tuple(u["column_names"]) for u in found.get_unique_constraints(name)),
                sorted(tuple(f["constrained_columns"]) for f in found.get_foreign_keys(name)),
            )
            for name in names
        }

    assert shape(migrated) == shape(plain)
