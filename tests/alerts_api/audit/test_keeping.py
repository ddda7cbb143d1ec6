"""Checkpoints by themselves: at each release, hourly, sent; and what is told while they are not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts_api.audit.checkpoints import newest
from alerts_api.audit.errors import HandOverError
from alerts_api.audit.keeping import FAILED, NO_KEY, NOT_SENT, CheckpointKeeper, signer_of
from alerts_api.audit.leaves import ActKind
from alerts_api.audit.log import append, size
from alerts_api.audit.mails import Mail
from alerts_api.audit.publishing import CheckpointTargets
from alerts_api.audit.reading import erase_account, note_forgotten
from alerts_api.audit.signing import PUBLIC_FILE
from alerts_api.audit.verification import What
from alerts_api.reveal.release_service import ReleaseService
from alerts_api.storage import audit_tables
from alerts_api.storage.database import Database
from tests.alerts_api.audit.audit_examples import (
    ACCOUNTS,
    NOW,
    SIGNER,
    act,
    add,
    checked,
    exported,
    fill,
    opened,
    ruled,
    sign_now,
)
from tests.alerts_api.reveal.reveal_site import HOLDER, RevealSite


@pytest.fixture
def log(file: Path) -> Iterator[Database]:
    with opened(file) as found:
        yield found


def test_a_checkpoint_is_signed_in_the_transaction_of_each_release(tmp_path: Path) -> None:
    site = RevealSite(tmp_path / "journalguard.db")
    (tmp_path / "outgoing").mkdir()
    mail = Mail(tmp_path / "outgoing", "journalguard@example.ac.uk", "dpo@example.ac.uk")
    keeper = CheckpointKeeper(SIGNER, CheckpointTargets(None, mail), leaves=True)
    site.release_service = ReleaseService(
        site.writing, site.settings, site.tell, lambda: site.now, sign=keeper.sign_release
    )
    asked = site.release_service.ask(site.ask()).request
    assert asked is not None
    ticket = site.release_service.take(site.fresh(HOLDER), asked.id).ticket
    (tmp_path / "outgoing").rmdir()
    with pytest.raises(HandOverError):
        site.release_service.redeem(site.fresh(HOLDER), ticket)
    (tmp_path / "outgoing").mkdir()
    assert site.release_service.redeem(site.fresh(HOLDER), ticket).refusal is None
    with site.database.reading() as connection:
        signed = newest(connection)
        assert signed is not None
        assert signed[0] == size(connection), "the release is covered"
    assert [path.suffix for path in (tmp_path / "outgoing").iterdir()] == [".eml"]
    site.close()


def test_what_is_due_is_kept_and_what_failed_is_told_until_it_works(log: Database, tmp_path: Path) -> None:
    folder = tmp_path / "share"
    keeper = CheckpointKeeper(SIGNER, CheckpointTargets(folder), leaves=True)
    add(log, range(3))
    keeper.keep_due(log, NOW)
    assert keeper.warning == FAILED
    folder.mkdir()
    keeper.keep_due(log, NOW)
    assert keeper.warning == ""
    assert len(list(folder.iterdir())) == 1
    add(log, range(1))
    keeper.keep_due(log, NOW + 60)
    assert len(list(folder.iterdir())) == 1, "not due"
    keeper.keep_due(log, NOW + 3_600)
    assert len(list(folder.iterdir())) == 2


def test_what_the_operator_has_to_mend_is_told() -> None:
    assert CheckpointKeeper(None, CheckpointTargets(), leaves=True).warning == NO_KEY
    assert CheckpointKeeper(SIGNER, CheckpointTargets(), leaves=False).warning == NOT_SENT


def test_the_key_is_made_where_there_is_none(tmp_path: Path) -> None:
    first = signer_of(tmp_path / "audit", "alerts.example.ac.uk/audit")
    again = signer_of(tmp_path / "audit", "another.example.ac.uk/audit")
    assert first is not None
    assert again is not None
    assert again.public == first.public
    assert (tmp_path / "audit" / PUBLIC_FILE).exists()
    (tmp_path / "audit").chmod(0o755)
    assert signer_of(tmp_path / "audit", "alerts.example.ac.uk/audit") is None


def removed(log: Database, count: int) -> None:
    """Somebody takes out whom so many leaves are about."""
    with ruled(log) as connection:
        table = audit_tables.openings
        connection.execute(table.delete().where(table.c.leaf < count))


def test_pseudonyms_that_were_erased_or_expired_are_told_from_removed_ones(log: Database) -> None:
    fill(log, (8,))
    with log.writing() as connection:
        erased = erase_account(connection, ACCOUNTS[0])
    assert erased > 0
    sign_now(log)
    assert checked(exported(log)).broken == ()
    with log.writing() as connection:
        note_forgotten(connection, ActKind.OPENINGS_EXPIRED, 2)
    with ruled(log) as connection:
        table = audit_tables.openings
        two = [row.leaf for row in connection.execute(table.select().order_by(table.c.leaf))][:2]
        connection.execute(table.delete().where(table.c.leaf.in_(two)))
    sign_now(log)
    assert checked(exported(log)).broken == ()
    removed(log, 8)
    assert [found.what for found in checked(exported(log)).broken] == [What.DELETED]


def test_an_act_that_is_filed_as_another_is_told_by_verify(log: Database) -> None:
    fill(log, (8,))
    with ruled(log) as connection:
        table = audit_tables.leaves
        connection.execute(table.update().where(table.c.number == 3).values(kind="signed-in"))
    (found,) = checked(exported(log)).broken
    assert (found.what, "leaf 3 is filed in the database as another act" in found.text) == (What.EDITED, True)


def test_leaves_that_count_are_of_version_2_and_others_of_version_1(log: Database) -> None:
    import msgspec

    with log.writing() as connection:
        append(connection, act(0))
        append(connection, msgspec.structs.replace(act(1), times=17))
        rows = connection.execute(audit_tables.leaves.select().order_by(audit_tables.leaves.c.number))
        assert [msgspec.json.decode(row.data)["v"] for row in rows] == [1, 2]
