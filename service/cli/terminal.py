"""What is asked for and shown on a terminal and nowhere else: no arguments, environment, pipes or files."""

import ctypes
import getpass
import resource
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click

_ENTER = "\x1b[?1049h\x1b[2J\x1b[H"  # xterm's other screen, which has no scroll-back
_PR_SET_DUMPABLE = 4  # prctl(2)
_NO_TERMINAL = "a secret is typed at a terminal, never piped; here is none"
_LEAVE = "\x1b[2J\x1b[3J\x1b[H\x1b[?1049l"


def ask_secret(prompt: str) -> str:
    """A line from the terminal that is not shown. Never from a pipe."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt)
        except getpass.GetPassWarning:
            raise click.ClickException(_NO_TERMINAL) from None


def ask_new_secret(prompt: str) -> str:
    """The same twice over, until both agree."""
    while True:
        first = ask_secret(f"{prompt}: ")
        if first == ask_secret("The same again: "):
            return first
        click.echo("The two are not the same.", err=True)


def show_once(text: str) -> None:
    """Shows until a key is pressed; then the screen is as it was before."""
    with _other_screen():
        click.echo(f"{text}\n\nPress any key: this is cleared, and nothing of it is kept.")
        click.getchar()


def ask_at_once(text: str, prompt: str) -> str:
    """A line that is seen while it is typed and cleared afterwards. Never from a pipe."""
    if not sys.stdin.isatty():
        raise click.ClickException(_NO_TERMINAL)
    with _other_screen():
        click.echo(text)
        return str(click.prompt(prompt, prompt_suffix="\n"))


def harmless(text: str) -> str:
    """Text from a log as it may be shown: control and direction characters are spelled out."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def keep_no_core() -> None:
    """No memory dump of this process is written if it crashes, and no other process of its user reads it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


@contextmanager
def _other_screen() -> Iterator[None]:
    if not sys.stdout.isatty():
        raise click.ClickException("this is shown on a terminal only, never into a file or a pipe")
    before = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    click.echo(_ENTER, nl=False, color=True)
    try:
        yield
    finally:
        click.echo(_LEAVE, nl=False, color=True)
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)
