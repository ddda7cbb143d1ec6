"""Whatever is done to the raw database, the export of it tells."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Table, delete, select, update

from alerts_api.audit.checkpoints import Signed
from alerts_api.audit.errors import AuditError, ExportError, RewrittenError
from alerts_api.audit.signednote import Signer
from alerts_api.audit.verification import VerificationReport, What
from alerts_api.storage import audit_tables
from alerts_api.storage.database import Database
from alerts_api.storage.errors import StoreError
from tests.alerts_api.audit.audit_examples import (
    NAME,
    add,
    checked,
    cut,
    exported,
    fill,
    leaf_data,
    opened,
    overwrite,
    rebuild,
    renumber,
    ruled,
    sign_now,
)

both = pytest.mark.parametrize(
    "log", ["file", pytest.param("postgres_url", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty one, of SQLite where nothing else is said."""
    with opened(request.getfixturevalue(getattr(request, "param", "file"))) as found:
        yield found


@pytest.fixture
def signed(log: Database) -> list[Signed]:
    """Twenty leaves, and checkpoints at 8, 16 and 20."""
    return fill(log)


def found(report: VerificationReport) -> set[What]:
    return {each.what for each in report.broken}


def reported(report: VerificationReport) -> str:
    return "\n".join(each.text for each in report.broken)


@both
def test_an_untouched_log_holds(log: Database, signed: list[Signed]) -> None:
    report = checked(exported(log), *signed)
    assert (report.size, report.broken, report.remarks) == (20, (), ())
    assert report.holds == (
        "20 leaves, none missing, each in its place",
        "3 checkpoints of the file: signed, with the roots of these leaves",
        "the checkpoint of 8 leaves in kept-8 is signed, and the log still begins with its leaves",
        "the checkpoint of 16 leaves in kept-16 is signed, and the log still begins with its leaves",
        "the checkpoint of 20 leaves in kept-20 is signed, and the log still begins with its leaves",
    )


def test_leaves_after_the_last_checkpoint_are_told_apart(log: Database, signed: list[Signed]) -> None:
    add(log, [20, 21])
    report = checked(exported(log))
    assert not report.broken
    assert "leaves 20 to 21 are younger than the newest checkpoint" in report.remarks[0]
    assert "no checkpoint from elsewhere was given" in report.remarks[1]


@both
@pytest.mark.parametrize("careful", [False, True])
def test_an_edit(log: Database, signed: list[Signed], careful: bool) -> None:
    with ruled(log) as connection:
        overwrite(connection, 12, leaf_data(connection)[12].replace(b"theft", b"false"))
        if careful:
            rebuild(connection)
    report = checked(exported(log))
    assert found(report) == {What.EDITED}
    assert "the first difference is among leaves 8 to 15" in reported(report)
    assert ("leaf 12 is not what the database's own tree was made of" in reported(report)) is not careful


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"{}", "no record of an act"), (b"{}\n{}", "not what the database's own tree was made of")],
)
def test_an_edit_that_is_no_record(log: Database, signed: list[Signed], data: bytes, why: str) -> None:
    with ruled(log) as connection:
        overwrite(connection, 3, data)
        rebuild(connection)
    assert f"leaf 3 is {why}" in reported(checked(exported(log)))


def test_a_leaf_that_poses_as_another_line_of_the_file(log: Database, signed: list[Signed]) -> None:
    with ruled(log) as connection:
        overwrite(connection, 3, b'{"hashes":[],"first":0}')
        rebuild(connection)
    assert What.DELETED in found(checked(exported(log)))


@both
def test_a_deletion(log: Database, signed: list[Signed]) -> None:
    with ruled(log) as connection:
        connection.execute(delete(audit_tables.leaves).where(audit_tables.leaves.c.number.in_([5, 9])))
    report = checked(exported(log))
    assert found(report) == {What.DELETED}
    assert reported(report) == "leaves 5, 9 are missing, with later ones after the gap"


def test_a_deletion_with_all_later_leaves_moved_up(log: Database, signed: list[Signed]) -> None:
    with ruled(log) as connection:
        number = audit_tables.leaves.c.number
        connection.execute(delete(audit_tables.leaves).where(number == 5))
        for place in range(6, 20):
            connection.execute(update(audit_tables.leaves).where(number == place).values(number=place - 1))
        renumber(connection)
        rebuild(connection)
    assert found(checked(exported(log))) >= {What.EDITED, What.TRUNCATED}


