"""A real PostgreSQL server of Debian's package, on 127.0.0.1, without passwords, for one test run."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.services.processes import end, free_ports, start

ROLE = "journalguard"
START_SECONDS = 60.0


class Postgres:
    """The server; data lies in a folder of its own that goes with it."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.folder = Path(tempfile.mkdtemp(prefix="journalguard-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._told = 0  # bytes of the log before the last start
        self._user = _server_user()
        if self._user is not None:
            os.chown(self.folder, pwd.getpwnam(self._user).pw_uid, -1)
        command = [f"{programs()}/initdb", "-D", f"{self.folder}/data", "-U", ROLE, "-A", "trust"]
        options = ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(
            [*command, *options], check=True, capture_output=True, user=self._user, cwd=self.folder
        )

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "postgres.log"

    def start(self) -> None:
        """Returns when it serves. Raises ``RuntimeError``."""
        until = time.monotonic() + START_SECONDS
        self._spawn()
        while (complaint := self._complaint()) and time.monotonic() < until:
            if self._process is not None and self._process.poll() is not None:
                if "still in use" not in self._said():
                    break
                self._spawn()  # sessions of a server that was killed take a moment to notice
            time.sleep(0.05)
        if complaint:
            raise RuntimeError(f"PostgreSQL did not start: {complaint}\n{self._said()}")

    def kill(self) -> None:
        """Kill -9 of the server and with it all its sessions."""
        if self._process is not None:
            end(self._process, signal.SIGKILL)
            self._process = None

    def stop(self) -> None:
        """Ends it and removes its data."""
        if self._process is not None:
            end(self._process, signal.SIGQUIT)
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """As SQLAlchemy wants it."""
        return f"postgresql+psycopg://{ROLE}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """URL of a new, empty database, dropped afterwards."""
        name = f"test_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name}")
        yield self.url(name)
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with self._connect() as connection:
            connection.execute(statement.encode())

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=ROLE, dbname="postgres", autocommit=True
        )

    def _spawn(self) -> None:
        # A killed process loses nothing without fsync; only a machine that dies would.
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "fsync": "off"}
        settings |= {"unix_socket_directories": "", "max_connections": 50, "shared_buffers": "32MB"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._told = log.tell()
            self._process = start(
                [f"{programs()}/postgres", "-D", f"{self.folder}/data", *options],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self.folder,
            )

    def _complaint(self) -> str:
        """Why it does not serve; empty once it does."""
        try:
            self._connect().close()
        except psycopg.OperationalError as error:
            return str(error)
        return ""

    def _said(self) -> str:
        return self.log.read_bytes()[self._told :].decode(errors="replace")[-4000:]


def lacks() -> str:
    """Why PostgreSQL cannot be started here; empty where it can."""
    try:
        programs()
        _server_user()
    except (FileNotFoundError, KeyError) as error:
        return str(error)
    return ""


def programs() -> Path:
    """Folder of the server's programs; Debian keeps them out of PATH. Raises ``FileNotFoundError``."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = [folder for folder in folders if (folder / "initdb").exists()]
    if found:
        return found[-1]
    if initdb := shutil.which("initdb"):
        return Path(initdb).parent
    raise FileNotFoundError("no PostgreSQL server on this machine: install the package postgresql")


def _server_user() -> str | None:
    """Whom the server runs as: it refuses root. Raises ``KeyError``."""
    return pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None
