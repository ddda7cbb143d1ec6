"""One audited act: the closed record, and its bytes in the tree.

The bytes are canonical JSON: keys sorted, fields at their default left out, no floats, no white space, ASCII
only, so equal to RFC 8785's form. The tree hashes these bytes and nothing else; an export carries them as
they are.

What may have to be erased one day is not among them: for a pseudonym and for free text the leaf holds
SHA-256 over 32 random bytes and the text. Random bytes and text, together an *opening*, stand in a table of
their own. While they are there everyone can check that they belong to the leaf; once they are gone the leaf
tells nothing of them, also to somebody who tries all names, and the tree still holds.
"""

import re
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta

from alerts_api.audit.errors import LeafError

VERSION = 2  # 1: of acts that are told one by one, which are most
SALT_BYTES = 32
NOTE_LENGTH = 2_000  # characters

_PSEUDONYM = re.compile(r"u[0-9A-Za-z]{1,8}_[a-z2-7]{24}")
_UNKEPT = re.compile(r"[\0\ud800-\udfff]")  # what PostgreSQL, or UTF-8, has no place for


class ActKind(StrEnum):
    """What was done. Only ever added to."""

    SIGNED_IN = "signed-in"
    SIGN_IN_FAILED = "sign-in-failed"
    SIGNED_OUT = "signed-out"
    STEPPED_UP = "stepped-up"
    ROLES_CHANGED = "roles-changed"
    VERDICT = "verdict"
    REVEAL_REQUESTED = "reveal-requested"
    REVEAL_REFUSED = "reveal-refused"
    REVEAL_APPROVED = "reveal-approved"
    REVEAL_DENIED = "reveal-denied"
    REVEAL_TICKETED = "reveal-ticketed"
    REVEAL_RELEASED = "reveal-released"
    REVEAL_OPENED = "reveal-opened"
    REVEAL_OUTCOME = "reveal-outcome"
    REVEAL_ESCALATED = "reveal-escalated"
    TRAINING_RECORDED = "training-recorded"
    BREAK_GLASS = "break-glass"
    BREAK_GLASS_REVIEWED = "break-glass-reviewed"
    BREAK_GLASS_LIFTED = "break-glass-lifted"
    HOLDER_ADDED = "holder-added"
    HOLDER_ROTATED = "holder-rotated"
    HOLDER_REVOKED = "holder-revoked"
    EPOCH_ROTATED = "epoch-rotated"
    MODE_CHANGED = "mode-changed"  # how many holders it takes
    KEYRING_IN_FORCE = "keyring-in-force"
    SETTINGS_IN_FORCE = "settings-in-force"  # budgets of names, roles, sign-in
    POLICY_IN_FORCE = "policy-in-force"
    PSEUDONYM_ASKED = "pseudonym-asked"  # of a name, by who has the keys
    AUDIT_EXPORTED = "audit-exported"
    OPENINGS_ERASED = "openings-erased"  # of one reader; ``times`` of them
    OPENINGS_EXPIRED = "openings-expired"  # by age; ``times`` of them
    RIGHTS_ACCESS = "rights-access"
    RIGHTS_ERASE = "rights-erase"
    RIGHTS_RESTRICT = "rights-restrict"
    RIGHTS_LIFT = "rights-lift"
    RIGHTS_OBJECT = "rights-object"
    RIGHTS_RECTIFY = "rights-rectify"
    COMPLAINT = "complaint"
    POLICY_CHANGED = "policy-changed"
    REQUEST_REFUSED = "request-refused"
    REQUEST_FAILED = "request-failed"


class ActRole(StrEnum):
    """In which role. ``SYSTEM`` acts by itself, ``NOBODY`` could not sign in."""

    ANALYST = "analyst"
    KEY_HOLDER = "key_holder"
    APPROVER = "approver"
    STATISTICIAN = "statistician"
    AUDITOR = "auditor"
    DPO = "dpo"
    ADMIN = "admin"
    SYSTEM = "system"
    NOBODY = "nobody"


