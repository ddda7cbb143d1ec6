"""`rights erase`: no byte of the pseudonym is left, beside a running `run` or not; the next line is new."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alerts_api.stream.store import open_store
from service.cli.run import follow_site
from service.config.loader import load_site
from tests.e2e.sites import access_lines, call, followed, made

THEFT = range(0, 1500, 3)  # seconds of a day: enough documents for an alert
COMMON = ("--case", "SD-1", "--dpo", "mholmes", "--reader", "-")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Of two readers with an alert each, read to the end."""
    lines = access_lines(THEFT, "alice") + access_lines(THEFT, "bob")
    (tmp_path / "access.log").write_text("".join(f"{line}\n" for line in sorted(lines, key=lambda x: x[20:])))
    folder = made(tmp_path / "site", "--log", tmp_path / "access.log")
    followed(folder, len(lines))
    return folder


def pseudonym(site: Path, name: str) -> bytes:
    result = call("pseudonym", "--site", site, "--kind", "user", "--case", "SD-1", stdin=f"{name}\n".encode())
    return result.stdout_bytes.split(b"\t")[1].strip()


def holding(site: Path, sought: bytes) -> list[str]:
    """Files of the site that hold these bytes anywhere."""
    files = [path for path in site.rglob("*") if path.is_file()]
    return sorted(str(path.relative_to(site)) for path in files if sought in path.read_bytes())


@contextmanager
def running(site: Path) -> Iterator[None]:
    """`run` beside the block, without pages."""
    stop = threading.Event()

    @contextmanager
    def attend(_: object) -> Iterator[object]:
        yield lambda: None

    thread = threading.Thread(target=follow_site, args=(load_site(site, {}), stop, attend))
    thread.start()
    try:
        time.sleep(1)
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("live", [False, True])
def test_nothing_is_left_of_one_and_all_of_the_other(site: Path, live: bool) -> None:
    alice, bob = pseudonym(site, "alice"), pseudonym(site, "bob")
    assert holding(site, alice)
    if live:
        with running(site):
            result = call("rights", "erase", "--site", site, *COMMON, stdin=b"alice\n")
            assert holding(site, alice) == [], "while it goes on"
    else:
        result = call("rights", "erase", "--site", site, *COMMON, stdin=b"alice\n")
    assert (result.exit_code, "database: nothing left" in result.stdout) == (0, True), result.output
    assert holding(site, alice) == []
    assert "journalguard.db" in holding(site, bob)
    assert b"alice" not in result.stdout_bytes + b"".join(map(bytes, site.glob("*.out")))


def test_the_next_line_is_a_strangers(site: Path, tmp_path: Path) -> None:
    alice = pseudonym(site, "alice").decode()
    assert call("rights", "erase", "--site", site, *COMMON, stdin=b"alice\n").exit_code == 0
    with (tmp_path / "access.log").open("a") as log:
        log.write("".join(f"{line}\n" for line in access_lines([7200], "alice")))
    followed(site, 2 * len(THEFT) + 1)
    states = dict(open_store(site / "journalguard.db").load().accounts)
    alone = made(tmp_path / "alone", "--log", tmp_path / "one.log")
    (tmp_path / "one.log").write_text(f"{access_lines([7200], 'alice')[0]}\n")
    (alone / "keys" / "pseudonyms.json").write_bytes((site / "keys" / "pseudonyms.json").read_bytes())
    followed(alone, 1)
    assert states[alice] == dict(open_store(alone / "journalguard.db").load().accounts)[alice]


def test_check_tells_what_is_left(site: Path) -> None:
    result = call("rights", "erase", "--check", "--site", site, *COMMON, stdin=b"alice\n")
    assert (result.exit_code, "database: still in accounts, alerts, traces" in result.stdout) == (1, True)
    assert "not complete yet" in result.stderr
    call("rights", "erase", "--site", site, *COMMON, stdin=b"alice\n")
    assert call("rights", "erase", "--check", "--site", site, *COMMON, stdin=b"alice\n").exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--case", "SD 1", "--dpo", "mholmes"), "--case: letters, digits"),
        (("--case", "SD-1", "--dpo", "M Holmes"), "--dpo: a sign-in name"),
        (("--dpo", "mholmes"), "Missing option '--case'"),
        (("--case", "SD-1"), "Missing option '--dpo'"),
        (("--case", "SD-1", "--dpo", "mholmes", "alice"), "unexpected extra argument"),
    ],
)
def test_a_wrong_call_is_told(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    result = call(
        "rights", "erase", "--site", made(tmp_path / "site"), "--reader", "-", *options, stdin=b"alice\n"
    )
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_a_name_of_nobody_is_told(tmp_path: Path) -> None:
    result = call("rights", "erase", "--site", made(tmp_path / "site"), *COMMON, stdin=b"auto-192.0.2.1\n")
    assert (result.exit_code, "names nobody" in result.stderr) == (1, True)
