"""``run``: the process that reads and scores, and looks after the one that shows."""

import fcntl
import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from threading import Event

import click

from alerts_api.errors import StoreBusyError, StoreFullError, StoreUnreachableError
from alerts_api.store import open_store
from pseudonymiser.tail import Tail
from service.cli.assembly import build, site_geo, site_vault
from service.cli.options import database_of, read_site, site_option, start_logging
from service.cli.serving import PagesProcess, listen, pages_arguments, url
from service.embedded import Follow, Pace, Runner
from service.errors import SiteError
from service.memory import spare_collector
from service.merge import Merge
from service.settings import Site

BUSY_SECONDS = 5.0
RETRY_ON = (StoreBusyError, StoreFullError, StoreUnreachableError)

_log = logging.getLogger("journalguard.run")


@click.command()
@site_option
@click.option("--host", help="Address to serve the pages at; by default the site's setting.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 picks a free one.")
def run(folder: Path, host: str | None, port: int | None) -> None:
    """Follow the site's logs, score, and serve the pages.

    Goes on where it was ended, also by a crash: nothing is lost or counted twice. Ctrl-C or SIGTERM ends it.
    The pages are a second process, which never opens the keys.

    \b
    Example:
      journalguard run --site /srv/journalguard --port 8321
    """
    start_logging()
    site = read_site(folder)
    stop = stop_on_signals()
    follow_site(site, stop, serve_at(site, host, port))
    _log.info("ended: everything read is saved")


# What goes on beside the reading: the pages' process, or a demonstration. Gives what is called at every poll.
Attendant = Callable[[Runner], AbstractContextManager[Callable[[], None]]]


def follow_site(site: Site, stop: Event, attend: Attendant) -> None:
    """Follows a site's logs until ``stop``; what ``attend`` gives is called at every poll."""
    settings = site.settings
    with _lock(site), closing(open_store(database_of(site), busy_seconds=BUSY_SECONDS)) as store:
        vault = site_vault(site)
        if vault is not None:
            vault.remember(store.sealed_for(vault.ring))
        runner, clock = build(site, site_geo(site), vault=vault)
        saved = store.load()
        tail = Tail(_absolute(site, settings.logs), _absolute(site, settings.audit_logs), saved.positions)
        runner.restore(saved)
        spare_collector()
        with attend(runner) as poll:
            Follow(
                runner,
                tail,
                Merge(clock),
                store,
                pace=Pace(settings.checkpoint_lines, settings.checkpoint_seconds, settings.retention_days),
                positions=saved.positions,
                retry_on=RETRY_ON,
                poll=poll,
            ).run(stop)


def serve_at(site: Site, host: str | None = None, port: int | None = None) -> Attendant:
    """Serves the pages beside the reading and prints their address."""

    @contextmanager
    def attend(_: Runner) -> Iterator[Callable[[], None]]:
        with serving(site, host, port) as (check, address):
            click.echo(f"journalguard is at {address}")
            yield check

    return attend


@contextmanager
def serving(
    site: Site, host: str | None, port: int | None, *, demo: bool = False
) -> Iterator[tuple[Callable[[], None], str]]:
    """The pages' process for the time of the block: what looks after it, and its address."""
    settings = site.settings
    host = host or settings.host
    with closing(listen(host, settings.port if port is None else port)) as listening:
        arguments = pages_arguments(site, host, demo=demo)
        process = PagesProcess(arguments, listening)
        try:
            yield process.check, url(listening)
        finally:
            process.stop()


def stop_on_signals() -> Event:
    """Set by SIGTERM and SIGINT from now on."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def _lock(site: Site) -> Iterator[None]:
    """Held by the only ``run`` of a site; let go however the process ends."""
    with site.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise SiteError(
                f"{site.folder}: another `journalguard run` (process {owner}) is at work here; end it first"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _absolute(site: Site, logs: Sequence[str]) -> list[str]:
    return [str(site.folder / log) for log in logs]
