"""The policy's history at a site, ``policy/history.jsonl``: who accepted which policy, when and why."""

import logging
import os
from pathlib import Path

import msgspec

from service.base.errors import PolicyError
from service.policy.loading import site_sources
from service.policy.model import Policy

FILE = "history.jsonl"
FOLDER = "policy"  # of the site

_log = logging.getLogger("journalguard.policy")


class Acceptance(msgspec.Struct, frozen=True):
    """One line: from now on this policy is meant to be in force."""

    at: int  # s UTC
    by: str
    before: str  # hash of the policy accepted before, "" for none
    after: str
    why: str


def read(site: Path) -> tuple[Acceptance, ...]:
    """All of a site's, oldest first. Raises PolicyError naming the line that cannot be read."""
    path = site / FOLDER / FILE
    if not path.exists():
        return ()
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            found.append(msgspec.json.decode(line, type=Acceptance))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PolicyError(
                f"{path}, line {number}: {error}; mend or remove the line, or restore the file from a backup"
            ) from error
    return tuple(found)


def accept(site: Path, policy: Policy, *, by: str, why: str, now: int) -> Acceptance:
    """Appends that ``policy`` is accepted, and returns the line. Raises PolicyError where it was already."""
    history = read(site)
    before = history[-1].after if history else ""
    if before == policy.hash:
        raise PolicyError(
            f"policy {policy.hash}: was accepted before, by {history[-1].by}; nothing has changed"
        )
    entry = Acceptance(now, by, before, policy.hash, why)
    folder = site / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(entry) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return entry


def warn_if_unaccepted(site: Path, policy: Policy) -> None:
    """Warns in the log of a service that starts with a policy nobody has accepted."""
    if not is_accepted(site, policy):
        _log.warning(
            "policy-not-accepted %s; `journalguard policy diff` says what is changed, `policy accept` "
            "records who wants it and why",
            policy.hash,
        )


def is_accepted(site: Path, policy: Policy) -> bool:
    """Whether this policy is the one that was accepted last; what ships needs no acceptance at first."""
    history = read(site)
    if history:
        return history[-1].after == policy.hash
    return next(site_sources(site / FOLDER), None) is None