@both
@pytest.mark.parametrize("careful", [False, True])
def test_a_reordering(log: Database, signed: list[Signed], careful: bool) -> None:
    with ruled(log) as connection:
        data = leaf_data(connection)
        overwrite(connection, 3, data[12])
        overwrite(connection, 12, data[3])
        if careful:
            renumber(connection)
            rebuild(connection)
    report = checked(exported(log))
    assert (What.EDITED if careful else What.REORDERED) in found(report)


def test_a_leaf_told_twice(log: Database, signed: list[Signed]) -> None:
    with ruled(log) as connection:
        overwrite(connection, 4, leaf_data(connection)[3])
    assert found(checked(exported(log))) >= {What.REPEATED, What.DELETED}


@both
def test_a_truncation(log: Database, signed: list[Signed]) -> None:
    with ruled(log) as connection:
        cut(connection, 16)
    report = checked(exported(log))
    assert found(report) == {What.TRUNCATED}
    assert reported(report) == "leaves 16 to 19 are missing at the end: the checkpoint of 20 leaves is signed"


def test_a_truncation_of_log_and_checkpoints(log: Database, signed: list[Signed]) -> None:
    """As when an old copy of the database is put back: only who has a newer checkpoint can tell."""
    with ruled(log) as connection:
        cut(connection, 16)
        connection.execute(delete(audit_tables.checkpoints).where(audit_tables.checkpoints.c.size > 16))
    assert not checked(exported(log)).broken
    assert found(checked(exported(log), signed[-1])) == {What.TRUNCATED}


def test_a_file_that_was_not_copied_whole(log: Database, signed: list[Signed]) -> None:
    lines = exported(log).splitlines(keepends=True)
    assert What.TRUNCATED in found(checked(b"".join(lines[:15])))


def test_a_fork(file: Path, tmp_path: Path) -> None:
    """Two copies of one database go on apart, both signed."""
    with opened(file) as log:
        fill(log, (8,))
    shutil.copy(file, tmp_path / "other.db")
    with opened(file) as one, opened(tmp_path / "other.db") as other:
        for log, actor, count in ((one, "analyst-1", 4), (other, "analyst-2", 6)):
            add(log, range(count), actor)
        shown = sign_now(one)
        sign_now(other)
        assert not checked(exported(one), shown).broken
        report = checked(exported(other), shown)
    assert found(report) == {What.FORKED}
    assert "somebody with the key has shown two histories" in reported(report)
    assert "the first difference is among leaves 8 to 11" in reported(report)


@both
def test_all_made_anew_with_the_signing_key(log: Database, signed: list[Signed]) -> None:
    """Who has the key can make a log that holds by itself; a checkpoint kept elsewhere tells."""
    with ruled(log) as connection:
        overwrite(connection, 5, leaf_data(connection)[5].replace(b"theft", b"false"))
        rebuild(connection)
        connection.execute(delete(audit_tables.checkpoints))
    sign_now(log)
    assert not checked(exported(log)).broken
    assert found(checked(exported(log), signed[0])) == {What.FORKED}


def test_a_checkpoint_of_another_key_proves_nothing(log: Database) -> None:
    add(log, range(5))
    sign_now(log, Signer(NAME, bytes(32)))
    report = checked(exported(log))
    assert found(report) == {What.UNSIGNED}
    assert "1 checkpoints in the file are signed by other keys" in report.remarks[0]


def test_a_forged_checkpoint(log: Database, signed: list[Signed]) -> None:
    data = exported(log)
    assert found(checked(data.replace(rb"\n16\n", rb"\n17\n", 1))) == {What.FORGED}


def test_a_pseudonym_that_is_not_the_recorded_one(log: Database, signed: list[Signed]) -> None:
    with ruled(log) as connection:
        other = "u1_" + "z" * 24
        connection.execute(
            update(audit_tables.openings).where(audit_tables.openings.c.leaf == 7).values(value=other)
        )
    report = checked(exported(log))
    assert reported(report) == "leaf 7 is shown with a pseudonym that is not the recorded one"


