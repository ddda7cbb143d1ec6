"""A command at a terminal of its own, as a person sits before it."""

import os
import pty
import select
import signal
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 20.0  # s


class Terminal:
    """What the command has shown, and a keyboard."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self._pid = pid
        self._descriptor = descriptor
        self.shown = ""
        self._seen = 0

    def expect(self, text: str) -> str:
        """Waits for ``text`` after what was waited for before; what came up to and with it."""
        end = time.monotonic() + PATIENCE
        while text not in self.shown[self._seen :]:
            assert self._read(end), f"{text!r} did not come: {self.shown[self._seen :]!r}"
        start, self._seen = self._seen, self.shown.index(text, self._seen) + len(text)
        return self.shown[start : self._seen]

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def press(self, key: str) -> None:
        """Types one key once the command listens for keys; before, a terminal gives lines."""
        end = time.monotonic() + PATIENCE
        while termios.tcgetattr(self._descriptor)[3] & termios.ICANON:
            assert time.monotonic() < end, "no key is waited for"
            time.sleep(0.01)
        self.type(key)

    def end(self) -> int:
        """Waits for the end; the exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            pass
        if time.monotonic() >= end:
            os.kill(self._pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, end - time.monotonic()))
        try:
            data = os.read(self._descriptor, 65536) if ready else b""
        except OSError:  # the other side is closed
            data = b""
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def at_terminal(*arguments: object) -> Iterator[Terminal]:
    """`journalguard` with these arguments; must have been waited for with ``end``."""
    pid, descriptor = pty.fork()
    if pid == 0:
        command = [sys.executable, "-m", "service.cli", *map(str, arguments)]
        os.execv(sys.executable, command)  # noqa: S606 - our own program
    try:
        yield Terminal(pid, descriptor)
    finally:
        os.close(descriptor)
