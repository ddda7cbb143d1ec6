"""``worker``: one of the processes that score what the shippers send."""

import logging
from pathlib import Path

import click

from service.base.gc_tuning import relax_garbage_collection
from service.base.logs import start_logging
from service.cli.options import log_json_option, read_site, site_option
from service.policy.history import warn_if_unaccepted
from service.policy.loading import load_policy


@click.command()
@site_option
@click.option(
    "--name",
    default="worker",
    show_default=True,
    help="Tells the workers of one host apart: each keeps its states in SITE/workers/NAME.",
)
@log_json_option
def worker(folder: Path, name: str, log_json: bool) -> None:
    """Score what the shippers send to Kafka.

    Start as many as the site needs, on any hosts: they share the partitions among them, and when one ends the
    others take over. Needs no keys. Ctrl-C or SIGTERM ends it.

    \b
    Example:
      journalguard worker --site /srv/journalguard --name worker-1
    """
    start_logging(as_json=log_json, site=str(folder))
    # Every attempt is an error to them; we tell what waits.
    for client in ("faust", "mode", "aiokafka", "kafka"):
        logging.getLogger(client).setLevel(logging.CRITICAL)
    site = read_site(folder)
    policy = load_policy(site.policy, alerts_per_day=site.settings.alerts_per_day)
    warn_if_unaccepted(site.folder, policy)
    from service.distributed.worker.start import start_worker  # noqa: PLC0415 - Faust takes seconds: settings are judged first

    relax_garbage_collection()
    start_worker(site, policy, name)
