"""``init`` and ``pseudonym``: a site's folder and its keys."""

import ipaddress
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from alerts_api.audit.leaves import ActKind
from alerts_api.reveal.scrub import scrub
from pseudonymiser import keys
from pseudonymiser.canonical import Canoniser
from pseudonymiser.geo import open_geo
from pseudonymiser.pseudonyms import Address, Pseudonyms, network_of, parse_address
from service.base.errors import SiteError
from service.base.files import write_new
from service.cli.assembly import GEO, told_of
from service.cli.key_acts import note_act
from service.cli.log_format_check import report, try_logs
from service.cli.options import AGAIN, EXISTING_FILE, FOLDER, read_site, setting_option, site_option
from service.cli.terminal import keep_no_core
from service.config.loader import check
from service.config.settings import SETTINGS_FILE, Settings, SiteFolder
from service.config.template import render

NOBODY = "-"
SHORTEST_PURPOSE = 5  # characters


@click.command()
@click.argument("folder", type=FOLDER, metavar="SITE")
@setting_option("log_format", "--log-format", required=True)
@setting_option("timezone", "--timezone", required=True)
@setting_option("logs", "--log", "logs", multiple=True, words=AGAIN)
@setting_option("audit_logs", "--audit", "audit_logs", multiple=True, words=AGAIN)
@setting_option("realms", "--realm", "realms", multiple=True, words=AGAIN)
@setting_option("campus", "--campus", multiple=True, words=AGAIN)
@setting_option("proxy_hosts", "--proxy-host", "proxy_hosts", multiple=True, words=AGAIN)
@setting_option("geo_city", "--geo-city", type=EXISTING_FILE)
@setting_option("geo_asn", "--geo-asn", type=EXISTING_FILE)
@setting_option("alerts_per_day", "--alerts-per-day", type=float, preset=True)
def init(
    folder: Path,
    log_format: str,
    timezone: str,
    logs: tuple[str, ...],
    audit_logs: tuple[str, ...],
    realms: tuple[str, ...],
    campus: tuple[str, ...],
    proxy_hosts: tuple[str, ...],
    geo_city: Path | None,
    geo_asn: Path | None,
    alerts_per_day: float,
) -> None:
    """Make SITE: a folder with the settings (site.toml) and the keys of the pseudonyms.

    Logs that are there already are tried against the format. Nothing is overwritten.

    \b
    Example:
      journalguard init /srv/journalguard --timezone Europe/London \\
        --log-format '%h %l %u %t "%r" %s %b' --log '/var/log/ezproxy/ezp%Y%m%d.log' \\
        --realm example.ac.uk --campus 192.0.2.0/24 --proxy-host ezproxy.example.ac.uk
    """
    values = {
        "log_format": log_format,
        "timezone": timezone,
        "logs": tuple(map(os.path.abspath, logs)),
        "audit_logs": tuple(map(os.path.abspath, audit_logs)),
        "realms": realms,
        "campus": campus,
        "proxy_hosts": proxy_hosts,
        "geo_city": str(geo_city.absolute()) if geo_city else "",
        "geo_asn": str(geo_asn.absolute()) if geo_asn else "",
        "alerts_per_day": alerts_per_day,
        "judges_trained": True,
    }
    options = {parameter.name: parameter.opts[0] for parameter in init.params}
    settings = check(values, lambda key: options[key])
    findings = try_logs(settings, open_geo(geo_city, geo_asn, campus))
    make_site(folder, settings)
    click.echo(f"{folder}: made, with settings in {SETTINGS_FILE} and keys that only you can read")
    geo = open_geo(geo_city, geo_asn, campus, unpack_into=folder / GEO)
    for sentence in told_of(geo.editions, time.time()):
        click.echo(f"Places, {sentence}")
    for finding in findings:
        for sentence, warning in report(finding, settings):
            click.echo(sentence, err=warning)
    if not settings.realms:
        click.echo(
            "No --realm was given: while none is named as yours, jdoe@example.ac.uk is not taken for jdoe; "
            f"name yours in {folder / SETTINGS_FILE}"
        )
    if not settings.logs:
        click.echo(f"No --log was given: name your logs in {folder / SETTINGS_FILE}")
    click.echo(f"Next: journalguard run --site {shlex.quote(str(folder))}")


