"""``keyholder``: the ceremony of the keys that alone can name a reader.

``new``, ``rotate``, ``restore``, ``rehearse`` and ``open`` are for the holder, on a computer of the holder's
own that needs nothing of the site. ``list``, ``add`` and ``revoke`` are for the administrator, at the site.
"""

from pathlib import Path

import click

from alerts_api.audit import key_acts
from alerts_api.audit.leaves import ActKind
from pseudonymiser import holders
from pseudonymiser.errors import KeyHolderError
from pseudonymiser.holders import Holder, Keyring
from service.cli.holder_key import new, open_, rehearse, restore, rotate
from service.cli.key_acts import note_act
from service.cli.options import read_site, site_option
from service.records.identities import Mode

LOSE = "nobody can be named"
RETAINED = "90 days after the account was last seen"

_PUBLIC = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def keyholder() -> None:
    """The keys that alone can name a reader: make, hand over, use, replace.

    Whose account a pseudonym is, is sealed when it is first seen, for the key-holders' public keys. Their
    private keys are on their own computers and on paper, never at the site: no process of journalguard can
    open what it has sealed. If all key-holders lose key and paper, or forget their passphrases, nobody can
    be named any more, ever. So have three holders, and rehearse once a year.

    \b
    Example:
      holder's computer:  journalguard keyholder new library-desk-1
      at the site:        journalguard keyholder add --site /srv/journalguard library-desk-1.pub
      holder's computer:  journalguard keyholder open library-desk-1.key released.json
    """


@keyholder.command("list", short_help="Tell who the key-holders are.")
@site_option
def list_(folder: Path) -> None:
    """Tell who the site's key-holders are, with the words of their fingerprints.

    \b
    Example:
      journalguard keyholder list --site /srv/journalguard
    """
    keyring = holders.load_keyring(read_site(folder).keyholders)
    for holder in keyring.holders:
        click.echo(f"{holder.label}\t{holder.id}\t{holder.words}")
    if keyring.lacking:
        raise click.ClickException(
            f"identities are not sealed, so nobody can ever be named: {keyring.lacking}; "
            "see `journalguard keyholder new --help`"
        )
    click.echo(f"It takes {_needed(keyring.mode)} to name a reader.")


@keyholder.command(short_help="Let a holder open identities from now on.")
@site_option
@click.argument("public", type=_PUBLIC, metavar="FILE.pub")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    help="Holders it takes from now on: one or two.",
)
@click.option("--dry-run", is_flag=True, help="Check and tell everything, change nothing.")
def add(folder: Path, public: Path, mode: str | None, dry_run: bool) -> None:
    """Let the holder of FILE.pub open identities from now on.

    Call the holder, on a number you know: the fingerprint has to be read to you by the person, not by a mail.
    A file of a label that is there already replaces it (the holder's `keyholder rotate`). Holds from the next
    start of `journalguard run` or `ship`; what was sealed before is sealed anew as its account is seen.

    \b
    Example:
      journalguard keyholder add --site /srv/journalguard library-desk-1.pub
      journalguard keyholder add --site /srv/journalguard --mode two library-desk-2.pub
    """
    site = read_site(folder)
    place = site.keyholders
    holder, before = holders.read_holder(public), holders.load_keyring(place)
    others = tuple(h for h in before.holders if h.label != holder.label)
    after = holders.check_keyring(Keyring((*others, holder), Mode(mode) if mode else before.mode))
    _confirm_fingerprint(holder)
    for sentence in _news(before, after, holder):
        click.echo(sentence)
    if dry_run:
        click.echo("Dry run: nothing was changed.")
        return
    holders.add_holder(place, holder, after.mode)
    replaced = any(h.label == holder.label for h in before.holders)
    kind = ActKind.HOLDER_ROTATED if replaced else ActKind.HOLDER_ADDED
    words = f"{holder.label} {holder.id}"
    note_act(site, kind, digest=key_acts.digest_of(holder.public.hex()), note=words)
    if after.mode is not before.mode:
        note_act(site, ActKind.MODE_CHANGED, outcome=f"from-{before.mode}-to-{after.mode}")
    click.echo(f"{holder.label}: is a key-holder; start `journalguard run` again")


