"""Reads a site's settings: ``site.toml``, with what the environment overrides."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from service.base.conversion import faults
from service.base.errors import SettingsError, SiteError
from service.base.toml import line_of
from service.config.environment import Override, overrides
from service.config.settings import SETTINGS_FILE, Settings, SiteFolder
from service.config.type_errors import type_error
from service.config.validation import complaints


def load_site(folder: Path, environment: Mapping[str, str]) -> SiteFolder:
    """Read the site in a folder.

    Raises:
        SiteError: there is none.
        SettingsError: a setting is wrong; the text names file and line, or the environment variable.
    """
    path = folder / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SiteError(f"{path}: no site here; make one with `journalguard init {folder} …`") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    return SiteFolder(folder, parse(text, str(path), environment))


def parse(text: str, where: str, environment: Mapping[str, str] | None = None) -> Settings:
    """Read settings from TOML, then from the environment, and check what comes of both.

    Args:
        text: of ``site.toml``.
        where: names the file in errors.
        environment: variables that override the file.

    Raises:
        SettingsError: see ``load_site``.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where}: {error}; strings need quotes, lists brackets") from None
    found = tuple(overrides(environment or {}))
    _lay_over(values, found)
    return check(values, lambda key: _place(key, text, where, found))


def check(values: Mapping[str, Any], place: Callable[[str], str]) -> Settings:
    """Check that values have a meaning, and make settings of them.

    Args:
        values: of the settings by name; those of a table as a mapping.
        place: says where a setting stands, one of a table as ``kafka.user``.

    Raises:
        SettingsError: the first value that has none, with its place and the mend.
    """
    for fault in faults(values, Settings):
        key, complaint = type_error(fault)
        raise SettingsError(f"{place(key)}: {complaint}")
    settings = msgspec.convert(values, Settings)
    for key, complaint in complaints(settings):
        raise SettingsError(f"{place(key)}: {complaint}")
    return settings


def _lay_over(values: dict[str, Any], found: Iterable[Override]) -> None:
    """Set the values of the environment among those of the file, in tables made where there are none."""
    for setting, value, _ in found:
        table: Any = values
        for name in setting.table.split(".") if setting.table else ():
            table = table.setdefault(name, {}) if isinstance(table, dict) else None
        if isinstance(table, dict):  # else the file is wrong, and told so
            table[setting.name] = value


def _place(key: str, text: str, where: str, found: Iterable[Override]) -> str:
    """Say where a setting stands: in the environment, in the file, or in both for a part of a table."""
    origins = {override.setting.key: override for override in found}
    if key in origins:
        return origins[key].where
    line = line_of(text, key.split("."))
    place = f"{where}, line {line}" if line else where
    outer = key.rpartition(".")[0]
    beside = [override.where for override in found if outer and override.setting.table == outer]
    return f"{place}, and {' and '.join(beside)}" if beside else place
