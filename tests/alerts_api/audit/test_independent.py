"""A verifier that somebody else wrote accepts what is signed and proved here, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts_api.audit.checkpoints import Signed, receipt
from alerts_api.storage.database import Database
from tests.alerts_api.audit.audit_examples import NAME, SIGNER, fill, leaf_data, opened

MISSING = "the independent verifier proofbundle is not installed; add it to the dev group"


@pytest.fixture(scope="module")
def theirs() -> Any:
    return pytest.importorskip("proofbundle", reason=MISSING)


@pytest.fixture
def log(file: Path) -> Iterator[Database]:
    with opened(file) as found:
        yield found


@pytest.fixture
def signed(log: Database) -> list[Signed]:
    return fill(log, (1, 2, 7, 8, 20, 21, 32, 33))


def test_checkpoints(theirs: Any, signed: list[Signed]) -> None:
    checkpoint = pytest.importorskip("proofbundle.checkpoint", reason=MISSING)
    assert checkpoint.vkey(NAME, SIGNER.public.raw) == SIGNER.public.text()
    for each in signed:
        found = checkpoint.verify_checkpoint(each.note, SIGNER.public.text())
        assert (found["ok"], found["origin"], found["tree_size"]) == (True, NAME, each.checkpoint.size)
        assert found["root"] == each.checkpoint.root
    changed = signed[0].note.replace("\n1\n", "\n2\n")
    assert not checkpoint.verify_checkpoint(changed, SIGNER.public.text())["ok"]


def test_receipts(theirs: Any, log: Database, signed: list[Signed]) -> None:
    with log.reading() as connection:
        data = leaf_data(connection)
        for each in signed:
            for index in range(each.checkpoint.size):
                proof = receipt(connection, index, each)
                assert theirs.verify_tlog_proof(proof, data[index], SIGNER.public.text())["ok"]
                assert not theirs.verify_tlog_proof(proof, b"other", SIGNER.public.text())["ok"]
