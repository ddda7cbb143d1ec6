"""What several commands share."""

import logging
import os
import sys
import time
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


def read_site(folder: Path) -> SiteFolder:
    """The site, with the environment's overrides."""
    return load_site(folder.absolute(), os.environ)


def database_of(site: SiteFolder) -> str | Path:
    """Where the site's alerts are kept: PostgreSQL's URL, or a file of SQLite in its folder."""
    return site.settings.database_url or site.database


def start_logging() -> None:
    """Short lines on standard error, times in UTC. Nothing that is logged names a person or an address."""
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("journalguard").setLevel(logging.INFO)
