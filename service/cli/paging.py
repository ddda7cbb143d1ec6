"""``pages``: the process that shows. It imports nothing of the ingest room and opens no keys."""

import os
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import click
import uvicorn

from alerts_api.app import create_app
from alerts_api.guard import LOOPBACK
from service.cli.options import EXISTING_FILE
from service.cli.serving import STOP_SECONDS, listen, url

_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - recognised, not chosen


@click.command()
@click.option("--database", type=EXISTING_FILE, required=True, help="SITE/journalguard.db.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True, help="0: a free one.")
@click.option("--host-name", "names", multiple=True, help="Further name by which browsers reach the pages.")
@click.option("--demo", is_flag=True, hidden=True)
@click.option("--socket", "descriptor", type=int, hidden=True)
def pages(
    database: Path, host: str, port: int, names: tuple[str, ...], demo: bool, descriptor: int | None
) -> None:
    """Serve the pages of a site's database. Needs no keys; `run` starts one of these itself.

    \b
    Example:
      journalguard pages --database /srv/journalguard/journalguard.db --port 8080
    """
    app = create_app(database.absolute(), demo=demo, hosts=(*LOOPBACK, *_names(host), *names))
    listening = listen(host, port) if descriptor is None else socket.socket(fileno=descriptor)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # it would name the analysts' addresses
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    if descriptor is None:
        click.echo(f"journalguard pages are at {url(listening)}")
    else:
        threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    with closing(listening), suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


def _end_with_parent(server: uvicorn.Server) -> None:
    """Standard input ends when the process does that started this one."""
    sys.stdin.buffer.read()
    server.should_exit = True
    time.sleep(STOP_SECONDS)
    os._exit(0)


def _names(host: str) -> Sequence[str]:
    return (socket.gethostname(),) if host in _WILDCARDS else (host,)
