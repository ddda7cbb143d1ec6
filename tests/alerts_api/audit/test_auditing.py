"""The command: what an administrator and an auditor do, the latter on another machine."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from service.cli.audit import FOLDER
from tests.alerts_api.audit.audit_examples import NAME, add, leaf_data, opened, overwrite, rebuild, ruled
from tests.e2e.sites import call, made
from tests.project.repository import ROOT


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """With a key and ten acts."""
    folder = made(tmp_path / "site")
    assert call("audit", "key", "--site", folder, "--name", NAME).exit_code == 0
    with opened(folder / "journalguard.db") as log:
        add(log, range(10), note="for the desk only")
    return folder


@pytest.fixture
def auditor(tmp_path: Path) -> Path:
    """The folder of another machine."""
    folder = tmp_path / "auditor"
    folder.mkdir()
    return folder


def handed_out(site: Path, folder: Path) -> Path:
    """Checkpoint, export and public key, as the auditor gets them."""
    (folder / "old").write_text(call("audit", "checkpoint", "--site", site).output)
    assert call("audit", "export", "--site", site, folder / "audit.jsonl").exit_code == 0
    shutil.copy(site / FOLDER / "public.key", folder / "public.key")
    return folder / "audit.jsonl"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def elsewhere(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`audit verify` with nothing in the environment, far from any site."""
    command = [sys.executable, "-I", "-m", "service.cli", "audit", "verify", *arguments]
    return subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, check=False)


def test_the_auditor_needs_file_and_public_key(site: Path, auditor: Path) -> None:
    handed_out(site, auditor)
    shutil.rmtree(site)
    done = elsewhere(auditor, "audit.jsonl", "--public-key", "public.key", "--checkpoint", "old")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "holds: 10 leaves, none missing, each in its place\n"
        "holds: the checkpoint of the file: signed, with the roots of these leaves\n"
        "holds: the checkpoint of 10 leaves in old is signed, and the log still begins with its leaves\n"
        "The log is what was signed.\n"
    )


def test_the_auditor_sees_a_change(site: Path, auditor: Path) -> None:
    handed_out(site, auditor)
    with opened(site / "journalguard.db") as log, ruled(log) as connection:
        overwrite(connection, 4, leaf_data(connection)[4].replace(b"theft", b"false"))
        rebuild(connection)
    assert call("audit", "export", "--site", site, auditor / "later.jsonl").exit_code == 0
    done = elsewhere(auditor, "later.jsonl", "--public-key", "public.key", "--checkpoint", "old")
    assert done.returncode == 1
    assert "edited: the checkpoint of 10 leaves has not the root of these leaves" in done.stdout
    assert "keep file and database as they are, and tell the DPO" in done.stderr
    assert "The log is what was signed" not in done.stdout


def test_an_export_is_private_and_has_no_free_text(site: Path, auditor: Path) -> None:
    path = handed_out(site, auditor)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"for the desk only" not in path.read_bytes()
    assert names(auditor) == ["audit.jsonl", "old", "public.key"]


def test_an_export_that_cannot_be_written_leaves_nothing(site: Path, auditor: Path) -> None:
    (auditor / "taken").mkdir()
    assert call("audit", "export", "--site", site, auditor / "taken").exit_code == 2
    shutil.rmtree(site / FOLDER)
    (site / "journalguard.db").write_bytes(b"not a database at all" * 99)
    assert call("audit", "export", "--site", site, auditor / "audit.jsonl").exit_code == 1
    assert names(auditor) == ["taken"]


def test_the_key_is_made_once_and_shown_again(site: Path) -> None:
    shown = call("audit", "key", "--site", site).output
    assert shown.startswith(f"{NAME}+")
    assert shown == (site / FOLDER / "public.key").read_text()
    assert stat.S_IMODE((site / FOLDER / "signing.key").stat().st_mode) == 0o600
    again = call("audit", "key", "--site", site, "--name", NAME)
    assert again.exit_code == 1
    assert "there is a key already" in again.output
    assert call("audit", "key", "--site", site).output == shown


