"""Server processes that end with this one, however it ends."""

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

PORTS = (
    20_000,
    32_000,
)  # below Linux's ephemeral ports, so no client's own port is in a restarted server's way

# Reads "+pid" and "-pid"; at the end of its input, kills what is left. A stopped process dies too.
_GUARD = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
pids = set()
for line in sys.stdin:
    (pids.add if line[0] == "+" else pids.discard)(int(line[1:]))
for pid in pids:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


@cache
def _guard() -> subprocess.Popen[str]:
    guard = subprocess.Popen(
        [sys.executable, "-c", _GUARD], stdin=subprocess.PIPE, text=True, bufsize=1, start_new_session=True
    )
    assert guard.stdin
    atexit.register(guard.stdin.close)
    return guard


def _tell(sign: str, pid: int) -> None:
    guard = _guard()
    assert guard.stdin
    with contextlib.suppress(BrokenPipeError):
        guard.stdin.write(f"{sign}{pid}\n")


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """A process that Ctrl-C does not reach and that is killed when the tests end, also by kill -9."""
    process: subprocess.Popen[bytes] = subprocess.Popen(command, start_new_session=True, **options)
    _tell("+", process.pid)
    return process


def end(process: subprocess.Popen[bytes], sent: signal.Signals, seconds: float = 30) -> None:
    """Sends the signal and waits for the end; a process that stays is killed."""
    process.send_signal(sent)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _tell("-", process.pid)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which nothing listens."""
    found: list[int] = []
    while len(found) < count:
        # Not the seeded generator of a test: two runs at once must not agree.
        port = PORTS[0] + int.from_bytes(os.urandom(4)) % (PORTS[1] - PORTS[0])
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if port not in found and probe.connect_ex(("127.0.0.1", port)):
                found.append(port)
    return found
