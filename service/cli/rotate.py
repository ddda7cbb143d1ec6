"""``rotate``: new keys for the pseudonyms, by the calendar or after a leak."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from alerts_api.audit.leaves import ActKind
from alerts_api.stream.outbox import SENT
from alerts_api.stream.store import open_store
from pseudonymiser import epochs, keys
from pseudonymiser.keys import Keys, SubKey
from service.base.errors import SiteError
from service.base.locks import SHIP_LOCK, exclusive_lock
from service.cli.key_acts import note_act
from service.cli.options import database_of, read_site, site_option
from service.cli.terminal import keep_no_core
from service.config.settings import SiteFolder
from service.distributed.protocol.wire import STATUS
from service.runtime.runner import INGEST

FORGET = "forget everything"


@click.command()
@site_option
@click.option("--emergency", is_flag=True, help="The keys have leaked: everything anew, nothing is linked.")
@click.option("--end", is_flag=True, help="Drop the former key of the last rotation before its time.")
@click.option("--dry-run", is_flag=True, help="Check and tell everything, change nothing.")
def rotate(folder: Path, emergency: bool, end: bool, dry_run: bool) -> None:
    """Give all readers new pseudonyms; once a year, say on 1 August.

    For 28 days each account keeps what was learnt of it as it is seen again; then the former key is dropped,
    and old tables cannot be joined to names any more. End `run` or `ship` first and start it again after.
    Where several hosts ship, rotate on one and copy its keys to the others. Backups of the keys folder hold
    the former key too: delete them when it is dropped.

    --emergency is for keys that somebody else may have: names could be tested against everything kept.

    \b
    Example:
      journalguard rotate --site /srv/journalguard --dry-run
      journalguard rotate --site /srv/journalguard
    """
    if emergency and end:
        raise click.UsageError("--emergency drops every key; leave --end away")
    keep_no_core()
    site = read_site(folder)
    with _stopped(site, dry_run=dry_run):
        present, now = keys.load(site.keys), int(time.time())
        if end:
            young = _ended(present, now)
        elif emergency:
            young = _renewed(present)
        else:
            young = _rotated(present, now)
        if dry_run:
            click.echo("Dry run: nothing was changed.")
            return
        _confirm(present, now, emergency=emergency, end=end)
        if emergency and (site.settings.database_url or site.database.exists()):
            with closing(open_store(database_of(site), create=False)) as store:
                store.forget_learnt(keep={INGEST, STATUS, SENT})
        keys.replace(site.keys, young)
        kind = "emergency" if emergency else "former-key-dropped" if end else "rotated"
        note_act(site, ActKind.EPOCH_ROTATED, outcome=kind, note=f"epoch {present.epoch} to {young.epoch}")
    click.echo(f"{site.keys}: done; start `journalguard run` or `ship` again")


def _rotated(present: Keys, now: int) -> Keys:
    young = epochs.rotated(present, now)
    click.echo(
        f"Readers' pseudonyms change from u{present.epoch}_… to u{young.epoch}_…; addresses and documents "
        f"keep theirs. Accounts seen until {_day(young.former)} keep what was learnt of them, others are "
        "forgotten. After that day the former key is dropped at the next start, or by "
        "`journalguard rotate --end`."
    )
    return young


def _renewed(present: Keys) -> Keys:
    young = epochs.renewed(present)
    click.echo(
        f"WARNING: every pseudonym changes, from epoch {present.epoch} to {young.epoch}, and nothing links "
        "old to new. All that was learnt of accounts is forgotten: until they have a history again, alerts "
        "rest on what readers in general do. Alerts keep their old pseudonyms, the events behind them are "
        "deleted. What was kept under the leaked keys can be joined to names by whoever has them: delete old "
        "backups, exports and topics, and tell the data protection officer."
    )
    return young


def _ended(present: Keys, now: int) -> Keys:
    if present.former is None:
        raise SiteError("there is no former key: no rotation is under way")
    early = now < present.former.until
    click.echo(
        f"The former key, of epoch {present.former.epoch}, is dropped"
        + (
            f" before {_day(present.former)}: accounts not seen since the rotation are forgotten."
            if early
            else "."
        )
    )
    return present.settled()


def _confirm(present: Keys, now: int, *, emergency: bool, end: bool) -> None:
    if emergency:
        if click.prompt(f'To go on, type "{FORGET}"') != FORGET:
            raise click.Abort
    elif not end or (present.former is not None and now < present.former.until):
        click.confirm("Go on?", abort=True)


def _day(former: SubKey | None) -> str:
    return datetime.fromtimestamp(former.until, UTC).strftime("%d %b %Y") if former else ""


@contextmanager
def _stopped(site: SiteFolder, *, dry_run: bool) -> Iterator[None]:
    """Hold the site's locks, so that no `run` or `ship` works with the keys that go."""
    locks = [site.lock, *([site.folder / SHIP_LOCK] if site.settings.kafka else [])]
    with ExitStack() as held:
        for lock in locks:
            if lock.exists() or not dry_run:
                held.enter_context(exclusive_lock(lock, "rotate"))
        yield