_Actor = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,255}\Z")]  # OIDC's `sub` is at most this
_Code = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{0,64}\Z")]
_Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:/#-]{0,64}\Z")]
_Digest = Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")]
_Count = Annotated[int, Meta(ge=0, lt=2**53)]  # exact in every JSON reader


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """An act as the room that does it tells it. Never a name, an address or free text."""

    kind: ActKind
    actor: str  # the identity provider's name for who did it; of staff, never of a reader
    role: ActRole
    at: int  # s UTC
    alert: str = ""  # id of the alert
    account: str = ""  # pseudonym; kept as an opening
    reason: str = ""  # code of a closed list
    case: str = ""  # reference of the service desk
    outcome: str = ""  # code of a closed list, or a verdict
    request: str = ""  # id that a request, its approvals, release and outcome share
    digest: str = ""  # hex SHA-256 of what is meant: a policy file, a public key
    times: int = 0  # of acts that are counted instead of told one by one, how many; else 0


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A leaf as it stands in the tree."""

    v: int
    index: _Count
    kind: ActKind
    actor: _Actor
    role: ActRole
    at: _Count
    alert: _Id = ""
    account: _Digest = ""  # commitment to the pseudonym
    reason: _Code = ""
    case: _Id = ""
    outcome: _Code = ""
    request: _Id = ""
    digest: _Digest = ""
    note: _Digest = ""  # commitment to the free text
    note_length: _Count = 0  # characters
    times: _Count = 0  # since version 2


class Opening(msgspec.Struct, frozen=True):
    """What a commitment of a leaf stands for."""

    leaf: int
    name: str  # the record's field: "account" or "note"
    salt: bytes
    value: str


class LeafPosition(msgspec.Struct, frozen=True):
    """What every version's record begins with: all that the order of leaves needs."""

    v: _Count
    index: _Count


def commitment(salt: bytes, value: str) -> str:
    """Hex SHA-256 over the random bytes and the text."""
    return sha256(salt + value.encode("utf-8", "surrogatepass")).hexdigest()


def opens(opening: Opening, record: Record) -> bool:
    """Whether this is what the record was made with."""
    found = commitment(opening.salt, opening.value)
    return opening.leaf == record.index and found == getattr(record, opening.name, "")


def record_of(leaf: Leaf, index: int, note: str, salts: tuple[bytes, bytes]) -> Record:
    """The record of an act at its place. ``salts``: random bytes for account and note.

    Raises:
        LeafError: a field that the closed record does not allow.
    """
    if any(len(salt) != SALT_BYTES for salt in salts):
        raise LeafError(f"an opening needs {SALT_BYTES} random bytes")
    if len(note) > NOTE_LENGTH:
        raise LeafError(f"a note of {len(note)} characters; {NOTE_LENGTH} are allowed")
    if _UNKEPT.search(note):
        raise LeafError("a note with a NUL or half a character; leave it out")
    if leaf.account and not _PSEUDONYM.fullmatch(leaf.account):
        raise LeafError("an account that is not a pseudonym; nothing else of a reader is recorded")
    values = msgspec.structs.asdict(leaf) | {
        "v": _version(leaf.times),
        "index": index,
        "account": commitment(salts[0], leaf.account) if leaf.account else "",
        "note": commitment(salts[1], note) if note else "",
        "note_length": len(note),
    }
    try:
        return msgspec.convert(values, Record)
    except msgspec.ValidationError as error:
        raise LeafError(f"this act cannot be recorded: {error}") from None


def openings_of(leaf: Leaf, index: int, note: str, salts: tuple[bytes, bytes]) -> list[Opening]:
    """What :func:`record_of` committed to."""
    texts = zip(("account", "note"), salts, (leaf.account, note), strict=True)
    return [Opening(index, name, salt, value) for name, salt, value in texts if value]


def encode(record: Record) -> bytes:
    return msgspec.json.encode(record, order="sorted")


def decode(data: bytes) -> Record | None:
    """The record; ``None`` unless these bytes are exactly those that :func:`encode` makes of one."""
    try:
        record = msgspec.json.decode(data, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return record if record.v == _version(record.times) and encode(record) == data else None


def place(data: bytes) -> LeafPosition | None:
    """Version and index of a record of any version; ``None`` if this is none."""
    try:
        return msgspec.json.decode(data, type=LeafPosition)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _version(times: int) -> int:
    """The first one that can say it: what reads version 1 goes on reading everything else."""
    return 2 if times else 1
