"""``replay``: old logs, a back-test of a budget, or the first look at a site's past."""

import sys
import time
from pathlib import Path

import click

from pseudonymiser.ingest import REASONS
from service.base.gc_tuning import relax_garbage_collection
from service.base.progress import progress
from service.cli.assembly import build, site_geo
from service.cli.options import EXISTING_FILE, OVERRIDES, read_site, setting_option, site_option
from service.runtime.alert_lines import check_writable, write_alerts
from service.runtime.replay import Planned, ReplaySummary, plan
from service.runtime.replay import replay as read_all
from service.runtime.runner import Runner


@click.command()
@site_option
@setting_option("geo_city", "--geo-city", type=EXISTING_FILE, words=OVERRIDES)
@setting_option("geo_asn", "--geo-asn", type=EXISTING_FILE, words=OVERRIDES)
@setting_option("alerts_per_day", "--alerts-per-day", words=OVERRIDES)
@click.option(
    "--alerts",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File for the alerts, one JSON object a line; replaced when all is read.",
)
@click.argument("logs", type=EXISTING_FILE, nargs=-1, required=True, metavar="LOG…")
def replay(
    folder: Path,
    geo_city: Path | None,
    geo_asn: Path | None,
    alerts_per_day: float | None,
    out: Path,
    logs: tuple[Path, ...],
) -> None:
    """Run old logs through the site's pipeline, beginning with no history. The live state is not touched.

    Logs may be plain or gzip, access or audit logs (told by their header line), in any order: what overlaps
    in time is merged. A table of what was read goes to standard output.

    \b
    Example:
      journalguard replay --site /srv/journalguard --alerts alerts.jsonl /var/log/ezproxy/ezp2026*.log.gz
    """
    site = read_site(folder)
    check_writable(out.absolute())
    runner, _, clock = build(site, site_geo(site, geo_city, geo_asn), alerts_per_day)
    relax_garbage_collection()
    planned = plan(logs, clock)
    if planned.moved:
        click.echo("The logs are read in the order of their first lines:", err=True)
        for path in planned.paths:
            click.echo(f"  {path}", err=True)
    began = time.monotonic()
    with progress("reading") as shown:

        def show(reading: ReplaySummary) -> None:
            shown.at(reading.bytes / max(reading.size, 1), f"{reading.lines:,} lines")

        alerts = read_all(planned, runner, clock, show)
        shown.done(f"{runner.counters['lines_total']:,} lines")
    seconds = time.monotonic() - began
    write_alerts(out.absolute(), alerts)
    click.echo(table(planned, runner, len(alerts), seconds))
    if not runner.counters["events_total"]:
        click.echo(
            f"No line fits log_format of {folder / 'site.toml'}: is it the LogFormat of these logs?", err=True
        )
    sys.stdout.flush()


def table(planned: Planned, runner: Runner, alerts: int, seconds: float) -> str:
    """What was read, as aligned lines."""
    counters = runner.counters
    rejected = {
        name.partition(":")[2]: count
        for name, count in counters.items()
        if name.startswith("rejected_total:")
    }
    rows = [
        ("files", f"{len(planned.paths):,}", ""),
        ("lines", f"{counters['lines_total']:,}", ""),
        ("events", f"{counters['events_total']:,}", ""),
        ("  without an account", f"{counters['events_without_account_total']:,}", ""),
        ("rejected", f"{sum(rejected.values()):,}", ""),
        *(
            (f"  {reason}", f"{count:,}", REASONS.get(reason, ""))
            for reason, count in sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
        ),
        ("alerts", f"{alerts:,}", ""),
        ("lines/s", f"{counters['lines_total'] / max(seconds, 1e-3):,.0f}", f"in {seconds:.1f} s"),
    ]
    width, digits = max(len(name) for name, _, _ in rows), max(len(number) for _, number, _ in rows)
    return "\n".join(f"{name:<{width}}  {number:>{digits}}  {note}".rstrip() for name, number, note in rows)
