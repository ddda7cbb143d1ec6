"""Checkpoints by themselves: beside the pages whenever one is due, and in the transaction of each release.

Without a key there are none, and where nothing takes them off the machine they prove nothing: both is told,
in the log and on the page, until it is mended.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from alerts_api.audit import signing
from alerts_api.audit.checkpoints import Cadence, sign
from alerts_api.audit.errors import AuditError
from alerts_api.audit.publishing import CheckpointTargets, keep, mail_checkpoint
from alerts_api.audit.signednote import Signer
from alerts_api.storage.database import Database
from alerts_api.storage.errors import StoreError

LOOK_SECONDS = 60.0
NO_KEY = (
    "No key signs checkpoints of this log, so nobody can tell whether it was changed. The operator makes one "
    "by `journalguard audit key`."
)
NOT_SENT = (
    "Checkpoints of this log stay on this machine, whose administrator could make them anew. The operator "
    "names a folder elsewhere in `checkpoints` of site.toml, or mails in [reveal]."
)
FAILED = "The last checkpoint could not be made or sent; the cause is in journalguard's log."

_log = logging.getLogger("journalguard.audit")


class CheckpointKeeper:
    """Signs and sends.

    Args:
        signer: ``None`` where there is no key.
        targets: where checkpoints go.
        leaves: whether any of that is off this machine.
    """

    def __init__(self, signer: Signer | None, targets: CheckpointTargets, *, leaves: bool) -> None:
        self._signer = signer
        self._targets = targets
        self._leaves = leaves
        self._failed = False

    @property
    def warning(self) -> str:
        """What the operator still has to mend; empty where nothing is."""
        if self._signer is None:
            return NO_KEY
        if self._failed:
            return FAILED
        return "" if self._leaves else NOT_SENT

    def sign_release(self, connection: Connection, now: float) -> None:
        """A checkpoint of the log with the act just written, mailed. Raises ``AuditError``."""
        if self._signer is None:
            return
        signed = sign(connection, self._signer, now=int(now))
        if self._targets.mail is not None:
            mail_checkpoint(self._targets.mail, signed.checkpoint, signed.note, int(now))

    def keep_due(self, database: Database, now: float) -> None:
        """One if it is due; what could not be sent before follows."""
        if self._signer is None:
            return
        try:
            keep(database, self._signer, self._targets, now=int(now), cadence=Cadence())
            self._failed = False
        except (AuditError, StoreError) as error:
            self._failed = True
            _log.error("checkpoint-failed %s", error)

    async def watch(self, database: Callable[[], Database], clock: Callable[[], float]) -> None:
        """Look again and again, beside the pages."""
        if self.warning:
            _log.warning("checkpoints %s", self.warning)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await asyncio.to_thread(self.keep_due, await asyncio.to_thread(database), clock())
            except StoreError as error:
                _log.warning("checkpoint-waits %s", error)


def signer_of(folder: Path, name: str) -> Signer | None:
    """The key in a folder, made there if there is none; ``None``, and a word in the log, where that fails."""
    try:
        if not (folder / signing.PRIVATE_FILE).exists():
            signing.create(folder, name)
            _log.warning("audit-key-made auditor and DPO get %s", folder / signing.PUBLIC_FILE)
        return signing.load(folder)
    except AuditError as error:
        _log.warning("audit-key-missing %s", error)
        return None
