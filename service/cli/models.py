"""``models``: the versions of what was learnt: look at them, promote one, roll back."""

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from alerts_api.storage.database import open_database
from alerts_api.stream.store import open_store, write_shared
from service.base.errors import SiteError
from service.base.locks import exclusive_lock
from service.cli.options import database_of, read_site, site_option
from service.config.settings import SiteFolder
from service.distributed.shipper.command_spool import CommandSpool
from service.learning.feedback import PendingCommands
from service.learning.model_versions import Version, read_versions
from service.learning.site_blobs import SiteSnapshot
from service.learning.site_model import MODEL
from service.pipeline.site_pipeline import VERDICTS
from service.records.commands import Command, CommandKind


@click.group()
def models() -> None:
    """Versions of the learnt models: one is kept every week, twelve weeks long.

    An alert names the models that raised it: ensemble-2/20784 had learnt the days up to 20784 (days since
    1970), ensemble-2/20791/20777 went on from version 20777.

    \b
    Example:
      journalguard models list --site /srv/journalguard
      journalguard models promote 20777 --site /srv/journalguard
      journalguard models rollback --site /srv/journalguard
    """


@models.command("list", short_help="What is kept, and what is in force.")
@site_option
def show(folder: Path) -> None:
    """List the versions that are kept, the oldest first, and which models are in force."""
    site = read_site(folder)
    shared = _shared(site)
    for version in read_versions(shared).values():
        branch = f", on top of version {version.branch}" if version.branch else ""
        click.echo(
            f"{version.day}  learnt {_date(version.since)} to {_date(version.day)}{branch}; "
            f"policy {version.policy}"
        )
    force = _in_force(shared)
    branch = f"/{force.branch}" if force.branch else ""
    click.echo(f"In force: {MODEL}/{force.day}{branch}, learnt up to {_date(force.day)}")
    if waiting := _waiting(site, shared):
        click.echo(f"Version {waiting} is promoted at the next close of a day.")


@models.command(short_help="Go on from a version that is kept.")
@click.argument("version", type=int)
@site_option
def promote(version: int, folder: Path) -> None:
    """Put VERSION, one of `models list`, in force again: at the next close of a day the site goes on from it.

    What was learnt since is dropped; the days to come are learnt on top. Without Kafka end `run` first and
    start it again after; workers over Kafka are told through the shipper's host, where this is run.
    """
    _promote(read_site(folder), version, "models promote")


@models.command(short_help="Go back to the newest version that is kept.")
@site_option
def rollback(folder: Path) -> None:
    """Drop what was learnt since the newest version: the same as promoting it."""
    site = read_site(folder)
    shared = _shared(site)
    newest = _in_force(shared).day
    older = [day for day in read_versions(shared) if day < newest]
    if not older:
        raise SiteError(f"{site.folder}: no version is older than the models in force")
    _promote(site, older[-1], "models rollback")


def _promote(site: SiteFolder, day: int, command: str) -> None:
    if site.settings.kafka is None:
        with (
            exclusive_lock(site.lock, command),
            closing(open_database(database_of(site), create=False)) as database,
        ):
            shared = _shared(site)
            _check(site, shared, day)
            blob = msgspec.json.encode(_pending(shared).with_promotion(day))
            with database.writing() as connection:
                write_shared(connection, {VERDICTS: blob})
    else:
        _check(site, _shared(site), day)
        CommandSpool(site.folder).put(Command(CommandKind.PROMOTE, model=day))
    click.echo(f"Version {day} is promoted at the next close of a day.")


def _check(site: SiteFolder, shared: Mapping[str, bytes], day: int) -> None:
    versions: Mapping[int, Version] = read_versions(shared)
    if day not in versions:
        there = ", ".join(map(str, versions)) or "none"
        raise SiteError(f"{site.folder}: version {day} is not kept; there are {there}")


def _shared(site: SiteFolder) -> Mapping[str, bytes]:
    """What the site knows, as it was saved last."""
    if site.settings.kafka is not None:
        # Kafka's clients, only where they are needed.
        from service.distributed.sink.lookup import saved_site  # noqa: PLC0415

        return saved_site(site)
    with closing(open_store(database_of(site), create=False)) as store:
        return store.load().shared


def _pending(shared: Mapping[str, bytes]) -> PendingCommands:
    return msgspec.json.decode(shared.get(VERDICTS, b"{}"), type=PendingCommands)


def _in_force(shared: Mapping[str, bytes]) -> SiteSnapshot:
    if "site" not in shared:
        raise SiteError("the site has not learnt a day yet")
    return msgspec.msgpack.decode(shared["site"], type=SiteSnapshot)


def _waiting(site: SiteFolder, shared: Mapping[str, bytes]) -> int:
    """The version that will be promoted, 0 for none."""
    if site.settings.kafka is None:
        return _pending(shared).promoted
    return max((order.model for order in CommandSpool(site.folder).waiting()), default=0)


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
