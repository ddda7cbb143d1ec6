"""``demo``: everything on one machine, over a library that does not exist."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from threading import Event
from urllib.request import urlopen

import click

from alerts_api.reveal.notices import Notices
from alerts_api.reveal.release_service import ReleaseService
from alerts_api.signin.actors import Actor, Role
from alerts_api.storage.database import open_database
from pseudonymiser import holders
from pseudonymiser.holder_key import HolderKey
from pseudonymiser.wrapping import Cost, write_wrapped
from service.base.errors import PagesError
from service.base.logs import start_logging
from service.base.progress import progress
from service.cli.demo_site import ACCOUNTS, DAYS, THEFT_SECONDS, Demo, LiveLog, prepare
from service.cli.init import make_site
from service.cli.options import FOLDER, database_of, read_site, setting_option
from service.cli.run import Attendant, follow_site, serving
from service.cli.signals import stop_on_signals
from service.config.settings import SiteFolder
from service.records.identities import Mode
from service.runtime.runner import Runner

FEWEST_ALERTS = 5
PAGES_SECONDS = 30.0
PASSPHRASE = "nobody here is real"  # noqa: S105 - shown to everyone
CHEAP = Cost(kib=8_192, iterations=1, lanes=1)  # opens at once; protects nothing but the demonstration


@click.command()
@click.option("--once", is_flag=True, help="History only: fetch the pages, print the number of alerts, end.")
@setting_option("host", "--host", preset=True)
@setting_option("port", "--port", preset=True)
@click.option("--site", "folder", type=FOLDER, help="Keep the site in this new folder.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Another library.")
def demo(once: bool, host: str, port: int, folder: Path | None, seed: int) -> None:
    """Simulate a library, find the stolen accounts in it, and show them, with more to come.

    Four weeks of history end now; then the log goes on live, and every half minute an account is emptied.
    Nobody in it exists. Without --site everything is removed at the end.

    \b
    Example:
      journalguard demo --port 8321
    """
    start_logging()
    stop = stop_on_signals()
    with _home(folder) as home:
        click.echo(f"{DAYS} days of a library of {ACCOUNTS} readers are made, read and scored.", err=True)
        with progress("simulating") as shown:
            made = prepare(home / "library", seed, int(time.time()), shown)
        make_site(home, made.settings)
        key = seat_holder(home)
        site = read_site(home)
        train_holder(site)
        attend = _once(site, made, host, port, stop) if once else _live(site, made, host, port, key)
        follow_site(site, stop, attend, "demo")


def _once(site: SiteFolder, made: Demo, host: str, port: int, stop: Event) -> Attendant:
    """Ends when the history is read and the pages show it."""

    @contextmanager
    def attend(runner: Runner) -> Iterator[Callable[[], None]]:
        with progress("reading") as shown, serving(site, host, port, demo=True) as (check, address):

            def poll() -> None:
                check()
                if _read_all(runner, made, shown.at):
                    stop.set()

            yield poll
            shown.done()
            click.echo(f"{look(address)} alerts with reasons at {address}")

    return attend


def _live(site: SiteFolder, made: Demo, host: str, port: int, key: Path) -> Attendant:
    """Shows the pages once the history is read, then lets the library go on."""

    @contextmanager
    def attend(runner: Runner) -> Iterator[Callable[[], None]]:
        with progress("reading") as shown, serving(site, host, port, demo=True) as (check, address):
            live: list[LiveLog] = []

            def poll() -> None:
                check()
                if live:
                    live[0].write(time.time())
                elif _read_all(runner, made, shown.at):
                    shown.done()
                    live.append(LiveLog(made, time.time()))
                    click.echo(_welcome(address, key))

            yield poll

    return attend


def _read_all(runner: Runner, made: Demo, show: Callable[[float, str], None]) -> bool:
    lines = runner.counters["lines_total"]
    show(lines / made.lines, f"{lines:,} lines")
    return lines >= made.lines


def seat_holder(home: Path) -> Path:
    """A key-holder of the demonstration; where the private key lies, under :data:`PASSPHRASE`."""
    key, path = HolderKey.new("demo-desk"), home / "demo-desk.key"
    holders.add_holder(home / "keyholders", key.holder, Mode.ONE)
    write_wrapped(path, key.wrapped(PASSPHRASE, CHEAP))
    return path


def train_holder(site: SiteFolder) -> None:
    """The demonstration's key-holder may ask for names for a year."""
    dpo = Actor("demo-dpo", "Dpo", frozenset({Role.DPO}), "demo")
    with closing(open_database(database_of(site), create=True, durable=True)) as database:
        notices = Notices(site.settings.reveal, site.folder)
        desk = ReleaseService(database.writing, site.settings.reveal, notices.released, time.time)
        desk.train(dpo, f"demo-{Role.KEY_HOLDER}", time.time() + 365 * 86_400)


def _welcome(address: str, key: Path) -> str:
    return (
        f"\nLook at {address}\n"
        "  The alerts of four weeks are in the queue. Open one: it says why.\n"
        f"  Every {THEFT_SECONDS:.0f} seconds another account is stolen; the queue soon shows it.\n"
        "  To see a reader named: judge an alert as analyst, then look as key holder and ask who it is.\n"
        f"    Key file:   {key.absolute()}\n"
        f"    Passphrase: {PASSPHRASE}\n"
        "  Ctrl-C ends it.\n"
    )


def look(address: str) -> int:
    """Fetches the queue and an alert, as pages and as JSON; returns how many alerts there are.

    Raises ``PagesError`` where there are too few, or a page does not show what it should.
    """
    queue = json.loads(_fetch(f"{address}api/v1/alerts"))
    if queue["total"] < FEWEST_ALERTS:
        raise PagesError(f"{address}: shows {queue['total']} alerts; at least {FEWEST_ALERTS} are due")
    first = queue["alerts"][0]["alert_id"]
    for path in (f"api/v1/alerts/{first}", "", f"alerts/{first}"):
        if first.encode() not in _fetch(address + path):
            raise PagesError(f"{address}{path}: does not show alert {first}")
    return int(queue["total"])


def _fetch(address: str) -> bytes:
    """The answer's body; waits for the pages' process to come up."""
    until = time.monotonic() + PAGES_SECONDS
    while True:
        try:
            with urlopen(address, timeout=PAGES_SECONDS) as answer:  # noqa: S310 - our own http address
                return bytes(answer.read())
        except OSError as error:
            if time.monotonic() > until:
                raise PagesError(f"{address}: {error}; see the messages above") from None
            time.sleep(0.2)


@contextmanager
def _home(folder: Path | None) -> Iterator[Path]:
    """The folder to work in; a temporary one is removed at the end."""
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield folder
        return
    temporary = Path(mkdtemp(prefix="journalguard-demo-"))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
