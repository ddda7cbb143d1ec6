"""``audit``: the log of acts as files that others can check.

``key``, ``checkpoint`` and ``export`` are for the administrator, at the site. ``verify`` is for everybody:
it needs nothing of the site but what the administrator has handed out.
"""

import time
from contextlib import closing
from pathlib import Path

import click

from alerts_api.audit import publishing, signing, verification
from alerts_api.audit.checkpoints import Cadence
from alerts_api.audit.errors import NoteError
from alerts_api.audit.export import write_export
from alerts_api.audit.leaves import ActKind
from alerts_api.audit.mails import Mail
from alerts_api.audit.publishing import CheckpointTargets
from alerts_api.audit.signednote import PublicKey, parse_public
from alerts_api.storage.database import open_database
from service.base.files import whole_file
from service.cli.key_acts import note_act
from service.cli.options import EXISTING_FILE, EXISTING_FOLDER, database_of, read_site, site_option
from service.cli.terminal import harmless

FOLDER = "audit"  # of the site: the key of the checkpoints


@click.group()
def audit() -> None:
    """The log of who did what, which nobody can change unseen: sign, hand out, check.

    What is done in the pages stands in a log with a signed state, a checkpoint. Checkpoints belong out of the
    administrator's reach, by mail to the data protection officer or on a write-once share: whoever has one
    can see whether an export holds all that was there when it was made, unchanged.

    \b
    Example:
      at the site, once:    journalguard audit key --site /srv/journalguard --name alerts.example.ac.uk/audit
      at the site, by cron: journalguard audit checkpoint --site /srv/journalguard --keep /mnt/once --when-due
      at the site:          journalguard audit export --site /srv/journalguard audit.jsonl
      auditor's computer:   journalguard audit verify audit.jsonl --public-key public.key
    """


@audit.command(short_help="Make or show the key of the checkpoints.")
@site_option
@click.option(
    "--name", help="Make a key of this name, which is the log's too; without, show the one there is."
)
def key(folder: Path, name: str | None) -> None:
    """Make the key that signs checkpoints, or show its public part.

    The name is like an address of the log, alerts.example.ac.uk/audit, and need not lead anywhere. Give the
    public key to auditor and DPO yourself or by telephone: who can change it on the way can change the log.

    \b
    Example:
      journalguard audit key --site /srv/journalguard --name alerts.example.ac.uk/audit
      journalguard audit key --site /srv/journalguard > public.key
    """
    place = read_site(folder).folder / FOLDER
    if name is None:
        click.echo(signing.load(place).public.text())
        return
    public = signing.create(place, name)
    click.echo(public.text())
    click.echo(f"{place}: made; auditor and DPO get {place / signing.PUBLIC_FILE}, the line above", err=True)


@audit.command(short_help="Sign the log as it is now.")
@site_option
@click.option("--keep", type=EXISTING_FOLDER, help="Also lay it into this folder, best a write-once share.")
@click.option("--outgoing", type=EXISTING_FOLDER, help="Also lay a mail there, for your mailer to send.")
@click.option("--from", "sender", help="Sender of the mail.")
@click.option("--to", "recipient", help="Recipient of the mail.")
@click.option("--when-due", is_flag=True, help="Only after 256 new acts, or an hour with any.")
def checkpoint(
    folder: Path,
    keep: Path | None,
    outgoing: Path | None,
    sender: str | None,
    recipient: str | None,
    when_due: bool,
) -> None:
    """Sign the log as it is now; the checkpoint goes to standard output.

    It is refused if the log does not continue every checkpoint before, those in the folder of --keep
    included. Run it every few minutes with --when-due, from cron or a timer of systemd.

    \b
    Example:
      journalguard audit checkpoint --site /srv/journalguard --keep /mnt/once --when-due
      journalguard audit checkpoint --site /srv/journalguard --outgoing /var/spool/audit \\
        --from journalguard@example.ac.uk --to dpo@example.ac.uk
    """
    site = read_site(folder)
    places = CheckpointTargets(keep, _mail(outgoing, sender, recipient))
    signer = signing.load(site.folder / FOLDER)
    cadence = Cadence() if when_due else None
    with closing(open_database(database_of(site), create=False, durable=True)) as database:
        signed = publishing.keep(database, signer, places, now=int(time.time()), cadence=cadence)
    if signed is not None:
        click.echo(signed.note, nl=False)


@audit.command(short_help="Write the log into a file.")
@site_option
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(folder: Path, file: Path) -> None:
    """Write the log with its checkpoints into FILE, which only you can read.

    It names pseudonyms and what the staff did, never a reader. Free text is left out.

    \b
    Example:
      journalguard audit export --site /srv/journalguard audit.jsonl
    """
    site = read_site(folder)
    with (
        closing(open_database(database_of(site), create=False)) as database,
        database.reading() as connection,
        whole_file(file) as out,
    ):
        size = write_export(connection, out)
    note_act(site, ActKind.AUDIT_EXPORTED, outcome="console")
    click.echo(f"{file}: {size} acts")


@audit.command(short_help="Check an exported log.")
@click.argument("file", type=EXISTING_FILE)
@click.option(
    "--public-key",
    "keys",
    type=EXISTING_FILE,
    multiple=True,
    required=True,
    help="File of the log's public key; again for former ones.",
)
@click.option(
    "--checkpoint",
    "older",
    type=EXISTING_FILE,
    multiple=True,
    help="File of a checkpoint that was kept elsewhere; can be given again.",
)
def verify(file: Path, keys: tuple[Path, ...], older: tuple[Path, ...]) -> None:
    """Check the exported log FILE against the log's public key and checkpoints kept elsewhere.

    Needs no site, no database and no secret. The exit code is 1 if anything was changed, left out, moved or
    added behind a checkpoint. Without --checkpoint the holder of the signing key is believed.

    \b
    Example:
      journalguard audit verify audit.jsonl --public-key public.key --checkpoint 000000000256.checkpoint
    """
    public = [_public_key(path) for path in keys]
    kept = [(path.name, _text(path)) for path in older]
    with file.open("rb") as lines:
        report = verification.verify(lines, public, kept)
    for text in report.holds:
        click.echo(f"holds: {harmless(text)}")
    for text in report.remarks:
        click.echo(f"note: {harmless(text)}")
    for found in report.broken:
        click.echo(f"{found.what}: {harmless(found.text)}")
    if report.broken:
        raise click.ClickException(
            "this is not the log that was signed; keep file and database as they are, and tell the DPO"
        )
    click.echo("The log is what was signed.")


def _mail(outgoing: Path | None, sender: str | None, recipient: str | None) -> Mail | None:
    if outgoing is None and sender is None and recipient is None:
        return None
    if outgoing is None or not sender or not recipient:
        raise click.UsageError("a mail needs --outgoing, --from and --to")
    return Mail(outgoing, sender, recipient)


def _public_key(path: Path) -> PublicKey:
    try:
        return parse_public(_text(path))
    except NoteError as error:
        raise NoteError(f"{path}: {harmless(str(error))}") from None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise NoteError(f"{path}: not a text; was it cut, or changed by a mail program?") from None
