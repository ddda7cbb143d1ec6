"""The ceremony as holders and administrator meet it, at real terminals."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pseudonymiser import holders
from pseudonymiser.canonical import Identity
from pseudonymiser.holder_key import HolderKey
from pseudonymiser.vault import open_vault
from pseudonymiser.wrapping import Cost, write_wrapped
from service.records.identities import Mode, encode
from tests.e2e.sites import call, made
from tests.service.terminal import Terminal, at_terminal

PASSPHRASE = "an invented passphrase"
NAME = "u1_" + "a" * 24
KEYS = [HolderKey(bytes([n]) * 32, f"desk-{n}") for n in (1, 2, 3)]
CHEAP = Cost(kib=64, iterations=1, lanes=1)
OTHER_SCREEN, BACK = "\x1b[?1049h", "\x1b[2J\x1b[3J\x1b[H\x1b[?1049l"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return made(tmp_path / "site")


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def key_file(folder: Path, key: HolderKey) -> Path:
    """A holder's file that opens quickly."""
    path = folder / f"{key.holder.label}.key"
    write_wrapped(path, key.wrapped(PASSPHRASE, CHEAP))
    return path


def public_file(folder: Path, key: HolderKey) -> Path:
    path = folder / f"{key.holder.label}.pub"
    path.write_text(key.holder.line())
    return path


def seated(site: Path, mode: Mode, *keys: HolderKey) -> None:
    for key in keys:
        holders.add_holder(site / "keyholders", key.holder, mode)


def released(site: Path, path: Path, user: str = "jdoe") -> Path:
    """What the site has sealed, as the file that a holder is given."""
    vault, _ = open_vault(site / "keyholders", "1")
    assert vault is not None
    path.write_bytes(encode(vault.seal(NAME, Identity("", user))))
    return path


def make_key(terminal: Terminal) -> list[str]:
    """Passphrase, paper and the proof of the paper; the words."""
    for _ in range(2):
        terminal.expect(": ")
        terminal.type(f"{PASSPHRASE}\n")
    page = terminal.expect("Press any key")
    words = re.findall(r"\d+ ([a-z]+)", page)
    assert len(words) == 24
    terminal.press("x")
    for _ in range(3):
        asked = re.search(r"Word (\d+) on", terminal.expect("on your paper: "))
        assert asked
        terminal.type(f"{words[int(asked[1]) - 1]}\n")
    return words


