"""``run``: the process that reads and scores, and looks after the one that shows."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from alerts_api.rights.command_poller import CommandPoller
from alerts_api.storage.database import open_database
from alerts_api.storage.errors import StoreBusyError, StoreFullError, StoreUnreachableError
from alerts_api.stream.store import SqlStore, open_store
from pseudonymiser.tail import Tail
from service.base.gc_tuning import relax_garbage_collection
from service.base.locks import exclusive_lock
from service.base.logs import start_logging
from service.cli.assembly import build, site_geo, site_vault, told_of
from service.cli.copy_retention import drop_old_copies
from service.cli.key_acts import note_start
from service.cli.measuring import measured
from service.cli.monthly_report import MonthlyReport
from service.cli.options import (
    OVERRIDES,
    database_of,
    log_json_option,
    read_site,
    setting_option,
    site_option,
)
from service.cli.pages_process import PagesProcess, listen, pages_arguments, url
from service.cli.sign_in_check import check_entrance
from service.cli.signals import stop_on_signals
from service.cli.terminal import keep_no_core
from service.config.settings import SiteFolder
from service.runtime.merge import Merge
from service.runtime.runner import FollowLoop, FollowSettings, Runner

if TYPE_CHECKING:
    from service.pipeline.site_pipeline import Pipeline

BUSY_SECONDS = 5.0
VERDICTS = 1_000  # taken in at once
ORDERS_SECONDS = 1.0  # between looks for readers' rights
RETRY_ON = (StoreBusyError, StoreFullError, StoreUnreachableError)

_log = logging.getLogger("journalguard.run")


@click.command()
@site_option
@setting_option("host", "--host", words=OVERRIDES)
@setting_option("port", "--port", words=OVERRIDES)
@log_json_option
def run(folder: Path, host: str | None, port: int | None, log_json: bool) -> None:
    """Follow the site's logs, score, and serve the pages.

    Goes on where it was ended, also by a crash: nothing is lost or counted twice. Ctrl-C or SIGTERM ends it.
    The pages are a second process, which never opens the keys.

    \b
    Example:
      journalguard run --site /srv/journalguard --port 8321
    """
    keep_no_core()
    start_logging(as_json=log_json, site=str(folder))
    site = read_site(folder)
    stop = stop_on_signals()
    follow_site(site, stop, serve_at(site, host, port, log_json=log_json))
    _log.info("ended: everything read is saved")


# What goes on beside the reading: the pages' process, or a demonstration. Gives what is called at every poll.
Attendant = Callable[[Runner], AbstractContextManager[Callable[[], None]]]


def follow_site(site: SiteFolder, stop: Event, attend: Attendant, command: str = "run") -> None:
    """Follow a site's logs until ``stop``, holding its lock for ``command``; poll what ``attend`` gives."""
    settings = site.settings
    place, retention = database_of(site), settings.retention
    drop_old_copies(site, time.time())
    with (
        exclusive_lock(site.lock, command),
        closing(open_store(place, busy_seconds=BUSY_SECONDS, retention=retention)) as store,
    ):
        vault = site_vault(site)
        if vault is not None:
            vault.remember(store.sealed_for(vault.ring))
        geo = site_geo(site)
        store.note_databases(told_of(geo.editions, time.time()))
        runner, pipeline, clock = build(site, geo, vault=vault)
        note_start(site)
        saved = store.load()
        logs = _absolute(site, settings.logs), _absolute(site, settings.audit_logs)
        tail = Tail(*logs, saved.positions)
        runner.restore(saved)
        relax_garbage_collection()
        with (
            attend(runner) as poll,
            closing(_poller(site)) as poller,
            measured(store, settings, pipeline.policy.hash, logs, saved.positions, geo) as (timed, metrics),
        ):
            FollowLoop(
                runner,
                tail,
                Merge(clock),
                timed,
                pace=FollowSettings(settings.checkpoint_lines, settings.checkpoint_seconds, retention.events),
                positions=saved.positions,
                retry_on=RETRY_ON,
                poll=_with_verdicts(store, pipeline, _with_commands(poller, runner, poll)),
                decided=metrics.delays.decided,
            ).run(stop)


def _poller(site: SiteFolder) -> CommandPoller:
    return CommandPoller(open_database(database_of(site), create=False, busy_seconds=BUSY_SECONDS), time.time)


def _with_verdicts(store: SqlStore, pipeline: "Pipeline", poll: Callable[[], None]) -> Callable[[], None]:
    """Also asks what analysts have said."""

    def polled() -> None:
        poll()
        with suppress(*RETRY_ON):  # asked again at the next poll
            pipeline.enqueue_verdicts(store.verdicts(pipeline.newest_verdict, VERDICTS))

    return polled


def _with_commands(poller: CommandPoller, runner: Runner, poll: Callable[[], None]) -> Callable[[], None]:
    """Also asks for commands now and then, and before the first line."""
    asked_at = -ORDERS_SECONDS

    def polled() -> None:
        nonlocal asked_at
        poll()
        if time.monotonic() - asked_at < ORDERS_SECONDS:
            return
        asked_at = time.monotonic()
        try:
            commands = poller.poll()
        except RETRY_ON as error:
            _log.warning("orders-wait %s; asked again", error)
            return
        if commands:
            runner.apply(commands)

    return polled


def serve_at(
    site: SiteFolder, host: str | None = None, port: int | None = None, *, log_json: bool = False
) -> Attendant:
    """Serves the pages beside the reading and prints their address."""

    @contextmanager
    def attend(_: Runner) -> Iterator[Callable[[], None]]:
        monthly = MonthlyReport(site)
        with serving(site, host, port, log_json=log_json) as (check, address):
            click.echo(f"journalguard is at {address}")

            def poll() -> None:
                check()
                monthly.check()

            try:
                yield poll
            finally:
                monthly.stop()

    return attend


@contextmanager
def serving(
    site: SiteFolder, host: str | None, port: int | None, *, demo: bool = False, log_json: bool = False
) -> Iterator[tuple[Callable[[], None], str]]:
    """The pages' process for the time of the block: what looks after it, and its address."""
    settings = site.settings
    host = host or settings.host
    if not demo:
        check_entrance(host, database_of(site), create=True, provided=settings.signin is not None)
    with closing(listen(host, settings.port if port is None else port)) as listening:
        arguments = pages_arguments(site, host, demo=demo, log_json=log_json)
        process = PagesProcess(arguments, listening)
        try:
            yield process.check, url(listening)
        finally:
            process.stop()


def _absolute(site: SiteFolder, logs: Sequence[str]) -> list[str]:
    return [str(site.folder / log) for log in logs]
