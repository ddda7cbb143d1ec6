"""A real OpenID provider: the npm package ``oidc-provider`` under Node, on 127.0.0.1, for one test run.

Its packages come by ``npm ci`` from the lock beside the script, once per machine, into the cache folder.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.services.processes import end, free_ports, start

FOLDER = Path(__file__).with_name("oidc")
START_SECONDS = 60.0
PAGES = "http://127.0.0.1:8321"
CLIENT, SECRET = "journalguard", "not-a-secret"
PEOPLE: Mapping[str, object] = {
    "ada": {"name": "Ada Example", "groups": ["library-security"]},
    "kim": {"name": "Kim Example", "groups": ["library-security", "library-keys"]},
    "pat": {"name": "Pat Example", "groups": ["library-it"]},
    "both": {"name": "Sam Example", "groups": ["library-it", "library-keys"]},
    "none": {"name": "Eve Example", "groups": ["students"]},
}


class OpenIdProvider(NamedTuple):
    """Where it is, and where it sends browsers back to."""

    issuer: str
    address: str  # of the pages
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        end(self.process, signal.SIGTERM)


def started(address: str, folder: Path) -> OpenIdProvider:
    """Returns when it serves; pages are at ``address``, its log in ``folder``. Raises ``RuntimeError``."""
    port = free_ports(1)[0]
    issuer = f"http://127.0.0.1:{port}"
    after = [f"{address}/signin/callback", f"{address}/signin", json.dumps(PEOPLE)]
    script = _packages() / "provider.js"
    shutil.copyfile(FOLDER / "provider.js", script)
    command = ["node", str(script), str(port), issuer, CLIENT, SECRET, *after]
    reported = folder / "oidc.log"
    with reported.open("wb") as log:
        process = start(command, stdout=log, stderr=subprocess.STDOUT)
    until = time.monotonic() + START_SECONDS
    while True:
        said = reported.read_text("utf-8", "replace")
        if "listening" in said:
            return OpenIdProvider(issuer, address, process)
        if process.poll() is not None or time.monotonic() > until:
            end(process, signal.SIGKILL)
            raise RuntimeError(f"the OpenID provider did not start: {said[-2000:]}")
        time.sleep(0.05)


def lacks() -> str:
    """Why it cannot be started here; empty where it can."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"no {program} on this machine: install nodejs and npm to test with an OpenID provider"
    return ""


def _packages() -> Path:
    """Folder with the script's packages beside it, fetched once per machine. Raises ``RuntimeError``."""
    lock = (FOLDER / "package-lock.json").read_bytes()
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(caches, "journalguard", f"oidc-{hashlib.sha256(lock).hexdigest()[:12]}")
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fetched = Path(scratch, "oidc")
        fetched.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(FOLDER / name, fetched / name)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=fetched, check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"npm could not fetch the OpenID provider: {done.stderr[-2000:]}")
        try:
            fetched.rename(folder)
        except OSError:  # another run was faster
            assert folder.is_dir()
    return folder
