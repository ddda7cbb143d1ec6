"""From one epoch of the keys to the next.

By the calendar (``rotated``) readers get a new root and with it new pseudonyms. For ``GRACE_DAYS`` the former
key still tells which old pseudonym an account had, so that what was learnt of it moves to the new one; then
that key is dropped, and nobody can join old tables to names any more. Addresses, networks, sessions,
documents and journals keep their keys: an account's usual networks are known by those tokens, and events that
hold them are kept for weeks, not years.

After a leak (``renewed``) everything gets a new root and nothing is linked: whoever has the old key could
link too.
"""

import secrets
from pathlib import Path

from pseudonymiser.errors import KeyFileError
from pseudonymiser.keys import ROOT_BYTES, Domain, Keys, SubKey, load, replace

GRACE_DAYS = 28


def rotated(keys: Keys, now: int) -> Keys:
    """Keys of the next epoch, which link until ``GRACE_DAYS`` after ``now`` (s UTC).

    Raises:
        KeyFileError: the rotation before still links, so that an account could be lost between the two.
    """
    if keys.former is not None and now < keys.former.until:
        raise KeyFileError("the rotation before this one still links accounts; wait for its end, or end it")
    kept: dict[Domain, SubKey] = {
        domain: SubKey(keys.epoch_of(domain), keys.subkey(domain))
        for domain in Domain
        if domain is not Domain.USER
    }
    former = SubKey(keys.epoch, keys.subkey(Domain.USER), now + 86400 * GRACE_DAYS)
    return Keys(secrets.token_bytes(ROOT_BYTES), _next(keys.epoch), kept=kept, former=former)


def renewed(keys: Keys) -> Keys:
    """Keys that have nothing in common with ``keys``. Raises KeyFileError."""
    return Keys(secrets.token_bytes(ROOT_BYTES), _next(keys.epoch))


def current(directory: Path, now: int) -> Keys:
    """The keys in ``directory``; a former one whose time is over at ``now`` (s UTC) is dropped there first.

    Raises:
        KeyFileError: they cannot be read, or the file cannot be written.
    """
    keys = load(directory)
    if keys.former is None or now < keys.former.until:
        return keys
    settled = keys.settled()
    replace(directory, settled)
    return settled


def _next(epoch: str) -> str:
    if not epoch.isdecimal():
        raise KeyFileError(f"epoch {epoch!r} is not a number, so none comes after it; make a new site")
    return str(int(epoch) + 1)
