"""``pages``: the process that shows. It imports nothing of the ingest room and opens no keys."""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import click
import uvicorn

from alerts_api.audit.keeping import CheckpointKeeper
from alerts_api.storage.backend import DatabaseLocation, is_url
from alerts_api.web.app import create_app
from alerts_api.web.evaluation_pages import EvaluationPlace
from service.base.errors import AddressError
from service.base.logs import start_logging
from service.cli.checkpointing import checkpoint_keeper
from service.cli.http_timeouts import TimeoutProtocol, watched
from service.cli.options import (
    AGAIN,
    EXISTING_FILE,
    EXISTING_FOLDER,
    FOLDER,
    OVERRIDES,
    database_of,
    log_json_option,
    read_site,
    setting_option,
)
from service.cli.pages_process import STOP_SECONDS, listen, url
from service.cli.sign_in_check import check_entrance, is_local
from service.config.description import settings_by_key
from service.config.settings import LOOPBACK, Settings, SiteFolder
from service.config.tables import RevealSettings
from service.policy.loading import load_policy
from service.policy.model import Policy
from service.runtime.telemetry import serve

if TYPE_CHECKING:
    from alerts_api.signin.provider import Provider

_log = logging.getLogger("journalguard.pages")

_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - recognised, not chosen
CONNECTIONS = 200  # at once; more are told to come later
_HOST, _PORT = (settings_by_key()[key].default for key in ("host", "port"))


class _Database(click.ParamType):
    """A file that is there, or a URL."""

    name = "file or URL"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> DatabaseLocation:
        if is_url(value):
            return value
        EXISTING_FILE.convert(value, param, ctx)
        return Path(value).absolute()


class _Address(NamedTuple):
    """Where the pages are served: host and port, or a listening socket that was handed over."""

    host: str
    port: int
    names: Sequence[str]  # further ones of the host
    descriptor: int | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        own = (socket.gethostname(),) if self.host in _WILDCARDS else (self.host,)
        return (*LOOPBACK, *own, *self.names)


@click.command()
@click.option("--site", "folder", type=FOLDER, help="Folder made by `journalguard init`.")
@click.option("--database", type=_Database(), help="Instead of a site: SITE/journalguard.db, or a URL.")
@setting_option("host", "--host", words=f"{OVERRIDES} Without a site {_HOST}.")
@setting_option("port", "--port", words=f"{OVERRIDES} Without a site {_PORT}.")
@setting_option("host_names", "--host-name", "names", multiple=True, words=AGAIN)
@click.option("--settings", "settings_of", type=EXISTING_FOLDER, hidden=True)  # a site's, for its `run`
@click.option("--demo", is_flag=True, hidden=True)
@click.option("--socket", "descriptor", type=int, hidden=True)
@log_json_option
def pages(
    folder: Path | None,
    database: DatabaseLocation | None,
    host: str | None,
    port: int | None,
    names: tuple[str, ...],
    settings_of: Path | None,
    demo: bool,
    descriptor: int | None,
    log_json: bool,
) -> None:
    """Serve the pages of a site, or of a database alone. Needs no keys; `run` starts one of these itself.

    Where the site's settings have [kafka], alerts are read from there into the database, and verdicts are
    sent to the workers. Goes on where it was ended, also by a crash.

    \b
    Example:
      journalguard pages --site /srv/journalguard
      journalguard pages --database /srv/journalguard/journalguard.db --port 8080
    """
    if (folder is None) == (database is None):
        raise click.UsageError("give either --site or --database")
    start_logging(as_json=log_json, site=str(folder or settings_of or ""))
    if folder is not None:
        _serve_site(folder, host, port, names)
    elif database is not None:
        _check_driver(database)
        address = _Address(host or _HOST, _PORT if port is None else port, names, descriptor)
        parts: _AppParts = {} if settings_of is None else _parts_of(read_site(settings_of))
        provided = demo or parts.get("provider") is not None
        check_entrance(address.host, database, create=False, provided=provided)
        local = is_local(address.host) and not names and not parts.get("trusted_proxies")
        _serve(create_app(database, demo=demo, local=local, hosts=address.hosts, **parts), address)


