"""The commands as an operator meets them: help, messages, exit codes."""

import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest

from service.base.errors import AddressError
from service.cli import COMMANDS, main
from service.cli.pages_process import listen, url
from tests.e2e.sites import COMMON, access_lines, call, made


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = call(name, "--help")
    assert result.exit_code == 0
    assert f"journalguard {name}" in result.stdout.split("Example:")[1] or name == "pseudonym"
    assert "Example:" in result.stdout


def test_the_list_of_commands_and_the_version() -> None:
    assert all(name in call("--help").stdout for name in COMMANDS)
    assert call("--version").stdout.strip().endswith(version("journalguard"))
    assert main.name


def test_a_wrong_call_is_exit_code_2() -> None:
    assert call("replay").exit_code == 2
    assert call("nothing").exit_code == 2
    assert call("run", "--site", "x", "--port", "99999").exit_code == 2


class TestInit:
    def test_makes_a_folder_that_only_the_owner_reads(self, tmp_path: Path) -> None:
        result = call("init", tmp_path / "s", "--log-format", COMMON, "--timezone", "UTC", "--log", "a.log")
        assert result.exit_code == 0
        assert f"Next: journalguard run --site {tmp_path}/s" in result.stdout
        for path in [tmp_path / "s", *(tmp_path / "s").rglob("*")]:
            assert path.stat().st_mode & 0o077 == 0, path
        assert f'logs = ["{Path.cwd()}/a.log"]' in (tmp_path / "s/site.toml").read_text()

    def test_overwrites_nothing(self, tmp_path: Path) -> None:
        site = made(tmp_path / "s")
        before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
        result = call("init", site, "--log-format", "%h %t %U", "--timezone", "UTC")
        assert (result.exit_code, "exists already" in result.stderr) == (1, True)
        assert before == {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--log-format", "%h %q", "--timezone", "UTC"), "LogFormat, column 4"),
            (("--log-format", COMMON, "--timezone", "Europe/Lundon"), "did you mean 'Europe/London'?"),
            (
                ("--log-format", COMMON, "--timezone", "UTC", "--campus", "192.0.2.7/24"),
                "--campus: campus: 192.0.2.7/24 has host bits set; write it like 192.0.2.0/24",
            ),
            (("--log-format", COMMON, "--timezone", "UTC", "--log", "ezp%m.log"), "no year"),
            (("--log-format", COMMON, "--timezone", "UTC", "--alerts-per-day", "0"), "--alerts-per-day"),
        ],
    )
    def test_a_mistake_leaves_nothing_behind(
        self, tmp_path: Path, options: tuple[str, ...], message: str
    ) -> None:
        result = call("init", tmp_path / "s", *options)
        assert (result.exit_code, message in result.stderr) == (1, True), result.output
        assert "Traceback" not in result.output
        assert not (tmp_path / "s").exists()

    def test_tries_the_logs_that_are_there(self, tmp_path: Path) -> None:
        log = tmp_path / "a.log"
        log.write_text("".join(f"{line}\n" for line in access_lines(range(30))) + "rubbish\n" * 10)
        result = call("init", tmp_path / "s", "--log-format", COMMON, "--timezone", "UTC", "--log", log)
        assert "30 of the first 40 lines fit" in result.stdout
        assert "too few" in result.stderr
        assert "10: The line does not have the shape" in result.stderr

    def test_tells_session_ids_from_names(self, tmp_path: Path) -> None:
        log = tmp_path / "a.log"
        names = [f"AbCdEfGhIj012{number:02d}" for number in range(10)]
        log.write_text("".join(f"{access_lines([0], name)[0]}\n" for name in names))
        result = call("init", tmp_path / "s", "--log-format", COMMON, "--timezone", "UTC", "--log", log)
        assert 'set username = "session"' in result.stderr


class TestPseudonym:
    def test_the_spellings_of_one_person(self, tmp_path: Path) -> None:
        site = made(tmp_path / "s", "--realm", "EXAMPLE", "--realm", "example.ac.uk")
        names = b"jdoe\nJDOE\r\nEXAMPLE\\jdoe\njdoe@example.ac.uk\njdoe \n"
        names += b"jdoe@other.example\n-\nauto-192.0.2.1\n\n"
        result = call("pseudonym", "--site", site, "--kind", "user", "--purpose", "staff list", stdin=names)
        rows = [line.split("\t") for line in result.stdout.splitlines()]
        assert (result.exit_code, [row[0] for row in rows[:5]]) == (
            0,
            ["jdoe", "JDOE", "EXAMPLE\\jdoe", "jdoe@example.ac.uk", "jdoe "],
        )
        tokens = [row[1] for row in rows]
        assert len(set(tokens[:5])) == 1
        assert tokens[5] not in ("-", tokens[0])
        assert tokens[6:] == ["-", "-", "-"]

    def test_a_bad_address_is_told_and_the_others_are_answered(self, tmp_path: Path) -> None:
        site = made(tmp_path / "s")
        result = call("pseudonym", "--site", site, "--kind", "ip", stdin=b"192.0.2.1\nx\n2001:db8::1\n")
        assert (result.exit_code, len(result.stdout.splitlines())) == (1, 2)
        assert "line 2: not an address" in result.stderr

    def test_an_address_and_its_network(self, tmp_path: Path) -> None:
        site = made(tmp_path / "s")
        names = b"192.0.2.1\n192.0.2.0/24\n2001:db8:0:5::1\n2001:db8::/48\n192.0.2.0/16\n"
        result = call("pseudonym", "--site", site, "--kind", "network", stdin=names)
        tokens = [line.split("\t")[1] for line in result.stdout.splitlines()]
        assert (len(tokens), tokens[0] == tokens[1], tokens[2] == tokens[3]) == (4, True, True)
        assert (result.exit_code, "line 5" in result.stderr) == (1, True)


def test_simulate_tells_what_it_made(tmp_path: Path) -> None:
    result = call("simulate", "--seed", 3, "--accounts", 20, "--days", 2, "--out", tmp_path / "w")
    assert (result.exit_code, "thefts among them" in result.stdout) == (0, True)
    assert {path.name for path in (tmp_path / "w").iterdir()} == {
        "access.log", "city.mmdb", "asn.mmdb", "truth.json",
    }  # fmt: skip
    wrong = call("simulate", "--seed", 3, "--accounts", 20, "--days", 2, "--out", tmp_path, "--start", "soon")
    assert (wrong.exit_code, "is not a date" in wrong.stderr) == (1, True)


def test_an_address_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(AddressError, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_addresses_of_both_kinds_are_urls() -> None:
    with listen("127.0.0.1", 0) as listening:
        assert url(listening).startswith("http://127.0.0.1:")


@pytest.mark.slow
def test_run_serves_refuses_a_second_one_and_leaves_no_process_behind(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"{line}\n" for line in access_lines(range(30))))
    site = made(tmp_path / "s", "--log", log)
    command = [sys.executable, "-m", "service.cli", "run", "--site", str(site), "--port", "0"]
    for end, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        assert served(address + "healthz")
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (second.returncode, f"process {process.pid}) is at work here" in second.stderr) == (1, True)
        process.send_signal(end)
        _, errors = process.communicate(timeout=30)  # ends when the pages' process has ended, too
        assert (process.returncode, "Traceback" in errors) == (code, False), errors
    assert (site / "journalguard.db").stat().st_size


def served(address: str) -> bool:
    until = time.monotonic() + 40
    while time.monotonic() < until:
        try:
            if httpx2.get(address, timeout=10).status_code == 200:
                return True
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    return False
