"""``users`` and ``tokens``: who may sign in without an identity provider, and which programs may ask.

Both are for the administrator at the site. Secrets are typed and shown on the terminal, and nowhere else.
"""

import time
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from pathlib import Path

import click

from alerts_api.signin import credentials
from alerts_api.signin import tokens as token_rows
from alerts_api.signin import users as user_rows
from alerts_api.signin.actors import GATE_ROLES, Role
from alerts_api.signin.administration import record
from alerts_api.signin.errors import UserError
from alerts_api.storage.database import Database, open_database
from service.cli.options import database_of, read_site, site_option
from service.cli.terminal import ask_new_secret, keep_no_core, show_once

_roles = click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    required=True,
    help="What the user may do; can be given again.",
)
_SAME_AS = "Who it is by another way: the `sub` of the identity provider, or local:NAME."
_token_roles = click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role if role not in token_rows.PERSONS_ONLY]),
    multiple=True,
    required=True,
    help="In which role the program asks; can be given again.",
)


@click.group()
def users() -> None:
    """Who may sign in to the pages with a password and an authenticator app.

    For a site without an identity provider, and for the day when that is away. From the first user on
    everybody signs in. Nobody is admin and key_holder at once.

    \b
    Example:
      journalguard users add --site /srv/journalguard jane.doe --role analyst
      journalguard users list --site /srv/journalguard
    """


@users.command("add", short_help="Let somebody sign in.")
@site_option
@click.argument("name")
@_roles
@click.option("--is", "same_as", metavar="SUB", help=_SAME_AS)
def add_user(folder: Path, name: str, roles: tuple[str, ...], same_as: str | None) -> None:
    """Let NAME sign in, who sits at this terminal: types a password, and takes the secret into an app.

    Where the site has an identity provider too, key-holders, approvers and data protection officers need
    --is: one person who signs in by two ways must not be taken for two.

    \b
    Example:
      journalguard users add --site /srv/journalguard jane.doe --role analyst --role key_holder
      journalguard users add --site /srv/journalguard jane.doe --role approver --is 00u-jane
    """
    chosen = [Role(role) for role in roles]
    user_rows.check_name(name)
    user_rows.check_roles(chosen)
    if read_site(folder).settings.signin is not None and same_as is None and GATE_ROLES.intersection(chosen):
        raise UserError(
            f"{name}: this site has an identity provider; say by --is who {name} is there (the `sub` that "
            "the audit log shows), so that one person is not taken for two"
        )
    with _opened(folder) as database, database.reading() as connection:
        user_rows.check_link(connection, name, same_as)
    sealed, secret = _enrol(name)
    with _opened(folder) as database, database.writing() as connection:
        user_rows.add(connection, name, chosen, sealed, secret)
        record(connection, "user-added", user_rows.subject_of(name), time.time())
        if same_as is not None:
            user_rows.link(connection, name, same_as)
            record(connection, "user-linked", user_rows.subject_of(name), time.time())
    click.echo(f"{name}: may sign in as {', '.join(roles)}")


@users.command("link", short_help="Say who a user is at the identity provider.")
@site_option
@click.argument("name")
@click.option("--is", "same_as", metavar="SUB", required=True, help=_SAME_AS)
def link_user(folder: Path, name: str, same_as: str) -> None:
    """Say that NAME is the same person as another sign-in. Approvals and budgets compare persons.

    \b
    Example:
      journalguard users link --site /srv/journalguard jane.doe --is 00u-jane
    """
    with _opened(folder) as database, database.writing() as connection:
        user_rows.require(connection, name)
        user_rows.check_link(connection, name, same_as)
        user_rows.link(connection, name, same_as)
        record(connection, "user-linked", user_rows.subject_of(name), time.time())
    click.echo(f"{name}: is the same person as {same_as}")


@users.command("list", short_help="Tell who may sign in.")
@site_option
def list_users(folder: Path) -> None:
    """Tell who may sign in, and as what.

    \b
    Example:
      journalguard users list --site /srv/journalguard
    """
    with _opened(folder) as database, database.writing() as connection:
        for user in user_rows.listed(connection):
            same = f"\tis {user.person}" if user.person else ""
            failed = f"\t{user.failures} wrong codes with the right password" if user.failures else ""
            click.echo(f"{user.name}\t{' '.join(sorted(user.roles))}{same}{failed}")


