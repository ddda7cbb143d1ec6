"""The pages as a child process, which ends with the one that started it.

The parent binds the address and hands over the listening socket, so that a restart of the child keeps it. The
child's standard input is a pipe whose other end only the parent holds: it closes however the parent ends.
"""

import errno
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from service.base.errors import AddressError
from service.cli.options import database_of
from service.config.settings import SiteFolder

BIND_SECONDS = 2.0  # a predecessor that was just killed may hold the address for a moment
STOP_SECONDS = 5.0
RESTART_SECONDS = 1.0

_log = logging.getLogger("journalguard.pages")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises ``AddressError``."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise AddressError(f"--host {host}: is no address of this machine; try 127.0.0.1") from None
    until = time.monotonic() + BIND_SECONDS
    while True:
        try:
            return socket.create_server(address[:2], family=family)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise _address_error(host, port, error) from None
        time.sleep(0.1)


def url(listening: socket.socket) -> str:
    """Where a browser finds the pages."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


class PagesProcess:
    """The child, started again whenever it ends by itself."""

    def __init__(self, command: Sequence[str], listening: socket.socket) -> None:
        self._command = [sys.executable, "-P", "-m", "service.cli", "pages", *command]
        self._command += ["--socket", str(listening.fileno())]
        self._socket = listening
        self._process = self._start()
        self._started = time.monotonic()

    def check(self) -> None:
        """Starts it again if it ended."""
        code = self._process.poll()
        if code is None or time.monotonic() < self._started + RESTART_SECONDS:
            return
        _log.warning("pages-ended code=%d: started again", code)
        self._process = self._start()
        self._started = time.monotonic()

    def stop(self) -> None:
        """Ends it, by force if it does not listen."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C is for the parent, which saves before it ends the child.
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command, stdin=subprocess.PIPE, pass_fds=[self._socket.fileno()], start_new_session=True
        )


def pages_arguments(site: SiteFolder, host: str, *, demo: bool, log_json: bool) -> list[str]:
    """Arguments of ``journalguard pages`` for a child, which only shows."""
    names = [word for name in site.settings.names for word in ("--host-name", name)]
    settings = ["--settings", str(site.folder.absolute())]
    arguments = ["--database", str(database_of(site)), "--host", host, *settings, *names]
    return [*arguments, *(["--demo"] if demo else []), *(["--log-json"] if log_json else [])]


def _address_error(host: str, port: int, error: OSError) -> AddressError:
    if error.errno == errno.EADDRINUSE:
        mend = "another program serves there; end it, or give another --port (0 picks a free one)"
    elif error.errno == errno.EACCES:
        mend = "ports below 1024 are for root; give a higher --port"
    else:
        mend = f"{error.strerror}; give --host 127.0.0.1 or an address of this machine"
    return AddressError(f"{host} port {port}: {mend}")
