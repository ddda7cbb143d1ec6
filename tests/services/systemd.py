"""A systemd of its own in namespaces of its own: units start as on a machine, and this machine keeps nothing.

Only the network and the control groups are shared. ``/etc`` is a copy; ``/opt``, ``/run``, ``/srv``, ``/tmp``
and what is in ``/var`` are new. Of this checkout and its Python there is a view in ``/opt/journalguard``.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.project.repository import ROOT
from tests.services.processes import end, start

SYSTEMD = "/lib/systemd/systemd"
NAMESPACES = ("--pid", "--fork", "--mount", "--mount-proc", "--uts", "--ipc")
TARGET = "tested.target"

_BOOT = """
set -e
stage=$1
mount --make-rprivate /
cp -a /etc "$stage/etc"
for view in source packages python; do mkdir -p "$stage/opt/journalguard/$view"; done
mount --bind "$2" "$stage/opt/journalguard/source"
mount --bind "$3" "$stage/opt/journalguard/packages"
mount --bind "$4" "$stage/opt/journalguard/python"
mount --rbind "$stage/opt" /opt
mount --bind "$stage/etc" /etc
for new in run srv var/lib var/cache var/log; do
    mkdir -p "$stage/$new"
    mount --bind "$stage/$new" "/$new"
done
mkdir -p /run/systemd/system
cp -r "$stage"/units/* /run/systemd/system/
cp -a "$stage/site" /srv/journalguard
. "$stage/prepare"
mount -t tmpfs tmpfs /tmp
exec env -i container=journalguard PATH="$PATH" %s --system --unit=%s --show-status=no --log-level=err
"""
_COMMAND = """#!/bin/sh
export PYTHONPATH=/opt/journalguard/source:/opt/journalguard/packages
# Python looks for its own library where it was built.
export LD_LIBRARY_PATH=/opt/journalguard/python/lib
exec /opt/journalguard/python/bin/python%d.%d -P -m service.cli "$@"
"""


def lacks() -> str:
    """Why this machine may not run one, empty for nothing."""
    if os.geteuid() != 0:
        return "only root can start a systemd of its own"
    tried = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this machine lets nobody make namespaces"


class Machine:
    """What runs in it, seen from outside."""

    def __init__(self, stage: Path, process: "subprocess.Popen[bytes]") -> None:
        self._stage = stage
        self._init = process

    def inside(self, *command: object, pid: int | None = None) -> "subprocess.CompletedProcess[str]":
        """A command of root's in it, or in what process ``pid`` sees."""
        target = str(pid or self._first())
        words = ["nsenter", "--target", target, "--mount", *(() if pid else ("--pid",)), *map(str, command)]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    def main_process(self, unit: str) -> int:
        """The unit's main process, as this machine counts; 0 where it does not run."""
        shown = self.inside("systemctl", "show", "--property=MainPID", "--value", unit).stdout.strip()
        inner = int(shown or 0)
        return next((pid for pid in _descendants(self._init.pid) if _inner(pid) == inner), 0) if inner else 0

    def said(self, unit: str) -> str:
        """What a unit wrote."""
        path = self._stage / "var/log" / unit
        return path.read_text(errors="replace") if path.exists() else ""

    def wait(self, done: Callable[[], bool], unit: str, patience: float = 90.0) -> None:
        """Until something is so of a unit."""
        last = time.monotonic() + patience
        while not done():
            if time.monotonic() > last:
                status = self.inside("systemctl", "status", "--no-pager", unit).stdout
                raise AssertionError(f"{status}\n{self.said(unit)[-3000:]}")
            time.sleep(0.5)

    def _first(self) -> int:
        """Process 1 of it."""
        return next(pid for pid in _descendants(self._init.pid) if _inner(pid) == 1)


@contextmanager
def booted(
    stage: Path, site: Path, units: Sequence[Path], names: Sequence[str], prepare: str
) -> Iterator[Machine]:
    """A machine with units in it, of which those called ``names`` are started.

    ``stage`` is an empty folder, ``site`` becomes ``/srv/journalguard``, ``prepare`` is a script of the
    shell's that is run before.
    """
    stage.chmod(0o755)
    (stage / "units").mkdir()
    for unit in units:
        shutil.copy(unit, stage / "units")
    for name in names:
        words = f"[Service]\nStandardOutput=append:/var/log/{name}\nStandardError=inherit\n"
        (stage / "units" / f"{name}.d").mkdir()
        (stage / "units" / f"{name}.d" / "said.conf").write_text(words)
    (stage / "units" / TARGET).write_text(f"[Unit]\nWants={' '.join(names)}\n")
    (stage / "prepare").write_text(prepare)
    shutil.copytree(site, stage / "site")
    command = stage / "opt/journalguard/bin/journalguard"
    command.parent.mkdir(parents=True)
    command.write_text(_COMMAND % sys.version_info[:2])
    command.chmod(0o755)
    script = stage / "boot"
    script.write_text(_BOOT % (SYSTEMD, TARGET))
    views = (ROOT, sysconfig.get_path("purelib"), sys.base_prefix)
    with (stage / "console").open("wb") as out:
        process = start(
            ["unshare", *NAMESPACES, "sh", str(script), *map(str, (stage, *views))], stdout=out, stderr=out
        )
        machine = Machine(stage, process)
        try:
            yield machine
        finally:
            for pid in reversed(_descendants(process.pid)):
                if _inner(pid) == 1:
                    os.kill(pid, signal.SIGKILL)  # and all that is in it
            end(process, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    found = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        path = Path(f"/proc/{parent}/task/{parent}/children")
        children = [int(child) for child in path.read_text().split()] if path.exists() else []
        found += children
        waiting += children
    return found


def _inner(pid: int) -> int:
    """The number of a process in the innermost namespace of processes."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[-1]) for line in status.splitlines() if line.startswith("NSpid:"))
