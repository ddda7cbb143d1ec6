"""``evaluate``: how well the detection works, and whom it burdens, as a report that is kept."""

import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from alerts_api.storage.database import open_database
from alerts_api.web.live_figures import read_own
from alerts_api.web.reports import as_file
from service.base.errors import OutputError
from service.base.progress import progress
from service.cli.assembly import ingest_settings
from service.cli.options import EXISTING_FILE, FOLDER, OVERRIDES, database_of, read_site, setting_option
from service.config.settings import SiteFolder
from service.evaluation.background import Background, Databases
from service.evaluation.comparing import compared
from service.evaluation.ownsite import site_part
from service.evaluation.parts import assemble, trials
from service.evaluation.report import MINIMUM_CELL, VERSION, Part, Report, file_name, newest, to_json
from service.evaluation.schedule import recent_logs
from service.evaluation.study import SceneSource, study
from service.evaluation.trials import Trial
from service.evaluation.worlds import Library
from service.learning.site_model import MODEL
from service.policy.loading import load_policy
from service.policy.model import MEMBERS
from service.runtime.alert_lines import write_whole
from service.simulator.families import FAMILIES
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
@click.option("--recent", is_flag=True, help="Lay them over the site's own logs of the last 31 days.")
@click.option(
    "--members",
    type=click.Choice(MEMBERS),
    multiple=True,
    help="Of the ensemble, instead of the policy's; can be given again.",
)
@click.option(
    "--leave-out",
    type=click.Choice(FAMILIES),
    multiple=True,
    help="Family of theft not to train on; can be given again.",
)
@setting_option("alerts_per_day", "--alerts-per-day", words=OVERRIDES)
def evaluate(
    folder: Path | None,
    out: Path | None,
    seeds: tuple[int, ...],
    profiles: tuple[str, ...],
    accounts: int,
    days: int,
    logs: tuple[Path, ...],
    recent: bool,
    members: tuple[str, ...],
    leave_out: tuple[str, ...],
    alerts_per_day: float | None,
) -> None:
    """Measure recall, precision, load and bias, and write a report (HTML and JSON).

    Of a site: what verdicts say of its alerts, and what becomes of simulated thefts laid over its logs. Of
    simulated libraries (--seeds): which design is better, not what a real site will see.

    A report is compared with the last one in its folder. A change of policy that follows from it is put on
    record by `journalguard policy accept`.

    \b
    Example:
      journalguard evaluate --site /srv/journalguard --recent
      journalguard evaluate --out /tmp/reports --seeds 11 --seeds 12 --profile college
    """
    site = None if folder is None else read_site(folder)
    reports = out or (site.reports if site else None)
    if reports is None:
        raise click.UsageError("give --site, or --out for a folder of the report")
    if site is None and (logs or recent or not seeds):
        raise click.UsageError("without --site there are simulated libraries only: give --seeds")
    if not reports.absolute().parent.is_dir():
        raise OutputError(f"{reports}: there is no folder {reports.absolute().parent}; make it first")
    own_policy = site.policy if site else None
    policy = load_policy(
        own_policy, alerts_per_day=alerts_per_day or (site.settings.alerts_per_day if site else None)
    )
    tried = trials(policy.alerts_per_day, members or policy.budget.members, leave_out)
    parts: list[Part] = []
    if site is not None:
        parts += _of_site(site, policy.alerts_per_day)
        if recent:
            logs += recent_logs(site.settings.logs, site.folder, time.time())
        if logs:
            parts.append(_of_logs(site, logs, tried))
    if seeds:
        libraries = [Library(profile, seed, accounts, days) for profile in profiles for seed in seeds]
        title = (
            f"{', '.join(profiles)}; seeds {', '.join(map(str, seeds))}; {accounts:,} accounts, {days} days"
        )
        parts.append(_play("simulated", title, libraries, tried, own_policy))
    report = Report(VERSION, _now(), policy.hash, MODEL, policy.alerts_per_day, MINIMUM_CELL, tuple(parts))
    click.echo(
        f"{_keep(compared(report, newest(reports)), reports)}: written, with the same as JSON beside it"
    )


def _of_site(site: SiteFolder, budget: float) -> list[Part]:
    """What its database says, if it has one."""
    if not site.settings.database_url and not site.database.exists():
        return []
    with (
        closing(open_database(database_of(site), create=False)) as database,
        database.reading() as connection,
    ):
        own = read_own(connection, budget)
    return [site_part(own)]


def _of_logs(site: SiteFolder, logs: Sequence[Path], tried: Sequence[Trial]) -> Part:
    settings, databases = ingest_settings(site.settings), _databases(site)
    laid = [Background(tuple(logs), settings, databases, draw) for draw in range(DRAWS)]
    title = f"{len(logs)} {'log' if len(logs) == 1 else 'logs'} of the site, {DRAWS} draws of thefts"
    return _play("background", title, laid, tried, site.policy)


def _play(
    source: str, title: str, scenes: Sequence[SceneSource], tried: Sequence[Trial], policy: Path | None
) -> Part:
    """One part of the report, with the way there shown."""
    with TemporaryDirectory(prefix="journalguard-") as temporary, progress(f"evaluating, {source}") as shown:
        played = study(scenes, tried, policy, Path(temporary), shown)
        shown.done()
    return assemble(source, title, played, tried, same_readers=source == "background")


def _databases(site: SiteFolder) -> Databases:
    return Databases(site.path(site.settings.geo_city), site.path(site.settings.geo_asn))


def _keep(report: Report, reports: Path) -> Path:
    """Writes both files; gives the one for people."""
    reports.mkdir(mode=0o700, exist_ok=True)
    name = file_name(report)
    write_whole(reports / f"{name}.json", [to_json(report)])
    write_whole(reports / f"{name}.html", [as_file(report).encode()])
    return reports / f"{name}.html"


def _now() -> str:
    return datetime.fromtimestamp(int(time.time()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