@users.command("reset", short_help="Give somebody a new password and a new secret.")
@site_option
@click.argument("name")
def reset_user(folder: Path, name: str) -> None:
    """Give NAME a new password and a new secret; sessions and waiting times of the old ones end.

    \b
    Example:
      journalguard users reset --site /srv/journalguard jane.doe
    """
    with _opened(folder) as database, database.writing() as connection:
        user_rows.require(connection, name)
    sealed, secret = _enrol(name)
    with _opened(folder) as database, database.writing() as connection:
        user_rows.reset(connection, name, sealed, secret)
        record(connection, "user-reset", user_rows.subject_of(name), time.time())
    click.echo(f"{name}: signs in with the new ones from now on")


@users.command("remove", short_help="Let somebody sign in no more.")
@site_option
@click.argument("name")
def remove_user(folder: Path, name: str) -> None:
    """Let NAME sign in no more; sessions end at once.

    \b
    Example:
      journalguard users remove --site /srv/journalguard jane.doe
    """
    with _opened(folder) as database, database.writing() as connection:
        user_rows.remove(connection, name)
        record(connection, "user-removed", user_rows.subject_of(name), time.time())
        last = not user_rows.any_there(connection)
    click.echo(f"{name}: cannot sign in any more")
    if last:
        click.echo("That was the last user: whoever sits at this machine may read alerts and judge them.")


@click.group()
def tokens() -> None:
    """What lets programs ask the JSON API: Authorization: Bearer TOKEN.

    \b
    Example:
      journalguard tokens new --site /srv/journalguard prometheus --role admin --days 90
      journalguard tokens list --site /srv/journalguard
    """


@tokens.command("new", short_help="Make a token.")
@site_option
@click.argument("label")
@_token_roles
@click.option("--writes", is_flag=True, help="It may also act, not only read.")
@click.option(
    "--days",
    type=click.IntRange(1, token_rows.LONGEST_DAYS),
    default=token_rows.LONGEST_DAYS,
    show_default=True,
    help="How long it lasts.",
)
def new_token(folder: Path, label: str, roles: tuple[str, ...], writes: bool, days: int) -> None:
    """Make a token for the program LABEL. It is shown once, on the terminal; its hash is kept.

    \b
    Example:
      journalguard tokens new --site /srv/journalguard ticket-desk --role analyst --writes --days 30
    """
    keep_no_core()
    wanted = token_rows.TokenRequest(label, frozenset(map(Role, roles)), writes, days)
    token_rows.check(wanted)
    text = token_rows.draw()
    show_once(f"The token of {label}, for {days} days:\n\n  {text}")
    with _opened(folder) as database, database.writing() as connection:
        token = token_rows.keep(connection, text, wanted, time.time())
        record(connection, "token-made", f"token:{token}", time.time())
    click.echo(f"{token}: lets {label} in for {days} days")


@tokens.command("list", short_help="Tell which tokens there are.")
@site_option
def list_tokens(folder: Path) -> None:
    """Tell which tokens there are: id, program, roles, whether it may act, last day.

    \b
    Example:
      journalguard tokens list --site /srv/journalguard
    """
    with _opened(folder) as database, database.writing() as connection:
        for token in token_rows.listed(connection):
            end = datetime.fromtimestamp(token.expires_at, UTC).date()
            act = "acts" if token.writes else "reads"
            click.echo(f"{token.token}\t{token.label}\t{' '.join(sorted(token.roles))}\t{act}\tuntil {end}")


@tokens.command("revoke", short_help="End a token.")
@site_option
@click.argument("token")
def revoke_token(folder: Path, token: str) -> None:
    """End the token with the id TOKEN at once.

    \b
    Example:
      journalguard tokens revoke --site /srv/journalguard 0123456789ab
    """
    with _opened(folder) as database, database.writing() as connection:
        token_rows.revoke(connection, token)
        record(connection, "token-revoked", f"token:{token}", time.time())
    click.echo(f"{token}: is worth nothing any more")


def _enrol(name: str) -> tuple[str, bytes]:
    """A sealed password and a secret, both in the user's hands: a code proves that the app has it."""
    keep_no_core()
    while complaint := credentials.password_problem(password := ask_new_secret(f"Password of {name}"), name):
        click.echo(f"{complaint[0].upper()}{complaint[1:]}.", err=True)
    secret = credentials.new_secret()
    show_once(
        "Take this into your authenticator app, as a link, as a QR code of your own making, or by typing\n"
        f"the secret. It is shown once.\n\n  {credentials.enrolment(secret, name)}"
    )
    code = str(click.prompt("The code that the app shows")).replace(" ", "")
    if credentials.totp_step(secret, code, time.time()) is None:
        raise UserError(
            "that is not the code of this secret; is this machine's clock right? Nothing was saved"
        )
    return credentials.hash_password(password), secret


def _opened(folder: Path) -> AbstractContextManager[Database]:
    return closing(open_database(database_of(read_site(folder)), create=True, durable=True))
