"""The key-holder's own part of ``keyholder``: the private key, its paper and the opening of a name."""

import secrets
from pathlib import Path

import click

from pseudonymiser import holder_key, wrapping
from pseudonymiser.canonical import Identity
from pseudonymiser.errors import KeyHolderError
from pseudonymiser.holder_key import HolderKey, OpenedIdentity
from pseudonymiser.holders import SUFFIX, check_label
from pseudonymiser.mnemonic import SECRET_WORDS
from pseudonymiser.seal_signing import check_signature
from pseudonymiser.vault import Vault
from pseudonymiser.wrapping import Cost
from service.cli.terminal import ask_at_once, ask_new_secret, ask_secret, harmless, keep_no_core, show_once
from service.records.identities import HalfOpened, Mode, SealedIdentity, encode

KEY_SUFFIX = ".key"
ASKED = 3  # words of the paper that are typed back
NOBODY = "u0_" + "a" * 24  # the pseudonym of a rehearsal

_KEY = click.Path(exists=True, dir_okay=False, path_type=Path)
_folder = click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Where the files go; by default the present folder.",
)
_dry_run = click.option("--dry-run", is_flag=True, help="Go through everything, keep nothing.")


@click.command(short_help="Make a key, its paper and its public file.")
@click.argument("label")
@_folder
@_dry_run
def new(label: str, folder: Path, dry_run: bool) -> None:
    """Make a key for the holder LABEL: LABEL.key, which stays with you, and LABEL.pub, which the site gets.

    On your own computer, alone, with pen and paper: 24 words are shown once, and they are the key. Keep the
    paper in a safe, not with the computer. The passphrase protects the file only: 15 characters or more.
    LABEL is a post, not a name: library-desk-1.

    \b
    Example:
      journalguard keyholder new library-desk-1
    """
    _make(HolderKey.new(check_label(label)), folder / label, dry_run=dry_run)


@click.command(short_help="Make a new key in place of one.")
@click.argument("key", type=_KEY, metavar="FILE.key")
@_dry_run
def rotate(key: Path, dry_run: bool) -> None:
    """Make a new key in place of FILE.key, which is kept beside it for what is sealed already.

    The administrator adds the new .pub file as the first one was: it replaces the old one there.

    \b
    Example:
      journalguard keyholder rotate library-desk-1.key
    """
    old = _unlock(key)
    young = HolderKey.new(old.holder.label)
    _make(young, key.with_name(f"{young.holder.label}-{young.holder.id[:8]}"), dry_run=dry_run)
    click.echo(f"Keep {key} and its paper: accounts not seen since are sealed for it")


@click.command(short_help="Make the key again from the paper.")
@click.argument("label")
@_folder
def restore(label: str, folder: Path) -> None:
    """Make LABEL.key and LABEL.pub again from the paper, with a new passphrase.

    Four letters of a word are enough. Compare the fingerprint with the one on the paper.

    \b
    Example:
      journalguard keyholder restore library-desk-1
    """
    keep_no_core()
    base = folder / check_label(label)
    _refuse_old(base)
    key = HolderKey.from_words(_ask_paper(), label)
    _write(key, base, _ask_passphrase())


@click.command(short_help="Prove that you could name a reader.")
@click.argument("key", type=_KEY, metavar="FILE.key")
@click.option("--paper", is_flag=True, help="Try the 24 words too.")
def rehearse(key: Path, paper: bool) -> None:
    """Prove that you could name a reader: an invented name is sealed for FILE.key and opened again.

    Nothing is written and no reader is touched. Once a year, with --paper.

    \b
    Example:
      journalguard keyholder rehearse library-desk-1.key --paper
    """
    mine = _unlock(key)
    sealed = Vault([mine.holder], "0", Mode.ONE).seal(NOBODY, Identity("", "rehearsal"))
    opened = mine.open(sealed)
    if not isinstance(opened, OpenedIdentity) or opened.user != "rehearsal":
        raise KeyHolderError(f"{key}: opened something else than was sealed; make a new key")
    click.echo(f"{key}: opens; fingerprint {mine.holder.words}")
    if paper:
        if HolderKey.from_words(_ask_paper(), mine.holder.label).holder != mine.holder:
            raise KeyHolderError("the paper is right in itself, but belongs to another key than the file")
        click.echo("The paper is the same key.")


