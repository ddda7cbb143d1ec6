"""Where a site's checkpoints of the audit log go, and the key that signs them."""

import socket
from pathlib import Path

from alerts_api.audit.keeping import CheckpointKeeper, signer_of
from alerts_api.audit.mails import Mail
from alerts_api.audit.publishing import CheckpointTargets
from service.config.settings import SiteFolder

KEY_FOLDER = "audit"  # of the site
KEPT_FOLDER = "checkpoints"  # of the site, while nothing else is named


def checkpoint_keeper(site: SiteFolder) -> CheckpointKeeper:
    """What signs this site's log; its key is made where there is none."""
    reveal, elsewhere = site.settings.reveal, site.path(site.settings.checkpoints)
    mail = Mail(site.folder / reveal.outgoing, reveal.sender, reveal.dpo) if reveal.outgoing else None
    signer = signer_of(site.folder / KEY_FOLDER, f"{_host(site)}/audit")
    kept = elsewhere or _own_folder(site)
    leaves = elsewhere is not None or mail is not None
    return CheckpointKeeper(signer, CheckpointTargets(kept, mail), leaves=leaves)


def _host(site: SiteFolder) -> str:
    """The log's name is like an address: that of the pages, if they have one."""
    return next(iter(site.settings.names), socket.gethostname().lower() or "journalguard")


def _own_folder(site: SiteFolder) -> Path | None:
    folder = site.folder / KEPT_FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None  # of a service that may not write there: its mails, and the page, are left
    return folder
