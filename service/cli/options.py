"""What several commands share."""

import os
from pathlib import Path

import click

from service.config.loader import load_site
from service.config.settings import SiteFolder

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)

site_option = click.option(
    "--site", "folder", type=FOLDER, required=True, help="Folder made by `journalguard init`."
)

log_json_option = click.option(
    "--log-json", is_flag=True, help="Log as JSON, an object a line, for a log collector."
)


def read_site(folder: Path) -> SiteFolder:
    """The site, with the environment's overrides."""
    return load_site(folder.absolute(), os.environ)


def database_of(site: SiteFolder) -> str | Path:
    """Where the site's alerts are kept: PostgreSQL's URL, or a file of SQLite in its folder."""
    return site.settings.database_url or site.database
