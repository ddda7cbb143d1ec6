"""What the pages say of the log: whether its leaves still are what tree and last checkpoint were made of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts_api.audit.leaves import ActKind
from alerts_api.audit.log_status import AGAIN_SECONDS, LogStatus, LogWatch
from alerts_api.audit.merkle import leaf_hash
from alerts_api.audit.reading import AuditFilters, read
from alerts_api.audit.table import HEADINGS, as_csv, harmless
from alerts_api.storage import audit_tables
from alerts_api.storage.database import Database
from tests.alerts_api.audit.audit_examples import (
    ACCOUNTS,
    NOW,
    add,
    cut,
    fill,
    leaf_data,
    opened,
    overwrite,
    rebuild,
    ruled,
)


@pytest.fixture
def log(file: Path) -> Iterator[Database]:
    with opened(file) as found:
        yield found


def reported(log: Database) -> LogStatus:
    with log.reading() as connection:
        return LogWatch().status(connection, 0.0)


def test_an_empty_log(log: Database) -> None:
    assert reported(log) == LogStatus(0, 0, 0, "")


def test_an_untouched_log_with_acts_after_its_checkpoint(log: Database) -> None:
    fill(log, (8, 16))
    add(log, range(3))
    assert reported(log) == LogStatus(19, 16, NOW, "")


def test_an_edited_leaf(log: Database) -> None:
    fill(log, (8,))
    with ruled(log) as connection:
        overwrite(connection, 3, leaf_data(connection)[4])
    assert reported(log).broken == "The leaves are not those that the tree was made of."


def test_an_edited_leaf_with_its_tree_made_anew(log: Database) -> None:
    fill(log, (8,))
    with ruled(log) as connection:
        overwrite(connection, 3, leaf_data(connection)[4])
        rebuild(connection)
    assert reported(log).broken == "The leaves are not those that the last checkpoint was signed for."


def test_a_log_that_was_cut(log: Database) -> None:
    fill(log, (8,))
    with ruled(log) as connection:
        cut(connection, 5)
    assert reported(log).broken


def test_the_table_of_acts(log: Database) -> None:
    add(log, range(2), note="=cmd|'/c calc'!A1")
    with log.reading() as connection:
        lines = as_csv(read(connection, -1, 10, AuditFilters())).splitlines()
    assert lines[0] == ",".join(HEADINGS)
    assert lines[1] == (
        f"0,2026-11-24T06:00:00+00:00,verdict,analyst-1,analyst,alert-0,{ACCOUNTS[0]},"
        ",,theft,,'=cmd|'/c calc'!A1,,yes"
    )


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1", "\uff0b1"]
)
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


def filed(log: Database, number: int, **columns: str) -> None:
    """Somebody with the database's password hides an act from the filters."""
    with ruled(log) as connection:
        table = audit_tables.leaves
        connection.execute(table.update().where(table.c.number == number).values(**columns))


HIDDEN = [
    {"kind": "signed-in"},
    {"actor": "somebody-else"},
    {"alert": "alert-9"},
    {"request": "RV-AAAAAAAAAA"},
]


@pytest.mark.parametrize("columns", HIDDEN)
def test_an_act_that_is_filed_as_another_is_told(log: Database, columns: dict[str, str]) -> None:
    fill(log, (8,))
    filed(log, 3, **columns)
    assert "filed as another act" in reported(log).broken


@pytest.mark.parametrize("columns", HIDDEN[:3])
def test_it_is_told_too_when_it_was_verified_before(log: Database, columns: dict[str, str]) -> None:
    """At every view: in the entries that are shown, and by the numbers of what is asked for."""
    fill(log, (8,))
    watch = LogWatch()
    with log.reading() as connection:
        (before,) = read(connection, 2, 1, AuditFilters())
        assert watch.status(connection, NOW).broken == ""
    assert before.record is not None
    filed(log, 3, **columns)
    wanted = AuditFilters(actor=before.record.actor, alert=before.record.alert)
    with log.reading() as connection:
        assert watch.status(connection, NOW + 1, wanted).broken
        assert [entry.fits for entry in read(connection, 2, 1, AuditFilters())] == [False]


def test_a_leaf_is_hashed_once_and_all_of_them_once_an_hour(
    log: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alerts_api.audit import log_status as room

    hashed: list[bytes] = []

    def counting(data: bytes) -> bytes:
        hashed.append(data)
        return leaf_hash(data)

    monkeypatch.setattr(room, "leaf_hash", counting)
    watch = LogWatch()

    def looked(now: float) -> int:
        hashed.clear()
        with log.reading() as connection:
            assert watch.status(connection, now).broken == ""
        return len(hashed)

    fill(log, (8,))
    assert [looked(NOW), looked(NOW + 1)] == [8, 0]
    add(log, range(3))
    assert [looked(NOW + 2), looked(NOW + 3)] == [3, 0]
    assert looked(NOW + AGAIN_SECONDS) == 11


def test_a_log_that_became_shorter_while_the_pages_ran_is_told(log: Database) -> None:
    """Whoever rolls it back with its checkpoints could sign anew."""
    fill(log, (8,))
    watch = LogWatch()
    with log.reading() as connection:
        assert watch.status(connection, NOW).broken == ""
    with ruled(log) as connection:
        cut(connection, 5)
        connection.execute(audit_tables.checkpoints.delete())
        rebuild(connection)
    with log.reading() as connection:
        assert watch.status(connection, NOW + 1).broken == (
            "The log had 8 acts when this page looked last, and has 5 now."
        )


def test_a_changed_leaf_is_marked_where_it_is_shown_before_all_are_hashed_anew(log: Database) -> None:
    fill(log, (8,))
    watch = LogWatch()
    with log.reading() as connection:
        watch.status(connection, NOW)
    with ruled(log) as connection:
        overwrite(connection, 3, leaf_data(connection)[3].replace(b'"role":"analyst"', b'"role":"auditor"'))
    with log.reading() as connection:
        assert [entry.fits for entry in read(connection, 2, 2, AuditFilters())] == [False, True]


def test_kinds_are_only_added() -> None:
    assert {"keyring-in-force", "pseudonym-asked", "break-glass-lifted"} <= {kind.value for kind in ActKind}
