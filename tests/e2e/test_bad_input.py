"""Whatever comes: a clear message with the mend, or a line counted with its reason. Never a traceback."""

import re
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.sites import access_lines, alerts, call, followed, made


def replay(site: Path, log: Path) -> dict[str, int]:
    """Counts of the table that replay prints."""
    result = call("replay", "--site", site, "--alerts", site / "out.jsonl", log)
    assert (result.exit_code, "Traceback" in result.output) == (0, False), result.output
    rows = re.findall(r"^ *([\w ]+?)  +([\d,]+)", result.stdout, re.MULTILINE)
    return {name: int(number.replace(",", "")) for name, number in rows}


def refused(*arguments: object) -> str:
    """The one message of a command that fails as it should."""
    result = call(*arguments)
    assert (result.exit_code, "Traceback" in result.output) == (1, False), result.output
    return result.stderr


class TestSettings:
    def test_an_unknown_token(self, tmp_path: Path) -> None:
        text = refused("init", tmp_path / "s", "--log-format", "%h %K %t %U", "--timezone", "UTC")
        assert "LogFormat, column 4" in text

    def test_a_setting_gone_wrong_later(self, tmp_path: Path) -> None:
        site = made(tmp_path / "s")
        path = site / "site.toml"
        path.write_text(path.read_text().replace('timezone = "Europe/London"', 'timezone = "Mars/Base"'))
        text = refused("run", "--site", site)
        assert re.search(r"site\.toml, line \d+: 'Mars/Base' is not an IANA time zone", text)

    def test_no_site(self, tmp_path: Path) -> None:
        assert "journalguard init" in refused("run", "--site", tmp_path)

    @pytest.mark.parametrize("content", [None, b"not a database at all" * 100])
    def test_a_missing_or_corrupt_location_database(self, tmp_path: Path, content: bytes | None) -> None:
        site, database = made(tmp_path / "s"), tmp_path / "city.mmdb"
        path = site / "site.toml"
        path.write_text(path.read_text().replace('geo_city = ""', f'geo_city = "{database}"'))
        if content is not None:
            database.write_bytes(content)
        assert str(database) in refused("run", "--site", site)

    def test_keys_that_others_can_read(self, tmp_path: Path) -> None:
        site = made(tmp_path / "s")
        key = next((site / "keys").iterdir())
        key.chmod(0o644)
        assert f"chmod 600 {key}" in refused("run", "--site", site)

    def test_a_policy_that_is_not_one(self, tmp_path: Path) -> None:
        site = made(tmp_path / "s")
        (site / "policy").mkdir()
        (site / "policy" / "budget.toml").write_text("alerts = \n")
        assert "budget.toml" in refused("run", "--site", site)


class TestLines:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Path:
        return made(tmp_path / "s")

    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (bytes(range(1, 10)) * 40 + b"\xff\xfe" * 50, "binary"),
            (b"x" * 1_000_000, "line_too_long"),
            (b"y" * 5_000_000, "line_too_long"),
            (b"192.0.2.1 - \0\0\0 [", "binary"),
            (b"", "empty_line"),
            (access_lines([0])[0].replace("2026", "1999").encode(), "time_too_late"),
            (access_lines([0])[0].replace("24/Nov", "39/Nov").encode(), "bad_time"),
            (access_lines([0])[0].replace("192.0.2.7", "192.0.2.777").encode(), "bad_address"),
            (access_lines([0])[0].replace("24/Nov", "19/Nov").encode(), "time_too_late"),
        ],
    )
    def test_a_bad_line_is_counted_and_the_others_are_read(self, site: Path, bad: bytes, reason: str) -> None:
        good = [line.encode() for line in access_lines(range(0, 200, 10))]
        (site / "log").write_bytes(b"\n".join([*good[:10], bad, *good[10:]]) + b"\n")
        counts = replay(site, site / "log")
        assert (counts["lines"], counts["events"], counts["rejected"], counts[reason]) == (21, 20, 1, 1)

    def test_another_encoding_is_no_reason_to_lose_a_line(self, site: Path) -> None:
        line = access_lines([0], "müller")[0].encode("latin-1")
        (site / "log").write_bytes(line + b"\n")
        assert replay(site, site / "log")["events"] == 1

    def test_rubbish_only(self, site: Path) -> None:
        (site / "log").write_bytes(bytes(range(256)) * 4000)
        result = call("replay", "--site", site, "--alerts", site / "out.jsonl", site / "log")
        assert (result.exit_code, "No line fits log_format" in result.stderr) == (0, True)
        assert alerts((site / "out.jsonl").read_bytes()) == []


class TestDisk:
    def test_a_locked_database_is_waited_for(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.write_text("".join(f"{line}\n" for line in access_lines(range(0, 300, 10))))
        site = made(tmp_path / "s", "--log", log)
        followed(site, 30)
        with log.open("a") as file:
            file.writelines(f"{line}\n" for line in access_lines(range(300, 400, 10)))
        locker = sqlite3.connect(site / "journalguard.db", isolation_level=None, check_same_thread=False)
        locker.execute("BEGIN IMMEDIATE")
        release = threading.Timer(1.5, lambda: locker.execute("ROLLBACK"))
        release.start()
        followed(site, 40)
        release.join()
        counters = dict(locker.execute("SELECT name, value FROM counters"))
        assert (counters["lines_total"], counters["events_total"]) == (40, 40)
        locker.close()

    @pytest.mark.slow
    def test_a_full_disk_is_told_and_loses_nothing(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.write_text(
            "".join(
                f"{line}\n"
                for user in range(300)
                for line in access_lines(range(user, 600 + user, 60), f"reader{user}")
            )
        )
        lines = log.read_text().count("\n")
        site = made(tmp_path / "s", "--log", log)
        followed(site, 1)  # the schema is there
        limit = sum(path.stat().st_size for path in site.glob("journalguard.db")) + 100_000
        run = [sys.executable, "-m", "service.cli", "run", "--site", str(site), "--port", "0"]
        command = ["/bin/sh", "-c", f'ulimit -f {limit // 512}; exec "$@"', "sh", *run]
        reported = tmp_path / "told"
        with reported.open("w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out)
        with log.open("a") as file:
            file.writelines(
                f"{line}\n" for n in range(3000) for line in access_lines([700 + n // 10], f"late{n}")
            )
        until = time.monotonic() + 90
        while "checkpoint-waits" not in reported.read_text() and time.monotonic() < until:
            time.sleep(0.1)
        process.terminate()
        process.wait(60)
        errors = reported.read_text()
        assert "Traceback" not in errors
        assert "checkpoint-waits" in errors, errors
        assert process.returncode == 1
        followed(site, lines + 3000)
        with sqlite3.connect(site / "journalguard.db") as connection:
            counters = dict(connection.execute("SELECT name, value FROM counters"))
        assert counters["lines_total"] == counters["events_total"] == lines + 3000
