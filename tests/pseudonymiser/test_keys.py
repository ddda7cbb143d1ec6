"""Key files: private from birth, refused when open, silent about their content."""

import base64
import copy
import pickle
import stat
from pathlib import Path

import pytest

from pseudonymiser import keys
from pseudonymiser.errors import KeyFileError
from pseudonymiser.keys import KEY_FILE, Domain, Keys


def test_made_keys_are_private_and_come_back(tmp_path: Path) -> None:
    made = keys.create(tmp_path / "keys")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / KEY_FILE).stat().st_mode) == 0o600
    loaded = keys.load(tmp_path / "keys")
    assert loaded.epoch == made.epoch
    assert loaded.subkey(Domain.USER) == made.subkey(Domain.USER)


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    keys.create(tmp_path / "keys")
    with pytest.raises(KeyFileError, match="exist already"):
        keys.create(tmp_path / "keys")


@pytest.mark.parametrize(
    ("target", "mode", "mend"), [(KEY_FILE, 0o640, "chmod 600"), ("", 0o750, "chmod 700")]
)
def test_keys_readable_by_others_are_refused(tmp_path: Path, target: str, mode: int, mend: str) -> None:
    keys.create(tmp_path / "keys")
    (tmp_path / "keys" / target).chmod(mode)
    with pytest.raises(KeyFileError, match=mend):
        keys.load(tmp_path / "keys")


def test_missing_keys_say_how_to_make_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(KeyFileError, match="journalguard init"):
        keys.load(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{}",
        b"\xff\xfe",
        b'{"version":1,"epoch":"1","root":"c2hvcnQ="}',
        b'{"version":9,"epoch":"1","root":""}',
    ],
)
def test_damaged_keys_are_refused_without_quoting_them(tmp_path: Path, damage: bytes) -> None:
    keys.create(tmp_path / "keys")
    (tmp_path / "keys" / KEY_FILE).write_bytes(damage)
    with pytest.raises(KeyFileError) as refusal:
        keys.load(tmp_path / "keys")
    assert refusal.value.__cause__ is None
    assert "c2hvcnQ" not in str(refusal.value)


def test_keys_do_not_show_themselves() -> None:
    root = bytes(range(32))
    secret = Keys(root)
    shown = repr(secret) + str(secret)
    assert root.hex() not in shown
    assert base64.b64encode(root).decode() not in shown
    for leak in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            leak(secret)


def test_every_kind_of_identifier_and_epoch_has_its_own_key() -> None:
    derived = {Keys(bytes(32), epoch).subkey(domain) for epoch in ("1", "2") for domain in Domain}
    assert len(derived) == 2 * len(Domain)
