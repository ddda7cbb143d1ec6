"""``ship``: the process on the proxy's host that pseudonymises and sends."""

import logging
from collections.abc import Mapping
from pathlib import Path

import click

from pseudonymiser import keys
from pseudonymiser.ingest import Ingest
from service.cli.assembly import ingest_settings, site_geo
from service.cli.options import read_site, site_option, start_logging
from service.cli.running import stop_on_signals
from service.distributed.intake import Intake, LogFiles
from service.distributed.shipper import ship as ship_site
from service.memory import spare_collector
from service.merge import line_clock

_log = logging.getLogger("journalguard.ship")


@click.command()
@site_option
def ship(folder: Path) -> None:
    """Read the logs, pseudonymise, send to Kafka.

    Goes on where it was ended, also by a crash: nothing is lost. Ctrl-C or SIGTERM ends it.

    \b
    Example:
      journalguard ship --site /srv/journalguard
    """
    start_logging()
    site = read_site(folder)
    stop = stop_on_signals()
    secrets = keys.load(site.keys)
    settings, geo = ingest_settings(site.settings), site_geo(site)

    def open_intake(positions: Mapping[str, bytes]) -> Intake:
        logs, audit_logs = (
            [str(site.folder / log) for log in named]
            for named in (site.settings.logs, site.settings.audit_logs)
        )
        return LogFiles(logs, audit_logs, positions)

    spare_collector()
    ship_site(
        site, Ingest(settings, secrets, geo), line_clock(Ingest(settings, secrets, geo)), open_intake, stop
    )
    _log.info("ended")
