"""Log lines: text as ever, JSON with typed fields, and what is bound once in both."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.base.logs import _context, _json_formatter, _TextFormatter, bind

STARTED = """
import logging
from service.base.logs import start_logging
start_logging(as_json={as_json}, site="/srv/jg")
log = logging.getLogger("journalguard.tail")
log.info("file-gone name=%s offset=%d: found elsewhere", "access.log", 7)
logging.getLogger("others").info("not told")
logging.getLogger("others").warning("told %s", "too")
"""


@pytest.fixture(autouse=True)
def unbound() -> Iterator[None]:
    token = _context.set({})
    yield
    _context.reset(token)


def record(template: str, *arguments: object, failed: bool = False) -> logging.LogRecord:
    info = None
    if failed:
        try:
            raise ZeroDivisionError("why")
        except ZeroDivisionError:
            info = sys.exc_info()
    made = logging.LogRecord("journalguard.x", logging.WARNING, __file__, 1, template, arguments, info)
    made.created = 1_700_000_000.25
    return made


def as_text(made: logging.LogRecord) -> str:
    return _TextFormatter().format(made)


def as_json(made: logging.LogRecord, **context: str) -> dict[str, object]:
    line = _json_formatter(context).format(made)
    assert "\n" not in line
    return dict(json.loads(line))


@pytest.mark.parametrize(
    ("template", "arguments", "text"),
    [
        ("ended", (), "ended"),
        ("verdicts-sent %d", (3,), "verdicts-sent 3"),
        ("spool-waits %s: %s; again", ("/s", "full"), "spool-waits /s: full; again"),
        (
            "%s-waits %s; again in %g s",
            ("sink", "OSError: gone", 0.5),
            "sink-waits OSError: gone; again in 0.5 s",
        ),
        ("Not of ours, 100 %", (), "Not of ours, 100 %"),
    ],
)
def test_text_is_time_level_logger_and_message(
    template: str, arguments: tuple[object, ...], text: str
) -> None:
    assert as_text(record(template, *arguments)) == f"2023-11-14T22:13:20Z WARNING journalguard.x {text}"


def test_text_has_the_traceback_on_lines_of_its_own() -> None:
    first, *more = as_text(record("partition-failed", failed=True)).splitlines()
    assert first == "2023-11-14T22:13:20Z WARNING journalguard.x partition-failed"
    assert more[-1] == "ZeroDivisionError: why"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("partition-taken-over: another has it", "partition-taken-over partition=3: another has it"),
        ("partition-open accounts=5", "partition-open partition=3 accounts=5"),
        ("partition-failed", "partition-failed partition=3"),
    ],
)
def test_what_is_bound_stands_behind_the_event(template: str, text: str) -> None:
    assert "partition=3" not in as_text(record(template))
    bind(partition=3)
    assert as_text(record(template)).endswith(f" {text}")
    assert as_json(record(template))["partition"] == 3


def test_what_a_task_binds_stays_with_it() -> None:
    async def task(partition: int) -> str:
        bind(partition=partition)
        await asyncio.sleep(0)
        return as_text(record("partition-failed"))

    async def both() -> list[str]:
        return list(await asyncio.gather(task(3), task(4)))

    assert [line.split()[-1] for line in asyncio.run(both())] == ["partition=3", "partition=4"]
    assert as_text(record("ended")).endswith(" ended")


def test_json_has_a_field_of_its_own_type_for_every_named_argument() -> None:
    made = record("partition-open accounts=%d offset=%d seconds=%.1f 100%% of %s", 5, 70, 0.25, Path("/x"))
    assert as_json(made, site="/srv/jg") == {
        "time": "2023-11-14T22:13:20Z",
        "level": "warning",
        "logger": "journalguard.x",
        "event": "partition-open",
        "site": "/srv/jg",
        "accounts": 5,
        "offset": 70,
        "seconds": 0.25,
        "message": "partition-open accounts=5 offset=70 seconds=0.2 100% of /x",
    }


def test_json_has_the_traceback_in_one_field() -> None:
    assert str(as_json(record("partition-failed", failed=True))["exception"]).endswith(
        "ZeroDivisionError: why"
    )


def test_a_field_never_hides_what_every_line_has() -> None:
    found = as_json(record("x-y level=%s event=%s message=%s", "a", "b", "c"))
    assert (found["level"], found["event"], found["message"]) == (
        "warning",
        "x-y",
        "x-y level=a event=b message=c",
    )


@pytest.mark.parametrize(
    ("template", "arguments"),
    [("Ünlike\n\x00 \udcff%s", ("x",)), ("%(name)s", ({"name": "x"},)), ("", ()), ("x=%s", (object(),))],
)
def test_what_others_log_is_one_line_whatever_it_is(template: str, arguments: tuple[object, ...]) -> None:
    made = record(template, *arguments)
    made.name = "others"
    assert as_json(made)["event"] == ""


@pytest.mark.parametrize("json_lines", [False, True])
def test_a_process_logs_to_standard_error(*, json_lines: bool) -> None:
    code = STARTED.format(as_json=json_lines)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    first, second = done.stderr.splitlines()
    if json_lines:
        found = json.loads(first)
        assert (found["site"], found["name"], found["offset"]) == ("/srv/jg", "access.log", 7)
        assert json.loads(second)["message"] == "told too"
    else:
        assert first.endswith(" INFO journalguard.tail file-gone name=access.log offset=7: found elsewhere")
        assert second.endswith(" WARNING others told too")
    assert done.stdout == ""
