"""The record of an act is closed and canonical; what must be forgotten is not in it."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from alerts_api.audit.errors import LeafError
from alerts_api.audit.leaves import (
    NOTE_LENGTH,
    ActKind,
    ActRole,
    Leaf,
    Opening,
    commitment,
    decode,
    encode,
    openings_of,
    opens,
    place,
    record_of,
)
from alerts_api.audit.reading import AuditFilters, erase_account, erase_note, latest, read
from alerts_api.storage import audit_tables
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import Database
from tests.alerts_api.audit.audit_examples import (
    ACCOUNTS,
    NOW,
    act,
    add,
    checked,
    exported,
    fill,
    opened,
    overwrite,
    ruled,
    sign_now,
)

SALTS = (b"\x01" * 32, b"\x02" * 32)
leaves = st.builds(
    Leaf,
    kind=st.sampled_from(ActKind),
    actor=st.from_regex(r"[\x21-\x7e]{1,255}", fullmatch=True),
    role=st.sampled_from(ActRole),
    at=st.integers(0, 2**53 - 1),
    alert=st.from_regex(r"[A-Za-z0-9_.:/#-]{0,64}", fullmatch=True),
    account=st.sampled_from(["", *ACCOUNTS]),
    reason=st.from_regex(r"[a-z0-9_-]{0,64}", fullmatch=True),
    digest=st.sampled_from(["", "ab" * 32]),
)
notes = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=NOTE_LENGTH)


@pytest.fixture
def log(database: DatabaseLocation) -> Iterator[Database]:
    with opened(database) as found:
        yield found


class TestRecords:
    def test_the_bytes_of_one(self) -> None:
        """They are in trees for good: this never changes."""
        assert encode(record_of(act(4), 7, "", SALTS)) == (
            b'{"account":"' + commitment(SALTS[0], ACCOUNTS[1]).encode() + b'","actor":"analyst-1",'
            b'"alert":"alert-4","at":1795500004,"index":7,"kind":"verdict","outcome":"theft",'
            b'"role":"analyst","v":1}'
        )

    @given(leaves, st.integers(0, 2**53 - 1), notes)
    def test_bytes_and_record_lead_to_each_other(self, leaf: Leaf, index: int, note: str) -> None:
        record = record_of(leaf, index, note, SALTS)
        data = encode(record)
        assert decode(data) == record
        assert place(data) == place(data + b" ")
        assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":")).encode()
        assert all(opens(opening, record) for opening in openings_of(leaf, index, note, SALTS))
        assert all(text not in data.decode() for text in (leaf.account, note) if len(text) > 70)

    @given(leaves, st.data())
    def test_other_bytes_are_no_record(self, leaf: Leaf, change: st.DataObject) -> None:
        data = encode(record_of(leaf, 1, "", SALTS))
        at = change.draw(st.integers(0, len(data)))
        assert decode(data[:at] + b" " + data[at:]) != decode(data)
        assert decode(data[:-1] + b',"v":1}') is None
        assert decode(data[:-1] + b',"z":1}') is None

    @given(st.binary())
    def test_garbage_is_no_record(self, data: bytes) -> None:
        assert decode(data) is None

    @pytest.mark.parametrize(
        "change",
        [
            {"actor": ""},
            {"actor": "two words"},
            {"actor": "line\n"},
            {"actor": "a" * 256},
            {"at": -1},
            {"at": 2**53},
            {"alert": "an alert"},
            {"case": "INC\n"},
            {"reason": "Free text"},
            {"outcome": "x" * 65},
            {"digest": "AB" * 32},
            {"account": "jdoe"},
            {"account": "jdoe@example.ac.uk"},
            {"account": ACCOUNTS[0] + "\n"},
            {"kind": "made-up"},
        ],
    )
    def test_what_the_record_does_not_allow(self, change: dict[str, Any]) -> None:
        with pytest.raises(LeafError) as caught:
            record_of(msgspec.structs.replace(act(0), **change), 0, "", SALTS)
        assert "jdoe" not in str(caught.value)

    @pytest.mark.parametrize("note", ["x" * (NOTE_LENGTH + 1), "a\0b", "\ud800"])
    def test_notes_that_cannot_be_kept(self, note: str) -> None:
        with pytest.raises(LeafError, match="a note"):
            record_of(act(0), 0, note, SALTS)

    def test_a_salt_is_32_bytes(self) -> None:
        with pytest.raises(LeafError, match="32 random bytes"):
            record_of(act(0), 0, "", (b"", b""))

    def test_an_opening_belongs_to_its_leaf(self) -> None:
        record = record_of(act(0), 3, "", SALTS)
        assert opens(Opening(3, "account", SALTS[0], ACCOUNTS[0]), record)
        assert not opens(Opening(4, "account", SALTS[0], ACCOUNTS[0]), record)
        assert not opens(Opening(3, "account", SALTS[0], ACCOUNTS[1]), record)
        assert not opens(Opening(3, "v", SALTS[0], ACCOUNTS[0]), record)


class TestReading:
    def test_newest_first_in_pages(self, log: Database) -> None:
        add(log, range(7), note="seen")
        with log.reading() as connection:
            first = latest(connection, None, 3, AuditFilters())
            second = latest(connection, first[-1].index, 3, AuditFilters())
            forward = read(connection, 4, 9, AuditFilters())
        assert [entry.index for entry in (*first, *second)] == [6, 5, 4, 3, 2, 1]
        assert [entry.index for entry in forward] == [5, 6]
        assert [entry.account for entry in first] == [ACCOUNTS[n % 3] for n in (6, 5, 4)]
        assert all(entry.fits and entry.note == "seen" for entry in first)

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            (AuditFilters(account=ACCOUNTS[2]), [2, 5]),
            (AuditFilters(alert="alert-1"), [1, 6]),
            (AuditFilters(actor="nobody"), []),
            (AuditFilters(kinds=(ActKind.VERDICT,), since=NOW + 5), [5, 6]),
            (AuditFilters(kinds=(ActKind.SIGNED_IN,)), []),
            (AuditFilters(until=NOW + 2), [0, 1]),
        ],
    )
    def test_filters(self, log: Database, filters: AuditFilters, found: list[int]) -> None:
        add(log, range(7))
        with log.reading() as connection:
            assert [entry.index for entry in read(connection, -1, 99, filters)] == found

    def test_what_was_changed_is_shown_as_not_fitting(self, log: Database) -> None:
        add(log, range(3))
        with ruled(log) as connection:
            overwrite(connection, 0, b"{}")
            swap = (
                update(audit_tables.openings)
                .where(audit_tables.openings.c.leaf == 1)
                .values(value=ACCOUNTS[0])
            )
            connection.execute(swap)
        with log.reading() as connection:
            entries = read(connection, -1, 9, AuditFilters())
        assert [(entry.account, entry.fits) for entry in entries] == [
            ("", False),
            ("", False),
            (ACCOUNTS[2], True),
        ]


class TestErasure:
    def test_a_reader_is_forgotten_and_the_log_holds(self, log: Database) -> None:
        fill(log, (4,))
        add(log, range(4, 9), note="told by the desk")
        signed = sign_now(log)
        with log.writing() as connection:
            assert erase_account(connection, ACCOUNTS[0]) == 3
            assert erase_account(connection, ACCOUNTS[0]) == 0
            assert erase_note(connection, 7)
            assert not erase_note(connection, 7)
        data = exported(log)
        report = checked(data, signed)
        assert not report.broken
        assert ACCOUNTS[0].encode() not in data
        assert ACCOUNTS[1].encode() in data
        with log.reading() as connection:
            shown = {entry.index: entry for entry in read(connection, -1, 99, AuditFilters())}
            left = connection.execute(
                select(audit_tables.openings.c.leaf, audit_tables.openings.c.name)
            ).all()
        assert [(shown[n].account, shown[n].note) for n in (0, 6, 7)] == [
            ("", ""),
            ("", ""),
            (ACCOUNTS[1], ""),
        ]
        assert all(entry.fits for entry in shown.values())
        assert not {0, 3, 6} & {leaf for leaf, _ in left}

    def test_what_is_forgotten_cannot_be_tried_out(self) -> None:
        """The same pseudonym gives another commitment each time, so a list of all of them helps nobody."""
        found = {record_of(act(0), 0, "", (bytes([n]) * 32, SALTS[1])).account for n in range(9)}
        assert len(found) == 9
