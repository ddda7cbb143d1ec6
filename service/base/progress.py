"""How far long work is, on standard error: one rewritten line on a terminal, else a line now and then."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

TERMINAL_SECONDS = 0.2
PIPE_SECONDS = 10.0


class Progress:
    """Shows a share of the whole with a note behind it."""

    def __init__(self, what: str, stream: TextIO) -> None:
        self._what = what
        self._stream = stream
        self._terminal = stream.isatty()
        self._seconds = TERMINAL_SECONDS if self._terminal else PIPE_SECONDS
        self._shown_at = time.monotonic() - (self._seconds if self._terminal else 0)

    def at(self, share: float, note: str = "") -> None:
        """``share`` from 0 to 1. Shown only if the last showing is long enough ago."""
        if time.monotonic() - self._shown_at >= self._seconds:
            self._show(share, note)

    def done(self, note: str = "") -> None:
        """The last word."""
        self._show(1.0, note)
        if self._terminal:
            self._stream.write("\n")

    def _show(self, share: float, note: str) -> None:
        self._shown_at = time.monotonic()
        text = f"{self._what} {min(max(share, 0.0), 1.0):4.0%} {note}".rstrip()
        self._stream.write(f"\r\x1b[2K{text}" if self._terminal else f"{text}\n")
        self._stream.flush()


@contextmanager
def progress(what: str, stream: TextIO | None = None) -> Iterator[Progress]:
    """Progress of the work in the block; leaves a terminal's cursor on a fresh line whatever happens."""
    shown = Progress(what, stream or sys.stderr)
    try:
        yield shown
    except BaseException:
        if (stream or sys.stderr).isatty():
            (stream or sys.stderr).write("\n")
        raise


@contextmanager
def said_if_long(what: str, patience: float, stream: TextIO | None = None) -> Iterator[None]:
    """Say what the block does, in a line, once it has taken ``patience`` seconds."""

    def say() -> None:
        out = stream or sys.stderr
        out.write(f"{what}\n")
        out.flush()

    timer = threading.Timer(patience, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