def make_site(folder: Path, settings: Settings) -> None:
    """The folder with settings and new keys. Raises ``SiteError`` or ``KeyFileError`` where there are any."""
    path = folder / SETTINGS_FILE
    if path.exists():
        raise SiteError(f"{path}: exists already; edit it, or choose another folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys.create(folder / "keys")
    write_new(path, render(settings).encode())


@click.command()
@site_option
@click.option(
    "--kind",
    type=click.Choice(("user", "ip", "network", "session")),
    required=True,
    help="What the names are.",
)
@click.option("--case", help="Reference of the case for which one user's pseudonym is asked.")
@click.option("--purpose", help="What the pseudonyms of many users are for: no name leaves with it.")
def pseudonym(folder: Path, kind: str, case: str | None, purpose: str | None) -> None:
    """Tell the pseudonyms of names: one a line on standard input, NAME<TAB>PSEUDONYM on standard output.

    Needs the site's keys. A name that is no account (-, auto-192.0.2.1) gets a dash. To match users with
    pseudonyms is to name them, so it goes into the audit log: one user with the --case it is for, or many
    with their --purpose.

    \b
    Example:
      echo jdoe | journalguard pseudonym --site /srv/journalguard --kind user --case SD-1234
      journalguard pseudonym --site /srv/journalguard --kind user --purpose 'staff list' < names.txt
    """
    keep_no_core()
    site = read_site(folder)
    lines = sys.stdin.buffer.readlines() if kind == "user" else sys.stdin.buffer
    tell = _teller(kind, Pseudonyms(keys.load(site.keys)), Canoniser(site.settings.realms))
    if kind == "user":
        _note_lookup(site, [tell(_text(line)) or NOBODY for line in lines], case, purpose)
    failed = False
    for number, line in enumerate(lines, 1):
        name = line.rstrip(b"\r\n")
        token = tell(_text(line))
        if token is None:
            click.echo(f"line {number}: not an address; write it like 192.0.2.1 or 2001:db8::1", err=True)
            failed = True
        else:
            sys.stdout.buffer.write(name + b"\t" + token.encode() + b"\n")
    sys.stdout.buffer.flush()
    if failed:
        sys.exit(1)


def _text(line: bytes) -> str:
    return line.rstrip(b"\r\n").decode("utf-8", "replace")


def _note_lookup(site: SiteFolder, accounts: Sequence[str], case: str | None, purpose: str | None) -> None:
    """Before any pseudonym is told. Raises ``UsageError`` where it is not said what for."""
    if purpose is not None:
        words = scrub(purpose).text
        if len(words) < SHORTEST_PURPOSE:
            raise click.UsageError("--purpose: say in a few words what the pseudonyms are for")
        note_act(site, ActKind.PSEUDONYM_ASKED, outcome="many", times=len(accounts), note=words)
        return
    if case is None or not re.fullmatch(r"[A-Za-z0-9_.:/#-]{1,64}", case):
        raise click.UsageError(
            "to match a user with a pseudonym is to name them: give the reference of the --case it is for, "
            "or for many users a --purpose"
        )
    if len(accounts) > 1:
        raise click.UsageError("--case is for one user at a time; for many give a --purpose")
    for account in accounts:
        known = account if account != NOBODY else ""
        note_act(site, ActKind.PSEUDONYM_ASKED, outcome="one", case=case, account=known)


def _teller(kind: str, pseudonyms: Pseudonyms, canoniser: Canoniser) -> Callable[[str], str | None]:
    """From a name to its pseudonym; ``None`` for an address that is none."""

    def user(name: str) -> str:
        identity = canoniser.identify(name)
        return NOBODY if identity is None else pseudonyms.user(identity)

    def session(name: str) -> str:
        return pseudonyms.session(name.strip()) if name.strip() not in ("", NOBODY) else NOBODY

    def ip(name: str) -> str | None:
        address = parse_address(name.strip())
        return pseudonyms.address(address) if address else None

    def network(name: str) -> str | None:
        address = _network_address(name.strip())
        return pseudonyms.network(address) if address else None

    return {"user": user, "session": session, "ip": ip, "network": network}[kind]


def _network_address(text: str) -> Address | None:
    """An address, or a network as large as those that have pseudonyms: /24 or /48."""
    if "/" not in text:
        return parse_address(text)
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return None
    first = network.network_address
    return first if network_of(first) == network.compressed else None
