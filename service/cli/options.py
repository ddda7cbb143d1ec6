"""What several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from service.base.conversion import plain
from service.config.description import Setting, settings_by_key
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


OVERRIDES = "By default the site's setting."
AGAIN = "Can be given again."


def setting_option(
    key: str, *names: str, words: str = "", preset: bool = False, **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make an option that stands for a setting.

    Args:
        key: the setting; its first sentence is the help, its range the option's.
        names: of the option, as click takes them.
        words: what else the help says.
        preset: whether the option has the default of the setting; else it has none.
        more: for click.
    """
    setting = settings_by_key()[key]
    default = {"default": setting.default, "show_default": True} if preset else {}
    words = f"{setting.brief} {words}".rstrip()
    return click.option(*names, **{"type": _type(setting), "help": words, **default, **more})


def _type(setting: Setting) -> click.ParamType | None:
    limits = setting.limits
    low, high = limits.get("gt", limits.get("ge")), limits.get("le")
    if plain(setting.hint) is int:
        return click.IntRange(low, high)
    if plain(setting.hint) is float:
        return click.FloatRange(low, high, min_open="gt" in limits)
    return None


def read_site(folder: Path) -> SiteFolder:
    """The site, with the environment's overrides."""
    return load_site(folder.absolute(), os.environ)


def database_of(site: SiteFolder) -> str | Path:
    """Where the site's alerts are kept: PostgreSQL's URL, or a file of SQLite in its folder."""
    return site.settings.database_url or site.database
