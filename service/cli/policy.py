"""``policy``: detections, budget and prior as data: what a site changes, is it sound, who accepted it."""

import getpass
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from alerts_api.audit.key_acts import digest_of
from alerts_api.audit.leaves import ActKind
from alerts_api.reveal.scrub import scrub
from service.base.errors import PolicyError
from service.cli.key_acts import note_act
from service.cli.options import FOLDER, read_site, site_option
from service.config.settings import SiteFolder
from service.policy import history as past
from service.policy.difference import differences
from service.policy.loading import PolicyFile, check_file, load_policy, read_sources, site_sources
from service.policy.model import Policy


@click.group()
def policy() -> None:
    """Detections, budget and prior as TOML: check a site's own, compare, try them on examples, accept them.

    A file under SITE/policy replaces the shipped one of its name; any other one there is a detection more.
    A change is in force when `run` or `worker` starts again. Accept it, so that others know why.

    \b
    Example:
      journalguard policy check --site /srv/journalguard
      journalguard policy diff --site /srv/journalguard
      journalguard policy test --site /srv/journalguard
      journalguard policy accept --site /srv/journalguard --why 'five alerts a day in exam weeks'
    """


@policy.command(short_help="Say what is wrong with a site's own files.")
@site_option
def check(folder: Path) -> None:
    """Read the files under SITE/policy and name file, line and mend of everything that is wrong.

    The exit code is 1 if anything is.

    \b
    Example:
      journalguard policy check --site /srv/journalguard
    """
    site = read_site(folder)
    wrong = list(_complaints(site))
    if wrong:
        raise PolicyError("\n".join(wrong))
    shipped = read_sources()
    for source in site_sources(_folder(site)):
        what = "replaces the shipped one" if source.name in shipped else "a detection of this site"
        click.echo(f"{source.path}: {what}")
    found = _policy(site)
    click.echo(f"Sound: policy {found.hash}, {len(found.detections)} detections")
    click.echo(_acceptance(site, found))


@policy.command(short_help="Say what a site changes.")
@site_option
def diff(folder: Path) -> None:
    """Say in words what the site's policy changes against the one that ships.

    \b
    Example:
      journalguard policy diff --site /srv/journalguard
    """
    found = differences(load_policy(), _policy(read_site(folder)))
    for sentence in found:
        click.echo(sentence)
    if not found:
        click.echo("Nothing: the policy is the one that ships.")


@policy.command(short_help="Try every detection on its examples.")
@click.option("--site", "folder", type=FOLDER, help="Also this site's own files; without, those that ship.")
def test(folder: Path | None) -> None:
    """Try every detection on its own examples: those that must fire and those that must not.

    Each example goes through the same kernel and tables that score the site's log, as of its first day. The
    exit code is 1 if one comes out otherwise than it says.

    \b
    Example:
      journalguard policy test --site /srv/journalguard
    """
    from service.evaluation.detection_tests import try_all  # noqa: PLC0415 - the kernel takes seconds: the files are judged first

    found = load_policy() if folder is None else _policy(read_site(folder))
    count = failed = 0
    for result in try_all(found):
        count += 1
        if not result.passed:
            failed += 1
            wanted = "must fire" if result.example.fires else "must not fire"
            fired = ", ".join(result.fired) or "none"
            click.echo(f"{result.detection}: {wanted}: {result.example.says} Fired: {fired}.")
    bare = [name for name, detection in found.detections.items() if not detection.examples]
    if bare:
        click.echo(f"Without examples: {', '.join(bare)}")
    if failed:
        raise PolicyError(
            f"{failed} of {count} examples came out otherwise; mend the measures, or the example"
        )
    click.echo(f"{count} examples of {len(found.detections) - len(bare)} detections came out as they say")


@policy.command(short_help="Record who wants the policy as it is now, and why.")
@site_option
@click.option("--why", required=True, help="The reason, in a sentence.")
@click.option("--by", help="Who accepts it; by default the name you are logged in with.")
def accept(folder: Path, why: str, by: str | None) -> None:
    """Record in SITE/policy/history.jsonl that the policy as it is now is meant to be so.

    \b
    Example:
      journalguard policy accept --site /srv/journalguard --by desk --why 'five alerts a day in exam weeks'
    """
    site = read_site(folder)
    entry = past.accept(site.folder, _policy(site), by=by or getpass.getuser(), why=why, now=int(time.time()))
    digest, words = (
        digest_of(entry.after),
        f"{entry.before or 'shipped'} to {entry.after}, by {entry.by}: {why}",
    )
    note_act(site, ActKind.POLICY_CHANGED, outcome="accepted", digest=digest, note=scrub(words).text)
    click.echo(f"policy {entry.after}: accepted by {entry.by}, before it {entry.before or 'the shipped one'}")


@policy.command(short_help="Who accepted which policy, when and why.")
@site_option
def history(folder: Path) -> None:
    """List who accepted which policy, when and why, the newest last.

    \b
    Example:
      journalguard policy history --site /srv/journalguard
    """
    site = read_site(folder)
    for entry in past.read(site.folder):
        moment = datetime.fromtimestamp(entry.at, UTC)
        click.echo(
            f"{moment:%Y-%m-%d %H:%M} UTC  {entry.before or '-':12}  {entry.after}  {entry.by}: {entry.why}"
        )
    click.echo(_acceptance(site, _policy(site)))


def _policy(site: SiteFolder) -> Policy:
    return load_policy(site.policy, alerts_per_day=site.settings.alerts_per_day)


def _folder(site: SiteFolder) -> Path:
    return site.folder / past.FOLDER


def _complaints(site: SiteFolder) -> Iterator[str]:
    """What is wrong with each file; where each is sound by itself, what is wrong with them together."""
    alone = [complaint for source in site_sources(_folder(site)) if (complaint := _complaint(source))]
    yield from alone
    if not alone:
        try:
            _policy(site)
        except PolicyError as error:
            yield str(error)


def _complaint(source: PolicyFile) -> str:
    try:
        check_file(source)
    except PolicyError as error:
        return str(error)
    return ""


def _acceptance(site: SiteFolder, found: Policy) -> str:
    if past.is_accepted(site.folder, found):
        return "It is the one that was accepted." if past.read(site.folder) else "It is the one that ships."
    return "It was not accepted: `journalguard policy accept` records who wants it and why."
