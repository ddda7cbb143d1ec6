"""Sealed identities lie in the database as they came, and one pseudonym has one."""

from contextlib import closing
from pathlib import Path

import pytest

from alerts_api.storage import tables
from alerts_api.storage.database import open_database
from alerts_api.stream.store import open_store
from service.records.checkpoints import Changes, Checkpoint
from service.records.identities import KeyShare, Mode, SealedIdentity, encode

NAMES = ["u1_" + letter * 24 for letter in "abc"]


def sealed(pseudonym: str, ring: str = "0123456789abcdef", blob: bytes = b"\0\xff") -> SealedIdentity:
    return SealedIdentity(1, pseudonym, "1", Mode.ONE, ring, (KeyShare(("00112233aabbccdd",), blob),))


def commit(path: Path, *identities: SealedIdentity) -> None:
    with closing(open_store(path)) as store:
        store.commit(Checkpoint(changes=Changes(identities=identities), positions={}, counters={}))


def kept(path: Path) -> dict[str, bytes]:
    with closing(open_database(path, create=False)) as database, database.reading() as connection:
        table = tables.identities
        return dict(
            connection.execute(table.select().with_only_columns(table.c.pseudonym, table.c.sealed)).all()
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journalguard.db"


def test_they_come_with_the_checkpoint(path: Path) -> None:
    records = [sealed(name) for name in NAMES]
    commit(path, *records)
    assert kept(path) == {record.pseudonym: encode(record) for record in records}


def test_the_same_checkpoint_again_changes_nothing(path: Path) -> None:
    for _ in range(2):
        commit(path, sealed(NAMES[0]))
    assert kept(path) == {NAMES[0]: encode(sealed(NAMES[0]))}


def test_sealed_anew_replaces(path: Path) -> None:
    """After a key-holder came or went."""
    commit(path, sealed(NAMES[0]), sealed(NAMES[1]))
    young = sealed(NAMES[0], "fedcba9876543210", b"\x01")
    commit(path, young)
    assert kept(path) == {NAMES[0]: encode(young), NAMES[1]: encode(sealed(NAMES[1]))}
    with closing(open_store(path)) as store:
        assert list(store.sealed_for(young.ring)) == [NAMES[0]]
        assert list(store.sealed_for("0123456789abcdef")) == [NAMES[1]]
