"""``rights documents``: templates for the data protection officer, filled from the site."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from alerts_api.audit.signing import PUBLIC_FILE
from alerts_api.signin.actors import Role
from pseudonymiser import keys
from pseudonymiser.holders import load_keyring
from service.cli import audit
from service.cli.options import FOLDER, read_site, site_option
from service.config.settings import SiteFolder
from service.privacy.documents import DOCUMENTS, SiteFacts, render
from service.records.events import AccessEvent
from service.records.identities import Mode


@click.command(short_help="Write notice, DPIA, record of processing and the like.")
@site_option
@click.option("--out", type=FOLDER, required=True, help="Folder to write into; made if it is not there.")
def documents(folder: Path, out: Path) -> None:
    """Write templates of the documents of data protection, filled from the site's settings.

    Privacy notice, impact assessment, record of processing, legitimate-interest assessment, decision on
    pseudonymisation: for the data protection officer to judge and complete. Files there are written anew.

    \b
    Example:
      journalguard rights documents --site /srv/journalguard --out /tmp/documents
    """
    facts = _facts(read_site(folder))
    out.mkdir(parents=True, exist_ok=True)
    for name, title in DOCUMENTS.items():
        path = out / f"{name}.html"
        path.write_text(render(name, facts), encoding="utf-8")
        click.echo(f"{path}: {title}")


def _facts(site: SiteFolder) -> SiteFacts:
    keyring = load_keyring(site.keyholders)
    return SiteFacts(
        settings=site.settings,
        made_on=datetime.now(UTC).date().isoformat(),
        version=version("journalguard"),
        epoch=keys.load(site.keys).epoch,
        holders=0 if keyring.lacking else len(keyring.holders),
        holders_needed=2 if keyring.mode is Mode.TWO else 1,
        audit_signed=(site.folder / audit.FOLDER / PUBLIC_FILE).exists(),
        roles=tuple(role.value.replace("_", " ") for role in Role),
        fields=tuple(name.replace("_", " ") for name in AccessEvent.__struct_fields__),
    )
