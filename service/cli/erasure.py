"""Erasing a reader from every store of a site, and telling of each what is gone and what goes by when."""

import shutil
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from alerts_api.rights.cases import Right, newest_received
from alerts_api.rights.erasure import erase_accounts, erase_identities, erase_traces, rows_left, waits
from alerts_api.rights.subject_request import SubjectRequest
from alerts_api.storage.database import Database
from service.base.locks import try_lock
from service.cli.copy_retention import COPIES
from service.cli.reader_prompt import notify_stream
from service.config.settings import SiteFolder
from service.records.commands import CommandKind

PATIENCE = 60.0  # s that a running process gets to take an erasure
LOOK_AGAIN = 0.2


class ErasureStatus(NamedTuple):
    """What is left of a reader."""

    lines: tuple[str, ...]  # one for each store
    left: bool  # something that should be gone


def erase_everywhere(site: SiteFolder, asked: SubjectRequest, database: Database) -> None:
    """Have the stream forget, wait until it did, and clear what is left on the disk."""
    for folder in _copies(site, asked):
        shutil.rmtree(folder)
    notify_stream(site, asked, CommandKind.FORGET)
    with try_lock(site.lock, "rights erase") as free:
        if free and site.settings.kafka is None:
            with database.writing() as connection:
                erase_traces(connection, asked.accounts)
                erase_identities(connection, asked.accounts)
                erase_accounts(connection, asked.accounts)
    until = time.monotonic() + PATIENCE
    while _waiting(site, asked, database) and time.monotonic() < until:
        time.sleep(LOOK_AGAIN)
    database.compact()


def find_left(site: SiteFolder, asked: SubjectRequest, database: Database, now: float) -> ErasureStatus:
    """Looks into every store that can be seen from here."""
    with database.reading() as connection:
        found = [rows_left(connection, account) for account in asked.accounts]
        asked_at = newest_received(connection, Right.ERASE, asked.reference) or now
    tables = sorted({table for each in found for table in each})
    learnt = site.settings.kafka is not None and _is_learnt(site, asked)
    copies = _copies(site, asked)
    lines = [
        f"database: still in {', '.join(tables)}" if tables else "database: nothing left",
        f"copies in {site.folder / COPIES}: {'still there' if copies else 'nothing left'}",
        *(["workers' states: still there"] if learnt else []),
        *_elsewhere(site, asked_at),
        "audit log: its entries stay, and no longer tell whom they were about",
        "not ours: EZproxy's own logs, backups, and files that `replay --alerts` or `audit export` wrote",
    ]
    return ErasureStatus(tuple(lines), bool(tables or copies or learnt))


def _is_learnt(site: SiteFolder, asked: SubjectRequest) -> bool:
    # Only where there is Kafka.
    from service.distributed.sink.lookup import saved_state  # noqa: PLC0415

    return any(saved_state(site, account)[0] is not None for account in asked.accounts)


def _elsewhere(site: SiteFolder, since: float) -> Iterator[str]:
    """What goes by itself, where there is Kafka."""
    if site.settings.kafka is None:
        return
    # Only where there is Kafka.
    from service.distributed.protocol.topics import ACCESS_DAYS, COMPACTED_DAYS, KEPT_DAYS  # noqa: PLC0415

    kept = max(KEPT_DAYS, site.settings.retention.events)
    yield f"Kafka, states and workers' copies of them: gone by {_day(since, COMPACTED_DAYS)}"
    yield f"Kafka, events, sealed names and moved states: gone by {_day(since, ACCESS_DAYS)}"
    yield f"Kafka, alerts, verdicts and kept events: gone by {_day(since, kept)}"


def _day(since: float, days: int) -> str:
    """Kafka forgets whole segments, which grow for a day."""
    return datetime.fromtimestamp(since + 86400 * (days + 1), UTC).strftime("%d %b %Y")


def _waiting(site: SiteFolder, asked: SubjectRequest, database: Database) -> bool:
    """Whether the stream has something of it still before it. With Kafka alerts and events come apart."""
    with database.reading() as connection:
        if site.settings.kafka is None:
            return waits(connection, asked.accounts)
        return any(rows_left(connection, account) for account in asked.accounts)


def _copies(site: SiteFolder, asked: SubjectRequest) -> list[Path]:
    """Folders of copies that name the reader's account."""
    folders = sorted((site.folder / COPIES).glob("*/"))
    return [folder for folder in folders if any(_names(path, asked.accounts) for path in folder.iterdir())]


def _names(path: Path, accounts: Sequence[str]) -> bool:
    content = path.read_bytes()
    return any(account.encode() in content for account in accounts)
