"""What an administrator changes at the command line, recorded in the transaction of the change."""

from sqlalchemy import Connection

from alerts_api.audit import leaves
from alerts_api.audit.log import append

ADMINISTRATOR = "console"  # whoever sits at the site's command line


def record(connection: Connection, what: str, subject: str, now: float) -> None:
    """Who may do what has changed."""
    leaf = leaves.Leaf(
        kind=leaves.ActKind.ROLES_CHANGED,
        actor=ADMINISTRATOR,
        role=leaves.ActRole.ADMIN,
        at=int(now),
        outcome=what,
        request=subject,
    )
    append(connection, leaf)
