"""A site in a temporary folder, driven by the commands themselves."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from click.testing import CliRunner, Result

from service.cli import main
from service.cli.run import Attendant, follow_site
from service.config.loader import load_site
from service.runtime.runner import Runner

COMMON = '%h %l %u %t "%r" %s %b'


def call(*arguments: object, stdin: bytes = b"") -> Result:
    """A command in this process; its exit code, standard output and standard error."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def made(folder: Path, *options: object, log_format: str = COMMON) -> Path:
    """A new site."""
    result = call("init", folder, "--log-format", log_format, "--timezone", "Europe/London", *options)
    assert result.exit_code == 0, result.output
    return folder


def replayed(site: Path, out: Path, *arguments: object) -> bytes:
    """What `replay` wrote."""
    result = call("replay", "--site", site, "--alerts", out, *arguments)
    assert result.exit_code == 0, result.output
    return out.read_bytes()


def alerts(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def until(lines: int, stop: Event, *, polls: int = 2000) -> Attendant:
    """Instead of the pages: stops the reading when so many lines are read."""

    @contextmanager
    def attend(runner: Runner) -> Iterator[Callable[[], None]]:
        left = iter(range(polls))

        def poll() -> None:
            if runner.counters["lines_total"] >= lines or next(left, None) is None:
                stop.set()

        yield poll

    return attend


def followed(folder: Path, lines: int, **settings: Any) -> None:
    """`run` without pages, until the site has read so many lines."""
    stop = Event()
    follow_site(load_site(folder, settings), stop, until(lines, stop))


def access_lines(times: Sequence[int], user: str = "reader1") -> list[str]:
    """Plain lines of one reader at seconds of 24 November 2026."""
    return [
        f"192.0.2.7 - {user} [24/Nov/2026:{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d} +0000] "
        f'"GET https://www.example.com:443/doi/pdf/10.1234/example.{at} HTTP/1.1" 200 500000'
        for at in times
    ]
