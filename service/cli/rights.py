"""``rights``: what a reader may ask for, done on the host that can turn a name into a pseudonym."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path

import click

from alerts_api.alerts.restrictions import lift as lift_restriction
from alerts_api.alerts.restrictions import restrict as put_restriction
from alerts_api.audit.leaves import ActKind
from alerts_api.rights.cases import Right, close_case, close_cases, open_case
from alerts_api.rights.erasure import ask_erasure
from alerts_api.rights.holdings import holdings
from alerts_api.rights.rectification import rectify_alerts
from alerts_api.rights.subject_request import SubjectRequest, record
from alerts_api.storage.database import Database, open_database
from service.cli.copy_retention import drop_old_copies
from service.cli.documents import documents
from service.cli.erasure import erase_everywhere, find_left
from service.cli.options import database_of
from service.cli.reader_prompt import ask, notify_stream, request_options
from service.cli.subject_copies import HTML, JSON, with_state, write_copy
from service.config.settings import SiteFolder
from service.records.commands import CommandKind


@click.group()
def rights() -> None:
    """What a reader may ask for by the UK GDPR: a copy, erasure, restriction, objection, rectification.

    On the host with the keys, for the data protection officer. The reader's name is read from standard input
    or asked for, never an argument; what is written down is the pseudonym, the case and the officer.

    \b
    Example:
      journalguard rights access --site /srv/journalguard --case SD-1234 --dpo mholmes
      echo jdoe | journalguard rights erase --site /srv/journalguard --reader - --case SD-1234 --dpo mholmes
    """


rights.add_command(documents)


@rights.command(short_help="Erase all that is held of a reader.")
@request_options
@click.option("--check", is_flag=True, help="Only look whether anything is left.")
def erase(folder: Path, reader: str | None, reference: str, officer: str, check: bool) -> None:
    """Erase all that is held of a reader, wherever it is; the reader's next line is a stranger's.

    May be run beside `run`, `ship` and workers. Tells for each store what is gone and what goes by itself, by
    when; --check looks again later. The exit code is 1 while something is left that should be gone.

    \b
    Example:
      echo jdoe | journalguard rights erase --site /srv/journalguard --reader - --case SD-1234 --dpo mholmes
    """
    site, asked = ask(folder, reader, reference, officer)
    now = time.time()
    with _database(site) as database:
        if not check:
            with database.writing() as connection:
                case = open_case(connection, Right.ERASE, asked, now)
                ask_erasure(connection, asked.accounts, reference, now)
                record(connection, asked, ActKind.RIGHTS_ERASE, case, now)
            erase_everywhere(site, asked, database)
        status = find_left(site, asked, database, now)
        if not status.left:
            with database.writing() as connection:
                close_case(connection, Right.ERASE, reference, "erased", now)
    for line in status.lines:
        click.echo(line)
    if status.left:
        raise click.ClickException("not complete yet; look again with --check")


@rights.command(short_help="Leave a reader's account alone for the time being.")
@request_options
@click.option("--lift", is_flag=True, help="End the restriction.")
def restrict(folder: Path, reader: str | None, reference: str, officer: str, lift: bool) -> None:
    """Leave a reader's account alone: no scoring, no alerts, no reveal without the DPO; --lift ends it.

    What is held stays as it is, and is not deleted by age meanwhile.

    \b
    Example:
      journalguard rights restrict --site /srv/journalguard --case SD-1234 --dpo mholmes
    """
    site, asked = ask(folder, reader, reference, officer)
    _restrict(site, asked, Right.RESTRICT, None if not lift else "lifted")
    click.echo("The restriction is lifted." if lift else "The account is left alone from now on.")


@rights.command("object", short_help="Register an objection, or its outcome.")
@request_options
@click.option(
    "--outcome",
    type=click.Choice(["upheld", "refused"]),
    help="upheld: the account stays restricted; refused: the restriction ends.",
)
def objection(folder: Path, reader: str | None, reference: str, officer: str, outcome: str | None) -> None:
    """Register a reader's objection to the profiling; the account is left alone until there is an outcome.

    \b
    Example:
      journalguard rights object --site /srv/journalguard --case SD-1234 --dpo mholmes
    """
    site, asked = ask(folder, reader, reference, officer)
    _restrict(site, asked, Right.OBJECT, outcome)
    click.echo(
        f"The objection is {outcome}."
        if outcome
        else "The objection is registered; the account is left alone."
    )


def _restrict(site: SiteFolder, asked: SubjectRequest, right: Right, outcome: str | None) -> None:
    """Restrict; or close the case with this outcome, which may end the restriction."""
    now, lifts = time.time(), outcome in ("lifted", "refused")
    with _database(site) as database, database.writing() as connection:
        if outcome is None:
            put_restriction(connection, asked.accounts, asked.reference, now)
            case = open_case(connection, right, asked, now)
        elif lifts and not lift_restriction(connection, asked.accounts):
            raise click.ClickException("this account is not restricted")
        else:
            case = close_cases(connection, right, asked.accounts[0], outcome, now)
        kind = ActKind.RIGHTS_RESTRICT if right is Right.RESTRICT else ActKind.RIGHTS_OBJECT
        kind = ActKind.RIGHTS_LIFT if outcome == "lifted" else kind
        record(connection, asked, kind, case, now, outcome or "")
    if lifts or outcome is None:
        notify_stream(site, asked, CommandKind.LIFT if lifts else CommandKind.RESTRICT)


class Wrong(StrEnum):
    """What was wrong about whose doings an alert tells."""

    SHARED = "shared-account"
    REALM = "realm-alias"
    OTHER = "other"


@rights.command(short_help="Correct whose doings the alerts of an account tell.")
@request_options
@click.option(
    "--what", type=click.Choice([each.value for each in Wrong]), required=True, help="What is wrong."
)
def rectify(folder: Path, reader: str | None, reference: str, officer: str, what: str) -> None:
    """Note on every alert of the account that it was attributed wrongly: each gets the verdict "wrong data".

    Set `realms` in site.toml where spellings of your realm were taken for two people.

    \b
    Example:
      journalguard rights rectify --site /srv/journalguard --case SD-1234 --dpo mholmes --what shared-account
    """
    site, asked = ask(folder, reader, reference, officer)
    now = time.time()
    with _database(site) as database, database.writing() as connection:
        case = open_case(connection, Right.RECTIFY, asked, now)
        note = f"Attribution rectified, {what}; case {reference}"
        mended = rectify_alerts(connection, asked.accounts, note, officer, now)
        close_case(connection, Right.RECTIFY, reference, what, now)
        record(connection, asked, ActKind.RIGHTS_RECTIFY, case, now, what)
    click.echo(f"{mended} of the account's alerts are marked as wrong data.")


@rights.command(short_help="Write a copy of all that is held of a reader.")
@request_options
def access(folder: Path, reader: str | None, reference: str, officer: str) -> None:
    """Write a copy of all that is held of a reader, as JSON and as HTML to print, into SITE/rights/CASE.

    Only you can read it there; it is deleted after the days of retention.copies.

    \b
    Example:
      journalguard rights access --site /srv/journalguard --case SD-1234 --dpo mholmes
    """
    site, asked = ask(folder, reader, reference, officer)
    now = time.time()
    drop_old_copies(site, now)
    with _database(site) as database:
        with database.writing() as connection:
            case = open_case(connection, Right.ACCESS, asked, now)
            record(connection, asked, ActKind.RIGHTS_ACCESS, case, now)
        with database.reading() as connection:
            found = [with_state(site, holdings(connection, account)) for account in asked.accounts]
        place = write_copy(site, asked, found, now)
        with database.writing() as connection:
            close_case(connection, Right.ACCESS, reference, "copied", now)
    click.echo(f"{place}: {JSON} and {HTML}; hand them over and remove them")


@contextmanager
def _database(site: SiteFolder) -> Iterator[Database]:
    with closing(open_database(database_of(site), create=False, durable=True)) as database:
        yield database
