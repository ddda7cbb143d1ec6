"""``evaluate``: how well the detection works, and whom it burdens, as a report that is kept."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from alerts_api.reports import as_file
from service.cli.assembly import ingest_settings
from service.cli.options import EXISTING_FILE, FOLDER, read_site
from service.errors import OutputError
from service.evaluation.background import Background, Databases
from service.evaluation.comparing import compared
from service.evaluation.parts import MINIMUM_CELL, assemble, trials
from service.evaluation.report import VERSION, Part, Report, file_name, newest, to_json
from service.evaluation.study import Source, study
from service.evaluation.worlds import Library
from service.output import write_whole
from service.policy import load_policy
from service.progress import progress
from service.settings import Site
from service.share import MODEL
from service.simulator.settings import PROFILES

DRAWS = 5  # of thefts laid over the same logs


@click.command()
@click.option("--site", "folder", type=FOLDER, help="Its policy and budget; the report goes to SITE/reports.")
@click.option("--out", type=FOLDER, help="Folder for the report instead.")
@click.option(
    "--seeds", type=click.IntRange(min=0), multiple=True, help="Of simulated libraries; can be given again."
)
@click.option(
    "--profile",
    "profiles",
    type=click.Choice(PROFILES),
    multiple=True,
    default=PROFILES[:1],
    show_default=True,
    help="Of simulated libraries; can be given again.",
)
@click.option(
    "--accounts", type=click.IntRange(min=100), default=5000, show_default=True, help="Their readers."
)
@click.option("--days", type=click.IntRange(min=21), default=60, show_default=True, help="Their days.")
@click.option(
    "--background",
    "logs",
    type=EXISTING_FILE,
    multiple=True,
    help="A log of the site to lay simulated thefts over; can be given again.",
)
@click.option(
    "--alerts-per-day", type=click.FloatRange(0, 1000, min_open=True), help="Budget instead of the site's."
)
def evaluate(
    folder: Path | None,
    out: Path | None,
    logs: tuple[Path, ...],
    seeds: tuple[int, ...],
    profiles: tuple[str, ...],
    accounts: int,
    days: int,
    alerts_per_day: float | None,
) -> None:
    """Measure recall, precision, load and bias, and write a report (HTML and JSON).

    Simulated thefts show which design is better, not what a real site will see.

    \b
    Example:
      journalguard evaluate --site /srv/journalguard --seeds 11 --seeds 12
    """
    site = None if folder is None else read_site(folder)
    reports = out or (site.reports if site else None)
    if reports is None:
        raise click.UsageError("give --site, or --out for a folder of the report")
    if not reports.parent.is_dir():
        raise OutputError(f"{reports}: there is no folder {reports.parent}; make it first")
    own_policy = site.policy if site else None
    policy = load_policy(own_policy)
    budget = alerts_per_day or (site.settings.alerts_per_day if site else policy.alerts_per_day)
    parts: list[Part] = []
    if seeds:
        libraries = [Library(profile, seed, accounts, days) for profile in profiles for seed in seeds]
        title = (
            f"{', '.join(profiles)}; seeds {', '.join(map(str, seeds))}; {accounts:,} accounts, {days} days"
        )
        parts.append(_play("simulated", title, libraries, budget, own_policy))
    if logs:
        if site is None:
            raise click.UsageError("--background needs --site, whose settings say how its logs are read")
        laid = [
            Background(tuple(logs), ingest_settings(site.settings), _databases(site), draw)
            for draw in range(DRAWS)
        ]
        title = f"{len(logs)} {'log' if len(logs) == 1 else 'logs'} of the site, {DRAWS} draws of thefts"
        parts.append(_play("background", title, laid, budget, own_policy))
    report = Report(VERSION, _now(), policy.hash, MODEL, budget, MINIMUM_CELL, tuple(parts))
    report = compared(report, newest(reports))
    reports.mkdir(mode=0o700, exist_ok=True)
    name = file_name(report)
    write_whole(reports / f"{name}.json", [to_json(report)])
    write_whole(reports / f"{name}.html", [as_file(report).encode()])
    click.echo(f"{reports / name}.html: written, with the same as JSON beside it")


def _play(source: str, title: str, scenes: Sequence[Source], budget: float, policy: Path | None) -> Part:
    """One part of the report, with the way there shown."""
    tried = trials(budget)
    with TemporaryDirectory(prefix="journalguard-") as temporary, progress(f"evaluating, {source}") as shown:
        played = study(scenes, tried, policy, Path(temporary), shown)
        shown.done()
    return assemble(source, title, played, tried, same_readers=source == "background")


def _databases(site: Site) -> Databases:
    return Databases(site.path(site.settings.geo_city), site.path(site.settings.geo_asn))


def _now() -> str:
    return datetime.fromtimestamp(int(time.time()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
