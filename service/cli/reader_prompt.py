"""A reader's name, read where nobody else sees it, and what it becomes: the way in of readers' rights."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from alerts_api.rights.subject_request import SubjectRequest
from pseudonymiser import keys
from pseudonymiser.canonical import Canoniser
from pseudonymiser.pseudonyms import Pseudonyms
from service.cli.options import read_site, site_option
from service.cli.terminal import keep_no_core
from service.config.settings import SiteFolder
from service.records.commands import Command, CommandKind

_REFERENCE = re.compile(r"[A-Za-z0-9_.:/#-]{1,64}")
_OFFICER = re.compile(r"[\x21-\x7e]{1,200}")


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command about one reader asks for."""
    for option in reversed(
        (
            site_option,
            click.option(
                "--reader",
                type=click.Choice(["-"]),
                help="-: the user name is the first line of standard input. Without, it is asked for.",
            ),
            click.option("--case", "reference", required=True, help="Reference of the case, like SD-1234."),
            click.option("--dpo", "officer", required=True, help="Sign-in name of who answers for it."),
        )
    ):
        command = option(command)
    return command


def ask(folder: Path, reader: str | None, reference: str, officer: str) -> tuple[SiteFolder, SubjectRequest]:
    """The site and what is asked of it, once the name is read. Raises operators' errors."""
    keep_no_core()
    if not _REFERENCE.fullmatch(reference):
        raise click.UsageError("--case: letters, digits and _ . : / # - only, at most 64")
    if not _OFFICER.fullmatch(officer):
        raise click.UsageError("--dpo: a sign-in name without blanks, in ASCII")
    site = read_site(folder)
    known = keys.load(site.keys)
    name = (
        sys.stdin.readline().rstrip("\r\n") if reader else click.prompt("User name of the reader", err=True)
    )
    identity = Canoniser(site.settings.realms).identify(name)
    if identity is None:
        raise click.ClickException("this names nobody; give the user name as it stands in the proxy's log")
    pseudonyms = Pseudonyms(known)
    found = (pseudonyms.user(identity), pseudonyms.former(identity))
    return site, SubjectRequest(tuple(account for account in found if account), reference, officer)


def notify_stream(site: SiteFolder, asked: SubjectRequest, act: CommandKind) -> None:
    """To the workers, where there are some; `run` finds its commands in the database."""
    if site.settings.kafka is None:
        return
    # Only where there is Kafka.
    from service.distributed.shipper.command_spool import CommandSpool  # noqa: PLC0415

    box = CommandSpool(site.folder)
    for account in asked.accounts:
        box.put(Command(act, account))