@click.command("open", short_help="Open one released identity, show it once.")
@click.argument("key", type=_KEY, metavar="FILE.key")
@click.argument("released", type=click.File("rb"), metavar="RELEASED")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where the first of two holders puts what the second opens; by default standard output.",
)
@click.option("--seal-key", type=_KEY, help="SITE/seal.pub: refuse what the ingest host has not sealed.")
@click.option("--account", help="Account that you asked for, as the page of your request shows it.")
def open_(
    key: Path,
    released: click.utils.LazyFile,
    out: Path | None,
    account: str | None,
    seal_key: Path | None,
) -> None:
    """Open one RELEASED identity here and show the name once, on this terminal only.

    RELEASED is the file that the pages gave you after your request (- reads standard input). Where it takes
    two key-holders, the first gets a file that only the second can open, who sees the name.

    \b
    Example:
      journalguard keyholder open library-desk-1.key released.json --account u1_abcdefghijklmnopqrstuvwx
      journalguard keyholder open library-desk-1.key released.json --out half.json
      journalguard keyholder open library-desk-2.key half.json
    """
    record = holder_key.decode(released.read(), released.name)
    if account is not None and record.pseudonym != account.strip():
        raise KeyHolderError(
            f"{released.name}: sealed for {record.pseudonym}, not for the account that was asked for; "
            "nothing was opened. Somebody changed it: tell the data protection officer"
        )
    if isinstance(record, SealedIdentity) and not (seal_key and check_signature(record, seal_key)):
        click.echo(
            "Whether the ingest host sealed this was not checked, or it is of before the host signed: give "
            "--seal-key SITE/seal.pub, as the administrator hands it out.",
            err=True,
        )
    opened = _unlock(key).open(record)
    if isinstance(opened, OpenedIdentity):
        show_once(_identity_text(record.pseudonym, opened, compare=account is None))
        click.echo("Shown once. File the outcome with the request.")
    else:
        _hand_on(opened, out)


def _make(key: HolderKey, base: Path, *, dry_run: bool) -> None:
    """Passphrase, paper, proof of the paper, files."""
    keep_no_core()
    _refuse_old(base)
    passphrase = _ask_passphrase()
    _show_paper(key)
    if not dry_run:
        _write(key, base, passphrase)
        return
    click.echo(f"Fingerprint: {key.holder.words}")
    click.echo("Dry run: nothing was kept, tear up the paper.")


def _write(key: HolderKey, base: Path, passphrase: str) -> None:
    private, public = _files(base)
    wrapping.write_wrapped(private, key.wrapped(passphrase, Cost()))
    public.write_text(key.holder.line(), encoding="ascii")
    click.echo(f"Fingerprint: {key.holder.words}")
    click.echo(
        f"{private}: your key, which stays here; try it with `journalguard keyholder rehearse {private}`"
    )
    click.echo(f"{public}: for the administrator, who will call you and have the fingerprint read aloud")


def _show_paper(key: HolderKey) -> None:
    """Until the words that are asked for come back right."""
    words = key.words()
    lines = [
        " ".join(f"{n + 1:2} {words[n]:<9}" for n in range(start, start + 4)) for start in range(0, 24, 4)
    ]
    paper = "\n".join(
        ["Write this on paper; it is the key.", "", *lines, "", f"Fingerprint: {key.holder.words}"]
    )
    while True:
        show_once(f"journalguard key-holder {key.holder.label}\n\n{paper}")
        places = sorted(secrets.SystemRandom().sample(range(SECRET_WORDS), ASKED))
        if all(_same(ask_secret(f"Word {place + 1} on your paper: "), words[place]) for place in places):
            return
        click.echo("That is not what was shown; look again.", err=True)


def _same(typed: str, word: str) -> bool:
    return typed.strip().casefold()[:4] == word[:4]


def _ask_paper() -> str:
    return ask_at_once("The 24 words of the paper, in order, with blanks between them.", "Words:")


def _ask_passphrase() -> str:
    while True:
        passphrase = ask_new_secret(f"New passphrase, {wrapping.SHORTEST} characters or more")
        try:
            wrapping.check_passphrase(passphrase)
        except KeyHolderError as error:
            click.echo(str(error), err=True)
        else:
            return passphrase


def _unlock(path: Path) -> HolderKey:
    keep_no_core()
    wrapped = wrapping.read_wrapped(path)
    return HolderKey.unwrapped(wrapped, ask_secret(f"Passphrase of {path.name}: "))


def _refuse_old(base: Path) -> None:
    for path in _files(base):
        if path.exists():
            raise KeyHolderError(f"{path}: exists already; a key is never overwritten")


def _files(base: Path) -> tuple[Path, Path]:
    return base.with_name(base.name + KEY_SUFFIX), base.with_name(base.name + SUFFIX)


def _identity_text(pseudonym: str, opened: OpenedIdentity, *, compare: bool) -> str:
    lines = [f"Account   {pseudonym}", f"User      {harmless(opened.user)}"]
    lines.append(f"Realm     {harmless(opened.realm) or '(your own)'}")
    if opened.cut:
        lines.append("The name in the log was longer than what is kept: this is its beginning.")
    if compare:
        lines.append("Compare the account with the page of your request: another one is another reader.")
    return "\n".join(lines)


def _hand_on(half: HalfOpened, out: Path | None) -> None:
    if out is None:
        click.echo(encode(half))
    else:
        out.write_bytes(encode(half) + b"\n")
        click.echo(f"{out}: give it to another key-holder, who opens it and sees the name")
