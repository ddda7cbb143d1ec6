"""Acts about keys, holders, policy and budgets that are done at the command line, or found done at a start.

``in_force`` notes what a process starts with where the newest leaf of its kind says otherwise: what was
changed by hand, in a file, is in the log too, if only once the change is used.
"""

from hashlib import sha256

from sqlalchemy import Connection

from alerts_api.audit.leaves import ActKind, ActRole, Leaf
from alerts_api.audit.log import append
from alerts_api.audit.reading import SYSTEM, AuditFilters, latest

CONSOLE = "console"  # whoever sits at the site's command line


def digest_of(text: str) -> str:
    """What a leaf holds of something longer."""
    return sha256(text.encode()).hexdigest()


def act(
    connection: Connection,
    kind: ActKind,
    now: float,
    *,
    outcome: str = "",
    digest: str = "",
    case: str = "",
    account: str = "",
    times: int = 0,
    note: str = "",
) -> None:
    """Somebody at the command line did it."""
    leaf = Leaf(
        kind=kind,
        actor=CONSOLE,
        role=ActRole.ADMIN,
        at=int(now),
        outcome=outcome,
        digest=digest,
        case=case,
        account=account,
        times=times,
    )
    append(connection, leaf, note)


def in_force(connection: Connection, kind: ActKind, text: str, now: float, *, note: str = "") -> bool:
    """Note that ``text`` is in force from now on, unless the newest leaf of this kind says so already."""
    digest = digest_of(text)
    newest = latest(connection, None, 1, AuditFilters(kinds=(kind,)))
    if newest and newest[0].record is not None and newest[0].record.digest == digest:
        return False
    leaf = Leaf(kind=kind, actor=SYSTEM, role=ActRole.SYSTEM, at=int(now), outcome="in-force", digest=digest)
    append(connection, leaf, note)
    return True