def test_nothing_is_signed_after_a_change(log: Database, signed: list[Signed]) -> None:
    with ruled(log) as connection:
        overwrite(connection, 5, leaf_data(connection)[5].replace(b"theft", b"false"))
        rebuild(connection)
    with pytest.raises(RewrittenError, match="the first 20 leaves of the audit log are not those signed"):
        sign_now(log)
    with ruled(log) as connection:
        cut(connection, 16)
    with pytest.raises(RewrittenError, match="has 16 leaves, but 20 were signed before"):
        sign_now(log)


@both
def test_nothing_is_recorded_over_a_gap(log: Database, signed: list[Signed]) -> None:
    with ruled(log) as connection:
        connection.execute(delete(audit_tables.nodes).where(audit_tables.nodes.c.level == 4))
    with pytest.raises(
        RewrittenError, match="the hash over leaves 0 to 15 is gone; nothing more is recorded"
    ):
        add(log, [20])


@both
def test_nothing_is_recorded_where_leaves_were_cut_from_their_tree(
    log: Database, signed: list[Signed]
) -> None:
    with ruled(log) as connection:
        connection.execute(delete(audit_tables.leaves).where(audit_tables.leaves.c.number > 15))
    with pytest.raises(StoreError):
        add(log, [16])
    with log.reading() as connection:
        assert len(leaf_data(connection)) == 16


@both
@pytest.mark.parametrize(
    "table", [audit_tables.leaves, audit_tables.nodes, audit_tables.checkpoints], ids=lambda t: t.name
)
def test_hasty_hands_are_stopped(log: Database, signed: list[Signed], table: Table) -> None:
    before = exported(log)
    for statement in (delete(table), update(table).values({next(iter(table.c)): 99})):
        with pytest.raises(StoreError), log.writing() as connection:
            connection.execute(statement)
    assert exported(log) == before


def test_the_export_does_not_depend_on_the_tree(log: Database, signed: list[Signed]) -> None:
    """Without its tree the log can no longer be signed, but still be checked."""
    with ruled(log) as connection:
        connection.execute(delete(audit_tables.nodes))
        assert len(list(connection.execute(select(audit_tables.leaves.c.number)))) == 20
    report = checked(exported(log), signed[-1])
    assert "the log still begins with its leaves" in report.holds[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An export."""
    with opened(tmp_path_factory.mktemp("log") / "journalguard.db") as log:
        fill(log)
        return exported(log)


class TestFiles:
    """Changes to the file instead of the database."""

    @given(change=st.data())
    def test_any_change_of_a_leaf_is_found(self, data: bytes, change: st.DataObject) -> None:
        lines = data.splitlines(keepends=True)
        leaves = [number for number, line in enumerate(lines) if b'"kind"' in line]
        number, other = change.draw(st.lists(st.sampled_from(leaves), min_size=2, max_size=2, unique=True))
        line = bytearray(lines[number])
        match change.draw(st.sampled_from(["bit", "drop", "repeat", "swap", "insert"])):
            case "bit":
                line[change.draw(st.integers(0, len(line) - 2))] ^= 1 << change.draw(st.integers(0, 7))
                lines[number] = bytes(line)
            case "drop":
                del lines[number]
            case "repeat":
                lines.insert(other, lines[number])
            case "swap":
                lines[number], lines[other] = lines[other], lines[number]
            case _:
                lines.insert(number, b'{"index":3,"v":1}\n')
        assert checked(b"".join(lines)).broken

    @given(st.binary(max_size=80), st.integers(0, 6_000), st.booleans())
    def test_garbage_is_no_crash(self, data: bytes, garbage: bytes, at: int, instead: bool) -> None:
        changed = garbage if instead else data[:at] + garbage + data[at:]
        try:
            checked(changed)
        except AuditError as error:
            assert str(error)

    @pytest.mark.parametrize(
        "start", [b"", b'{"v":1,"index":0,"x":', b'{"hashes":[],"first":0,"x":', b'{"checkpoint":"","x":']
    )
    def test_depth_is_no_crash(self, data: bytes, start: bytes) -> None:
        assert checked(data + start + b"[" * 100_000 + b"\n").broken
        with pytest.raises(ExportError, match="not an export"):
            checked(b'{"audit_export":1,"size":1,"x":' + b"[" * 100_000)