class TestCeremony:
    def test_from_new_key_to_a_name_and_back_from_paper(self, site: Path, tmp_path: Path) -> None:
        with at_terminal("keyholder", "new", "desk-9", "--folder", tmp_path) as terminal:
            words = make_key(terminal)
            terminal.expect("Fingerprint: ")
            fingerprint = terminal.expect("\r\n").strip()
            assert terminal.end() == 0
        assert terminal.shown.rindex(f"24 {words[23]}") < terminal.shown.index(BACK)
        assert PASSPHRASE not in terminal.shown
        assert (tmp_path / "desk-9.key").stat().st_mode & 0o077 == 0

        heard = f"{fingerprint}\n".encode()
        added = call("keyholder", "add", "--site", site, tmp_path / "desk-9.pub", stdin=heard)
        assert added.exit_code == 0, added.output
        assert "Lose one key with its paper" in added.stdout
        assert fingerprint in call("keyholder", "list", "--site", site).stdout

        blob = released(site, tmp_path / "released.json", "canaryjdoe")
        with at_terminal("keyholder", "open", tmp_path / "desk-9.key", blob) as terminal:
            terminal.expect("Passphrase")
            terminal.type(f"{PASSPHRASE}\n")
            terminal.expect(OTHER_SCREEN)
            assert "canaryjdoe" in terminal.expect("Press any key")
            terminal.press("x")
            assert "canaryjdoe" not in terminal.expect(BACK)
            assert terminal.end() == 0
        assert not any(b"canaryjdoe" in content for content in files(tmp_path).values())

        (tmp_path / "new computer").mkdir()
        with at_terminal("keyholder", "restore", "desk-9", "--folder", tmp_path / "new computer") as terminal:
            terminal.expect("Words:")
            terminal.type(" ".join(words) + "\n")
            for _ in range(2):
                terminal.expect(": ")
                terminal.type("another passphrase\n")
            assert terminal.end() == 0
        old, new = (folder / "desk-9.pub" for folder in (tmp_path, tmp_path / "new computer"))
        assert old.read_bytes() == new.read_bytes()

    def test_two_holders_one_after_the_other(self, site: Path, tmp_path: Path) -> None:
        seated(site, Mode.TWO, *KEYS)
        first, second = key_file(tmp_path, KEYS[0]), key_file(tmp_path, KEYS[2])
        blob, half = released(site, tmp_path / "released.json"), tmp_path / "half.json"
        with at_terminal("keyholder", "open", first, blob, "--out", half) as terminal:
            terminal.expect("Passphrase")
            terminal.type(f"{PASSPHRASE}\n")
            assert terminal.end() == 0
        assert "jdoe" not in terminal.shown
        assert b"jdoe" not in half.read_bytes()
        with at_terminal("keyholder", "open", second, half) as terminal:
            terminal.expect("Passphrase")
            terminal.type(f"{PASSPHRASE}\n")
            assert "jdoe" in terminal.expect("Press any key")
            terminal.press("x")
            assert terminal.end() == 0

    def test_a_name_cannot_write_on_the_screen(self, site: Path, tmp_path: Path) -> None:
        seated(site, Mode.ONE, KEYS[0])
        blob = released(site, tmp_path / "released.json", "evil\x1b[2Jname\u202e")
        with at_terminal("keyholder", "open", key_file(tmp_path, KEYS[0]), blob) as terminal:
            terminal.expect("Passphrase")
            terminal.type(f"{PASSPHRASE}\n")
            assert "evil\\u001b[2Jname\\u202e" in terminal.expect("Press any key")
            terminal.press("x")
            assert terminal.end() == 0

    def test_ended_while_it_shows_it_clears(self, site: Path, tmp_path: Path) -> None:
        seated(site, Mode.ONE, KEYS[0])
        blob = released(site, tmp_path / "released.json")
        with at_terminal("keyholder", "open", key_file(tmp_path, KEYS[0]), blob) as terminal:
            terminal.expect("Passphrase")
            terminal.type(f"{PASSPHRASE}\n")
            terminal.expect("Press any key")
            terminal.press("\x03")
            terminal.expect(BACK)
            assert terminal.end() == 1

    def test_a_wrong_passphrase(self, site: Path, tmp_path: Path) -> None:
        seated(site, Mode.ONE, KEYS[0])
        blob = released(site, tmp_path / "released.json")
        with at_terminal("keyholder", "open", key_file(tmp_path, KEYS[0]), blob) as terminal:
            terminal.expect("Passphrase")
            terminal.type("not the passphrase\n")
            assert terminal.end() == 1
        assert "the passphrase is wrong, or the file was changed" in terminal.shown
        assert "jdoe" not in terminal.shown
        assert "Traceback" not in terminal.shown

    def test_rehearse_with_paper(self, tmp_path: Path) -> None:
        path = key_file(tmp_path, KEYS[0])
        before = files(tmp_path)
        with at_terminal("keyholder", "rehearse", path, "--paper") as terminal:
            terminal.expect("Passphrase")
            terminal.type(f"{PASSPHRASE}\n")
            terminal.expect("Words:")
            terminal.type(" ".join(KEYS[0].words()) + "\n")
            assert terminal.end() == 0
        assert "The paper is the same key." in terminal.shown
        assert files(tmp_path) == before

    def test_rotate_keeps_the_old_key(self, tmp_path: Path) -> None:
        path = key_file(tmp_path, KEYS[0])
        before = path.read_bytes()
        with at_terminal("keyholder", "rotate", path) as terminal:
            terminal.expect("Passphrase")
            terminal.type(f"{PASSPHRASE}\n")
            terminal.expect("New passphrase")
            make_key(terminal)
            assert terminal.end() == 0
        assert path.read_bytes() == before
        (public,) = tmp_path.glob("*.pub")
        young = holders.read_holder(public)
        assert (young.label, young.id != KEYS[0].holder.id) == ("desk-1", True)

    def test_a_dry_run_of_new_keeps_nothing(self, tmp_path: Path) -> None:
        with at_terminal("keyholder", "new", "desk-9", "--folder", tmp_path, "--dry-run") as terminal:
            make_key(terminal)
            assert terminal.end() == 0
        assert list(tmp_path.iterdir()) == []


class TestWithoutTerminal:
    """Secrets are neither taken from a pipe or the environment nor written into a file."""

    def test_no_passphrase_from_a_pipe(self, site: Path, tmp_path: Path) -> None:
        seated(site, Mode.ONE, KEYS[0])
        blob = released(site, tmp_path / "released.json")
        result = self._piped("keyholder", "open", key_file(tmp_path, KEYS[0]), blob)
        assert (result.returncode, b"typed at a terminal" in result.stderr) == (1, True)
        assert b"jdoe" not in result.stdout + result.stderr

    def test_no_words_from_a_pipe(self, tmp_path: Path) -> None:
        result = self._piped("keyholder", "restore", "desk-1", "--folder", tmp_path)
        assert (result.returncode, b"typed at a terminal" in result.stderr) == (1, True)
        assert list(tmp_path.iterdir()) == []

    @staticmethod
    def _piped(*arguments: object) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "service.cli", *map(str, arguments)],
            input=f"{PASSPHRASE}\n".encode(),
            capture_output=True,
            check=False,
            start_new_session=True,
            env={**os.environ, "JOURNALGUARD_PASSPHRASE": PASSPHRASE},
        )


