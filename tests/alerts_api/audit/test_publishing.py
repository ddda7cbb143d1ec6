"""Checkpoints go where they cannot be taken back, each whole, once."""

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts_api.audit.checkpoints import Cadence, due, read_checkpoint
from alerts_api.audit.errors import HandOverError, RewrittenError
from alerts_api.audit.mails import Mail
from alerts_api.audit.publishing import CheckpointTargets, file_name, keep
from alerts_api.audit.signednote import Signer
from alerts_api.storage.database import Database
from tests.alerts_api.audit.audit_examples import NAME, NOW, SIGNER, add, cut, opened, ruled, sign_now


@pytest.fixture
def log(file: Path) -> Iterator[Database]:
    with opened(file) as found:
        yield found


@pytest.fixture
def share(tmp_path: Path) -> Path:
    folder = tmp_path / "once"
    folder.mkdir()
    return folder


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    folder = tmp_path / "outgoing"
    folder.mkdir()
    return Mail(folder, "journalguard@example.ac.uk", "dpo@example.ac.uk")


def name(size: int) -> str:
    return file_name(size, SIGNER.public)


def test_each_is_a_file_of_its_own(log: Database, share: Path) -> None:
    for count in (3, 2):
        add(log, range(count))
        keep(log, SIGNER, CheckpointTargets(share), now=NOW)
    assert sorted(path.name for path in share.iterdir()) == [name(3), name(5)]
    assert [read_checkpoint((share / name(n)).read_text(), SIGNER.public).size for n in (3, 5)] == [3, 5]


def test_what_could_not_be_kept_follows(log: Database, share: Path) -> None:
    add(log, range(3))
    early = sign_now(log)
    add(log, range(2))
    keep(log, SIGNER, CheckpointTargets(share), now=NOW)
    assert (share / name(3)).read_text() == early.note
    assert (share / name(5)).exists()


@pytest.mark.parametrize("length", [0, 1, 60, -1])
def test_one_torn_by_a_crash_is_made_whole(log: Database, share: Path, length: int) -> None:
    add(log, range(3))
    note = sign_now(log).note.encode()
    (share / name(3)).write_bytes(note[:length])
    keep(log, SIGNER, CheckpointTargets(share), now=NOW)
    assert (share / name(3)).read_bytes() == note


def test_another_of_the_same_size_is_not_overwritten(log: Database, share: Path) -> None:
    add(log, range(3))
    (share / name(3)).write_text("something else")
    with pytest.raises(RewrittenError, match="another checkpoint of this size"):
        keep(log, SIGNER, CheckpointTargets(share), now=NOW)
    assert (share / name(3)).read_text() == "something else"


def test_a_log_put_back_from_a_copy_is_not_signed(log: Database, share: Path) -> None:
    add(log, range(5))
    keep(log, SIGNER, CheckpointTargets(share), now=NOW)
    with ruled(log) as connection:
        cut(connection, 3)
        connection.exec_driver_sql("DELETE FROM audit_checkpoints")
    with pytest.raises(RewrittenError, match=r"has 3 leaves, but 5 were signed before.*tell the DPO"):
        keep(log, SIGNER, CheckpointTargets(share), now=NOW)
    add(log, [3, 4])  # as many again, but others
    with pytest.raises(RewrittenError, match="first 5 leaves of the audit log are not those signed before"):
        keep(log, SIGNER, CheckpointTargets(share), now=NOW)


def test_checkpoints_of_a_former_key_stay_aside(log: Database, share: Path) -> None:
    add(log, range(3))
    keep(log, Signer(NAME, bytes(32)), CheckpointTargets(share), now=NOW)
    add(log, range(2))
    keep(log, SIGNER, CheckpointTargets(share), now=NOW)
    assert sorted(path.name[:12] for path in share.iterdir()) == ["000000000003", "000000000005"]


def test_without_the_share_nothing_is_signed(log: Database, tmp_path: Path) -> None:
    add(log, range(3))
    with pytest.raises(HandOverError, match="see that the folder is there, mounted"):
        keep(log, SIGNER, CheckpointTargets(tmp_path / "unmounted"), now=NOW)
    with log.reading() as connection:
        assert due(connection, Cadence(), NOW)


def test_the_mail_brings_the_checkpoint(log: Database, share: Path, mail: Mail) -> None:
    add(log, range(3))
    signed = keep(log, SIGNER, CheckpointTargets(share, mail), now=NOW)
    (path,) = mail.outgoing.iterdir()
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    (attached,) = message.iter_attachments()
    assert signed
    assert attached.get_content() == signed.note.encode()
    assert (message["To"], message["Subject"]) == (
        "dpo@example.ac.uk",
        "Checkpoint of the audit log, 3 entries",
    )
    body = message.get_body()
    assert body
    assert f"--checkpoint {attached.get_filename()}" in body.get_content()


def test_with_a_cadence_only_what_is_due(log: Database, share: Path) -> None:
    cadence = Cadence(leaves=4, seconds=60)

    def size(now: int) -> int | None:
        signed = keep(log, SIGNER, CheckpointTargets(share), now=now, cadence=cadence)
        return signed.checkpoint.size if signed else None

    assert size(NOW) is None  # an empty log
    add(log, [0])
    assert size(NOW) == 1
    add(log, [1, 2, 3])
    assert [size(NOW + 59), size(NOW + 60), size(NOW + 999)] == [None, 4, None]
    add(log, [4, 5, 6, 7])
    assert size(NOW + 61) == 8


def test_the_same_state_gives_the_same_note(log: Database) -> None:
    add(log, range(3))
    assert sign_now(log) == sign_now(log)
