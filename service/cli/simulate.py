"""``simulate``: a library's readers and the thefts among them, as raw logs with the truth."""

from datetime import UTC, datetime
from pathlib import Path

import click

from service.base.progress import progress
from service.cli.options import FOLDER
from service.simulator import SimulationSettings
from service.simulator import simulate as write_world
from service.simulator.settings import DEFAULT_FORMAT, PROFILES


@click.command()
@click.option("--seed", type=click.IntRange(min=0), required=True, help="The same seed gives the same files.")
@click.option("--accounts", type=click.IntRange(min=10), required=True, help="Readers of the library.")
@click.option("--days", type=click.IntRange(min=1), required=True, help="Days of history.")
@click.option(
    "--log-format", default=DEFAULT_FORMAT, show_default=True, help="EZproxy LogFormat of the lines."
)
@click.option("--out", type=FOLDER, required=True, help="Folder for the files; made if it is not there.")
@click.option("--start", default="2026-09-01", show_default=True, help="Local date of the first day.")
@click.option("--timezone", default="Europe/London", show_default=True, help="Zone of the library.")
@click.option("--profile", type=click.Choice(PROFILES), default=PROFILES[0], show_default=True)
@click.option("--thefts-per-day", type=click.FloatRange(min=0), help="By default 0.8 for 5,000 accounts.")
def simulate(
    seed: int,
    accounts: int,
    days: int,
    log_format: str,
    out: Path,
    start: str,
    timezone: str,
    profile: str,
    thefts_per_day: float | None,
) -> None:
    """Make a library's logs, with location databases to match and the truth about the thefts.

    Writes access.log, city.mmdb, asn.mmdb and truth.json. Nobody in them exists.

    \b
    Example:
      journalguard simulate --seed 7 --accounts 2000 --days 28 --out /tmp/library
    """
    settings = SimulationSettings(
        seed=seed,
        accounts=accounts,
        days=days,
        log_format=log_format,
        start=start,
        timezone=timezone,
        thefts_per_day=thefts_per_day,
        profile=profile,
    )
    with progress("simulating") as shown:
        made = write_world(settings, out, progress=lambda done, whole: shown.at(done / whole, f"day {done}"))
        shown.done(f"{made.lines:,} lines")
    first, last = (
        datetime.fromtimestamp(time, UTC).isoformat(" ") for time in (made.first_time, made.last_time)
    )
    click.echo(f"{out}: {made.lines:,} lines of {made.accounts:,} accounts, {first} to {last}")
    click.echo(f"{made.thefts} thefts among them; truth.json says whose and when")