class TestAtTheSite:
    def test_no_holders_is_said(self, site: Path) -> None:
        result = call("keyholder", "list", "--site", site)
        assert (result.exit_code, "nobody can ever be named" in result.stderr) == (1, True)

    @pytest.mark.parametrize("heard", ["", "table aim pioneer invite cost talk cancel zoo", "yes"])
    def test_other_words_than_the_files_are_refused(self, site: Path, tmp_path: Path, heard: str) -> None:
        before = files(site)
        public = public_file(tmp_path, KEYS[0])
        result = call("keyholder", "add", "--site", site, public, stdin=f"{heard}\n".encode())
        assert result.exit_code == 1
        assert files(site) == before

    def test_a_damaged_file_is_refused(self, site: Path, tmp_path: Path) -> None:
        path = public_file(tmp_path, KEYS[0])
        path.write_text(path.read_text().replace("desk-1 ", "desk-1 00", 1))
        result = call("keyholder", "add", "--site", site, path)
        assert (result.exit_code, "damaged" in result.stderr) == (1, True)

    def test_dry_runs_change_nothing(self, site: Path, tmp_path: Path) -> None:
        seated(site, Mode.TWO, *KEYS[:2])
        before = files(site)
        heard = f"{KEYS[2].holder.words}\n".encode()
        public = public_file(tmp_path, KEYS[2])
        added = call("keyholder", "add", "--site", site, public, "--dry-run", "--mode", "one", stdin=heard)
        revoked = call("keyholder", "revoke", "--site", site, "desk-1", "--dry-run")
        assert (added.exit_code, revoked.exit_code) == (0, 0)
        assert "from now on it takes one" in added.stdout
        assert "nothing was changed" in added.stdout
        assert "nothing was changed" in revoked.stdout
        assert files(site) == before

    @pytest.mark.parametrize(("mode", "count"), [(Mode.ONE, 1), (Mode.TWO, 2)])
    def test_losing_everybody_is_spelled_out_first(self, site: Path, mode: Mode, count: int) -> None:
        """Of the last one, and of the last but one where it takes two."""
        seated(site, mode, *KEYS[:count])
        before = files(site)
        for typed in ("", "y\n", "yes\n"):
            result = call("keyholder", "revoke", "--site", site, "desk-1", stdin=typed.encode())
            assert result.exit_code == 1
            assert "no identity is sealed from then on" in result.stdout
            assert files(site) == before
        result = call("keyholder", "revoke", "--site", site, "desk-1", stdin=b"nobody can be named\n")
        assert result.exit_code == 0
        assert holders.load_keyring(site / "keyholders").lacking

    @pytest.mark.parametrize(("mode", "count"), [(Mode.ONE, 2), (Mode.TWO, 3)])
    def test_the_last_spare_is_told(self, site: Path, mode: Mode, count: int) -> None:
        seated(site, mode, *KEYS[:count])
        result = call("keyholder", "revoke", "--site", site, "desk-1", stdin=b"y\n")
        assert (result.exit_code, "Lose one key with its paper" in result.stdout) == (0, True)

    def test_a_revoked_holder_opens_nothing_new(self, site: Path, tmp_path: Path) -> None:
        seated(site, Mode.ONE, *KEYS[:2])
        assert call("keyholder", "revoke", "--site", site, "desk-1", stdin=b"y\n").exit_code == 0
        blob = released(site, tmp_path / "released.json")
        with at_terminal("keyholder", "open", key_file(tmp_path, KEYS[0]), blob) as terminal:
            terminal.expect("Passphrase")
            terminal.type(f"{PASSPHRASE}\n")
            assert terminal.end() == 1
        assert "not sealed for this key" in terminal.shown

    def test_an_unknown_label(self, site: Path) -> None:
        result = call("keyholder", "revoke", "--site", site, "nobody")
        assert (result.exit_code, "there are: none" in result.stderr) == (1, True)

    @pytest.mark.parametrize(
        "command", ["new", "list", "add", "rotate", "revoke", "open", "restore", "rehearse"]
    )
    def test_help_has_an_example(self, command: str) -> None:
        result = call("keyholder", command, "--help")
        assert f"journalguard keyholder {command}" in result.stdout.split("Example:")[1]