def test_a_key_that_others_can_read_is_refused(site: Path) -> None:
    (site / FOLDER / "signing.key").chmod(0o640)
    done = call("audit", "checkpoint", "--site", site)
    assert done.exit_code == 1
    assert "open to group or others; close it with `chmod 600" in done.output


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"\xff\xfe", b"PRIVATE+KEY+a+00000000+AAAA\n"])
def test_a_damaged_key_is_told_and_not_shown(site: Path, content: bytes) -> None:
    (site / FOLDER / "signing.key").write_bytes(content)
    done = call("audit", "checkpoint", "--site", site)
    assert done.exit_code == 1
    assert "damaged, not a key; put it back from your backup" in done.output
    assert "AAAA" not in done.output


def test_without_a_key_it_is_told_how_to_make_one(tmp_path: Path) -> None:
    done = call("audit", "checkpoint", "--site", made(tmp_path / "site"))
    assert done.exit_code == 1
    assert "make one with `journalguard audit key --name`" in done.output


def test_a_checkpoint_is_kept_and_mailed(site: Path, tmp_path: Path) -> None:
    kept, outgoing = tmp_path / "kept", tmp_path / "outgoing"
    kept.mkdir()
    outgoing.mkdir()
    where = (
        "--keep",
        kept,
        "--outgoing",
        outgoing,
        "--from",
        "jg@example.ac.uk",
        "--to",
        "dpo@example.ac.uk",
    )
    first = call("audit", "checkpoint", "--site", site, *where, "--when-due")
    assert [path.read_text() for path in kept.iterdir()] == [first.output]
    assert [path.name for path in outgoing.iterdir()] == ["000000000010.checkpoint.eml"]
    assert call("audit", "checkpoint", "--site", site, *where, "--when-due").output == ""
    half = call("audit", "checkpoint", "--site", site, "--to", "dpo@example.ac.uk")
    assert (half.exit_code, "a mail needs --outgoing, --from and --to" in half.output) == (2, True)


def test_files_that_are_something_else_are_told(site: Path, auditor: Path) -> None:
    path = handed_out(site, auditor)
    key, (cut, binary) = auditor / "public.key", (auditor / "cut", auditor / "binary")
    cut.write_text((auditor / "old").read_text()[:-20])
    binary.write_bytes(b"\xff\xfe\x00")
    for arguments, why in (
        ((key, "--public-key", key), "this is not an export of an audit log"),
        ((path, "--public-key", path), f"{path}: "),
        ((path, "--public-key", binary), f"{binary}: not a text"),
        ((path, "--public-key", key, "--checkpoint", cut), "is it a checkpoint of this log"),
    ):
        done = call("audit", "verify", *arguments)
        assert (done.exit_code, why in done.output) == (1, True), done.output
        assert "Traceback" not in done.output


def test_a_receipt_is_accepted_by_somebody_else_s_program(site: Path) -> None:
    theirs = pytest.importorskip("proofbundle", reason="the independent verifier is not installed")
    call("audit", "checkpoint", "--site", site)
    with opened(site / "journalguard.db") as log:
        add(log, [10])
        with log.reading() as connection:
            acts = leaf_data(connection)
    key = (site / FOLDER / "public.key").read_text().strip()
    for number in range(10):
        done = call("audit", "receipt", number, "--site", site)
        assert (done.exit_code, done.stderr) == (0, "")
        assert theirs.verify_tlog_proof(done.stdout, acts[number], key)["ok"]
        assert not theirs.verify_tlog_proof(done.stdout, acts[10], key)["ok"]
    done = call("audit", "receipt", 10, "--site", site)
    assert (done.exit_code, "no leaf 10 in a tree of 10" in done.stderr) == (1, True)


def test_without_a_checkpoint_there_is_no_receipt(site: Path) -> None:
    done = call("audit", "receipt", 0, "--site", site)
    assert (done.exit_code, "sign the log with `journalguard audit checkpoint`" in done.stderr) == (1, True)


def test_it_is_importable_alone() -> None:
    """On the auditor's computer nothing of the ingest room or the pages is started."""
    code = (
        "import sys, service.cli.audit; there = {name.split('.')[0] for name in sys.modules}; "
        "print(sorted(there & {'pseudonymiser', 'fastapi', 'kafka', 'numba'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
