"""What the pages say of the log: whether its leaves still are what tree and last checkpoint were made of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts_api.audit.log_status import LogStatus, log_status
from alerts_api.audit.reading import AuditFilters, read
from alerts_api.audit.table import HEADINGS, as_csv, harmless
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
        return log_status(connection)


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
        ",,theft,,'=cmd|'/c calc'!A1,yes"
    )


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