@keyholder.command(short_help="Let a holder open nothing more.")
@site_option
@click.argument("label")
@click.option("--dry-run", is_flag=True, help="Tell what it would mean, change nothing.")
def revoke(folder: Path, label: str, dry_run: bool) -> None:
    """Let the holder LABEL open nothing that is sealed from now on.

    What was sealed before can still be opened with that key by somebody who gets hold of it; it is sealed
    anew without this holder as each account is seen. Holds from the next start of `run` or `ship`.

    \b
    Example:
      journalguard keyholder revoke --site /srv/journalguard library-desk-1 --dry-run
    """
    site = read_site(folder)
    place = site.keyholders
    before = holders.load_keyring(place)
    holder = before.find(label)
    after = Keyring(tuple(h for h in before.holders if h != holder), before.mode)
    click.echo(_loss(after))
    if dry_run:
        click.echo("Dry run: nothing was changed.")
        return
    _confirm_loss(holder, after)
    kept = holders.retire_holder(place, label)
    digest, words = key_acts.digest_of(holder.public.hex()), f"{holder.label} {holder.id}"
    note_act(site, ActKind.HOLDER_REVOKED, digest=digest, note=words)
    click.echo(f"{label}: revoked, the public key is kept as {kept}; start `journalguard run` again")


def _confirm_fingerprint(holder: Holder) -> None:
    """The administrator types what the holder reads aloud."""
    click.echo(
        f"{holder.label} ({holder.id}): have the holder read the eight words of the fingerprint to you."
    )
    heard = str(click.prompt("Type what you hear")).casefold().split()
    if [word[:4] for word in heard] != [word[:4] for word in holder.words.split()]:
        raise KeyHolderError(
            "these are not the words of the file: it was changed on the way, or misheard; nothing was changed"
        )


def _news(before: Keyring, after: Keyring, holder: Holder) -> list[str]:
    """What adding the holder means."""
    news = []
    replaced = [h for h in before.holders if h.label == holder.label and h != holder]
    if replaced:
        news.append(
            f"Replaces the key {replaced[0].id} of {holder.label}. What is sealed for that one needs it "
            f"still: the holder keeps it until {RETAINED}."
        )
    if before.mode is Mode.TWO and after.mode is Mode.ONE:
        news.append("Warning: until now it took two key-holders to name a reader, from now on it takes one.")
    news.append(_loss(after))
    return news


def _loss(keyring: Keyring) -> str:
    """How near the site is to losing everybody who can name a reader."""
    count, needed = len(keyring.holders), _needed(keyring.mode)
    holders_ = f"{count} key-holder{'' if count == 1 else 's'}"
    if keyring.lacking:
        return (
            f"WARNING: there would be {holders_} and it takes {needed}: no identity is sealed from then on, "
            "and a stolen account can be found but its reader never told. What is sealed already can be "
            "opened only with the keys it was sealed for; without those, never."
        )
    if count == (2 if keyring.mode is Mode.TWO else 1):
        return (
            f"Warning: there would be {holders_} and it takes {needed}. Lose one key with its paper, and "
            "nobody can be named any more, ever. Add another."
        )
    return f"There would be {holders_}, and it takes {needed} to name a reader."


def _confirm_loss(holder: Holder, after: Keyring) -> None:
    if not after.lacking:
        click.confirm(f"Revoke {holder.label}?", abort=True)
    elif click.prompt(f'To go on nevertheless, type "{LOSE}"') != LOSE:
        raise click.Abort


def _needed(mode: Mode) -> str:
    return "any two key-holders" if mode is Mode.TWO else "any one key-holder"


for command in (new, rotate, restore, rehearse, open_):
    keyholder.add_command(command)
