"""What a local user proves oneself by: a password and the code of an authenticator app (RFC 6238)."""

import os
import re
from threading import Lock

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SHORTEST = 12  # characters of a password
LONGEST = 256
SECRET_BYTES = 20
STEP_SECONDS = 30
_DRIFT = (0, -1, 1)  # steps that a telephone's clock may be off

# The costs that OWASP recommends. One at a time, so that many requests do not fill the memory.
_SALT_BYTES, _HASH_BYTES, _PASSES, _LANES, _MEMORY_KIB = 16, 32, 2, 1, 19 * 1024
_TURN = Lock()


def hash_password(password: str) -> str:
    """What is kept of a password: Argon2id, with its salt and costs."""
    kdf = Argon2id(
        salt=os.urandom(_SALT_BYTES),
        length=_HASH_BYTES,
        iterations=_PASSES,
        lanes=_LANES,
        memory_cost=_MEMORY_KIB,
    )
    with _TURN:
        return kdf.derive_phc_encoded(password.encode())


def verify_password(password: str, sealed: str) -> bool:
    """Whether it is that password; far too long, or without one to compare with, it takes as long."""
    if len(password) > LONGEST:
        password, sealed = password[:LONGEST], ""
    try:
        with _TURN:
            Argon2id.verify_phc_encoded(password.encode("utf-8", "surrogatepass"), sealed or _NOBODYS)
    except InvalidKey:
        return False
    return bool(sealed)


def password_problem(password: str, name: str) -> str:
    """What is wrong with a new password; empty if nothing is."""
    if len(password) < SHORTEST:
        return f"a password has at least {SHORTEST} characters; four random words are easy to keep"
    if len(password) > LONGEST:
        return f"a password has at most {LONGEST} characters"
    if name in password.lower() or len(set(password)) < 5:
        return "that one is easily guessed"
    return ""


def new_secret() -> bytes:
    """For an authenticator app."""
    return os.urandom(SECRET_BYTES)


def enrolment(secret: bytes, name: str) -> str:
    """The secret as an authenticator app takes it in."""
    return _codes(secret).get_provisioning_uri(name, "journalguard")


def totp_step(secret: bytes, code: str, now: float) -> int | None:
    """The step that the code belongs to, if it is one of about now."""
    if not re.fullmatch(r"[0-9]{6}", code):
        return None
    codes, step = _codes(secret), int(now) // STEP_SECONDS
    for drift in _DRIFT:
        try:
            codes.verify(code.encode(), (step + drift) * STEP_SECONDS)
        except InvalidToken:
            continue
        return step + drift
    return None


def _codes(secret: bytes) -> TOTP:
    # What every authenticator app knows; HMAC does not need a hash without collisions.
    return TOTP(secret, 6, SHA1(), STEP_SECONDS)  # noqa: S303


# Of a password that nobody has, so that a name nobody has is not told by the time it takes.
_NOBODYS = (
    f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}$AAAAAAAAAAAAAAAAAAAAAA"
    "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
