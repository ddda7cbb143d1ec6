"""The copy of what is held of a reader, as JSON for programs and HTML to read and print."""

import shutil
from pathlib import Path

import msgspec

from alerts_api.audit.reading import AuditEntry
from alerts_api.rights.holdings import HeldAlert, Holdings
from alerts_api.rights.subject_request import SubjectRequest
from alerts_api.web.rendering import page
from service.base.files import write_new
from service.cli.copy_retention import COPIES
from service.config.settings import SiteFolder
from service.privacy.subject_copy import SubjectCopy, build_subject_copy
from service.records.checkpoints import Trace

JSON, HTML = "copy.json", "copy.html"


class Held(msgspec.Struct, frozen=True):
    """What is held under one pseudonym."""

    account: str
    learnt: SubjectCopy | None
    alerts: tuple[HeldAlert, ...]
    events: tuple[Trace, ...]
    identity_sealed: bool
    restricted_since: float
    acts: tuple[AuditEntry, ...]


class Copy(msgspec.Struct, frozen=True):
    """What the reader gets."""

    case: str
    made_at: float  # s UTC
    held: tuple[Held, ...]


def write_copy(site: SiteFolder, asked: SubjectRequest, found: list[Holdings], now: float) -> Path:
    """Into a folder of its own, which nobody else can read. An earlier copy of the case is replaced."""
    copy = Copy(asked.reference, now, tuple(_held(each) for each in found))
    folder = site.folder / COPIES / asked.reference.replace("/", "_").lstrip(".")
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    write_new(folder / JSON, msgspec.json.format(msgspec.json.encode(copy)))
    settings = site.settings.retention
    html = page("copy.html", copy=copy, retention=settings, kinds=_kinds(copy))
    write_new(folder / HTML, html.encode())
    return folder


def with_state(site: SiteFolder, found: Holdings) -> Holdings:
    """Where there is Kafka the workers have the state, not the database."""
    if site.settings.kafka is None:
        return found
    # Only where there is Kafka.
    from service.distributed.sink.lookup import saved_state  # noqa: PLC0415

    state, names = saved_state(site, found.account)
    return msgspec.structs.replace(found, state=state, names=names)


def _held(found: Holdings) -> Held:
    learnt = build_subject_copy(found.state, found.names) if found.state is not None else None
    return Held(
        found.account,
        learnt,
        found.alerts,
        found.events,
        found.identity_sealed,
        found.restricted_since,
        found.acts,
    )


def _kinds(copy: Copy) -> int:
    """How many pseudonyms have anything."""
    return sum(bool(held.learnt or held.alerts or held.events or held.identity_sealed) for held in copy.held)
