"""``ship``: the process on the proxy's host that pseudonymises and sends."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from pseudonymiser import keys
from pseudonymiser.ingest import Ingest
from service.base.errors import SiteError
from service.base.gc_tuning import relax_garbage_collection
from service.base.logs import start_logging
from service.cli.assembly import ingest_settings, site_geo, site_vault
from service.cli.options import log_json_option, read_site, site_option
from service.cli.signals import stop_on_signals
from service.cli.terminal import keep_no_core
from service.config.settings import SETTINGS_FILE, SiteFolder
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.topics import wanted
from service.distributed.shipper.intake import Intake, LogFiles, StandardInput
from service.distributed.shipper.rawtopic import RawTopic
from service.distributed.shipper.shipper import OpenIntake
from service.distributed.shipper.shipper import ship as ship_site
from service.distributed.shipper.spool import Spool
from service.runtime.merge import line_clock

SPOOL = "spool"  # in the site's folder

_log = logging.getLogger("journalguard.ship")


@click.command()
@click.argument("source", type=click.Choice(["-"]), required=False, metavar="[-]")
@click.option(
    "--from-topic", "topic", metavar="NAME", help="Read raw lines from this topic of the same brokers."
)
@site_option
@log_json_option
def ship(source: str | None, topic: str | None, folder: Path, log_json: bool) -> None:
    """Read the logs, pseudonymise, send to Kafka.

    Goes on where it was ended, also by a crash: nothing is lost. While Kafka is away the logs keep the lines.
    Ctrl-C or SIGTERM ends it.

    With `-` access lines come from standard input, as rsyslog's omprog gives them, instead of the site's
    `logs`; audit logs are followed as always. The lines are kept in SITE/spool until Kafka has them. Once the
    input ends and everything is sent, so does the command.

    With --from-topic they come from a topic that Filebeat or rsyslog fills, as text or as Filebeat's JSON;
    nothing else is read. Names and addresses pass through that topic in clear: allow its reading to this
    command only, and keep its lines for hours, not days.

    \b
    Example:
      journalguard ship --site /srv/journalguard
      tail -F -n 0 /mnt/proxy/access.log | journalguard ship - --site /srv/journalguard
      journalguard ship --from-topic ezproxy.raw --site /srv/journalguard
    """
    if source and topic:
        raise click.UsageError("either - or --from-topic, not both")
    keep_no_core()
    start_logging(as_json=log_json, site=str(folder))
    logging.getLogger("kafka").setLevel(
        logging.CRITICAL
    )  # to it every attempt is an error; we tell what waits
    site = read_site(folder)
    open_intake = _intake(site, topic, from_input=source is not None)
    stop = stop_on_signals()
    secrets = keys.load(site.keys)
    settings, geo = ingest_settings(site.settings), site_geo(site)
    ingest = Ingest(settings, secrets, geo, site_vault(site))
    relax_garbage_collection()
    databases = {edition.kind: edition.built_at for edition in geo.editions}
    ship_site(site, ingest, line_clock(Ingest(settings, secrets, geo)), open_intake, stop, databases)
    _log.info("ended")


def _intake(site: SiteFolder, topic: str | None, *, from_input: bool) -> OpenIntake:
    """Opens where the lines come from; not before the site's folder is ours."""
    logs, audit_logs = (
        [str(site.folder / log) for log in named] for named in (site.settings.logs, site.settings.audit_logs)
    )
    kafka = kafka_of(site)
    if not (logs or audit_logs or topic or from_input):
        raise SiteError(f"{site.folder / SETTINGS_FILE}: names no logs; set logs, or give - or --from-topic")
    if topic in {own.name for own in wanted(kafka, site.settings.retention.events)}:
        raise click.UsageError(f"{topic} is a topic of journalguard's own, not of raw lines")

    def opened(positions: Mapping[str, bytes]) -> Intake:
        if topic:
            return RawTopic(kafka, site.folder, topic, positions)
        if from_input:
            return StandardInput(Spool(site.folder / SPOOL, sys.stdin.fileno()), audit_logs, positions)
        return LogFiles(logs, audit_logs, positions)

    return opened