def _serve_site(folder: Path, host: str | None, port: int | None, names: Sequence[str]) -> None:
    site = read_site(folder)
    settings = site.settings
    address = _Address(
        host or settings.host,
        settings.port if port is None else port,
        (*settings.names, *names),
    )
    place = database_of(site)
    _check_driver(place)
    check_entrance(address.host, place, create=True, provided=settings.signin is not None)
    app = partial(
        create_app,
        place,
        create=True,
        local=is_local(address.host) and not address.names and not settings.trusted_proxies,
        hosts=address.hosts,
        **_parts_of(site),
    )
    if settings.kafka is None:
        with serving_metrics(app(), settings, address.port) as measured:
            _serve(measured, address)
        return
    # Kafka's client is imported only where there is Kafka.
    from service.cli.sink_supervisor import supervisor_of  # noqa: PLC0415

    logging.getLogger("kafka").setLevel(
        logging.CRITICAL
    )  # every attempt is an error to it; we tell what waits
    supervisor, sink = supervisor_of(site)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn's own while it serves, then this
    with ExitStack() as stack:
        stack.callback(supervisor.stop)
        supervisor.start()
        _serve(stack.enter_context(serving_metrics(app(intake=sink), settings, address.port)), address)


@contextmanager
def serving_metrics(app: Any, settings: Settings, port: int) -> Iterator[Any]:
    """The ASGI app, whose numbers are served at the settings' ``metrics_port`` meanwhile.

    A shipper or worker of the same site may have that port already; the pages' own ``port`` tells the same.
    """
    with ExitStack() as stack:
        if settings.metrics_port not in (0, port):
            try:
                stack.callback(
                    serve(app.state.metrics, settings.metrics_address, settings.metrics_port).close
                )
            except AddressError as error:
                _log.warning("metrics-port-taken %s; /metrics of the pages tells the same", error)
        yield app


def _check_driver(place: DatabaseLocation) -> None:
    """Before anything is served, not at the first page. Raises ``ModuleNotFoundError``."""
    if is_url(place):
        import_module("alerts_api.storage.postgres")


class _AppParts(TypedDict, total=False):
    """What the pages need of a site beside its database."""

    policy: Policy
    evaluation: EvaluationPlace
    provider: "Provider | None"
    reveal: RevealSettings
    site: Path
    trusted_proxies: Sequence[str]
    judges_trained: bool
    checkpoints: CheckpointKeeper


def _parts_of(site: SiteFolder) -> _AppParts:
    """Raises ``ProviderError`` for an identity provider that cannot be used as it is set."""
    signin = site.settings.signin
    provider = None
    if signin is not None:
        from alerts_api.signin.provider import Provider  # noqa: PLC0415 - of the extra `oidc`

        provider = Provider(signin, site.folder, time.time)
    return {
        "policy": load_policy(site.policy, alerts_per_day=site.settings.alerts_per_day),
        "evaluation": EvaluationPlace(site.reports, site.settings.alerts_per_day),
        "provider": provider,
        "reveal": site.settings.reveal,
        "site": site.folder,
        "trusted_proxies": site.settings.trusted_proxies,
        "judges_trained": site.settings.judges_trained,
        "checkpoints": checkpoint_keeper(site),
    }


def _serve(app: Callable[..., Any], address: _Address) -> None:
    """Until a signal."""
    with ExitStack() as stack:
        if address.descriptor is None:
            listening = stack.enter_context(listen(address.host, address.port))
        else:
            listening = stack.enter_context(socket.socket(fileno=address.descriptor))
        config = uvicorn.Config(
            watched(app),
            log_level="warning",
            log_config=None,  # as all others do
            access_log=False,  # it would name the analysts' addresses
            server_header=False,
            proxy_headers=False,  # ours believe the proxies that the site has named
            timeout_graceful_shutdown=3,
            http=TimeoutProtocol,
            limit_concurrency=CONNECTIONS,
        )
        server = uvicorn.Server(config)
        if address.descriptor is None:
            click.echo(f"journalguard pages are at {url(listening)}")
        else:
            threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


def _end_with_parent(server: uvicorn.Server) -> None:
    """Standard input ends when the process does that started this one."""
    sys.stdin.buffer.read()
    server.should_exit = True
    time.sleep(STOP_SECONDS)
    os._exit(0)
