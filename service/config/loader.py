"""Reads a site's settings: ``site.toml``, overridden by a few environment variables."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec

from service.base.errors import SettingsError, SiteError
from service.config.settings import (
    SETTINGS_FILE,
    KafkaSettings,
    Mechanism,
    RetentionSettings,
    RevealSettings,
    RoleGroups,
    Security,
    Settings,
    SignInSettings,
    SiteFolder,
)
from service.config.validation import complaints, nearest

ENVIRONMENT = "JOURNALGUARD_"
OVERRIDES = (
    "host",
    "port",
    "alerts_per_day",
    "geo_city",
    "geo_asn",
    "database_url",
    "shipper",
    "metrics_port",
)
SERVERS = ENVIRONMENT + "KAFKA_SERVERS"  # host:port,host:port

_CHOICES = {
    "username": ("user", "session"),
    "forwarded": ("first", "last"),
    "kafka.security": get_args(Security),
    "kafka.mechanism": get_args(Mechanism),
}
_TABLES: dict[str, type[msgspec.Struct]] = {
    "kafka": KafkaSettings,
    "retention": RetentionSettings,
    "reveal": RevealSettings,
    "signin": SignInSettings,
    "signin.roles": RoleGroups,
}


def load_site(folder: Path, environment: Mapping[str, str]) -> SiteFolder:
    """The site in ``folder``. Raises ``SiteError`` where there is none, else ``SettingsError``."""
    path = folder / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SiteError(f"{path}: no site here; make one with `journalguard init {folder} …`") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    return SiteFolder(folder, _overridden(parse(text, str(path)), environment))


def parse(text: str, where: str) -> Settings:
    """Settings from TOML; ``where`` names the file in errors. Raises ``SettingsError``."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where}: {error}; strings need quotes, lists brackets") from None

    def place(key: str) -> str:
        line = _line(text, key)
        return f"{where}, line {line}" if line else where

    return check(values, place)


def check(values: Mapping[str, Any], place: Callable[[str], str], *, strict: bool = True) -> Settings:
    """Values that have a meaning; ``place(key)`` says where one stands, a key of a table as ``kafka.user``.

    Without ``strict`` texts may stand for numbers. Raises ``SettingsError``.
    """
    try:
        settings = msgspec.convert(values, Settings, strict=strict)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{place(_key(error))}: {_plain(error)}") from None
    for key, complaint in complaints(settings):
        raise SettingsError(f"{place(key)}: {complaint}")
    return settings


def _overridden(settings: Settings, environment: Mapping[str, str]) -> Settings:
    names = {key: ENVIRONMENT + key.upper() for key in OVERRIDES}
    found = {key: environment[name] for key, name in names.items() if name in environment}
    values = {**msgspec.to_builtins(settings), **found}
    if SERVERS in environment:
        servers = [server.strip() for server in environment[SERVERS].split(",")]
        values["kafka"] = {**(values["kafka"] or {}), "servers": servers}
        names["kafka.servers"] = SERVERS
    return check(values, lambda key: f"environment variable {names.get(key, key)}", strict=False)


def _key(error: msgspec.ValidationError) -> str:
    """The setting that msgspec complains of, with its table."""
    path = re.search(r"at `\$\.([\w.]+)", str(error))
    field = re.search(r"field `(\w+)`", str(error))
    return ".".join(found[1] for found in (path, field) if found)


def _plain(error: msgspec.ValidationError) -> str:
    key = _key(error)
    text = str(error).split(" - at ")[0].replace("`", "")
    if text.startswith("Object missing"):
        return f"the setting {key!r} is missing"
    if text.startswith("Object contains unknown"):
        return _unknown(key)
    if text.startswith("Expected object"):
        return f"{key}: is a table; write [{key}] and its settings below"
    if text.startswith("Invalid enum"):
        text += "; choose " + " or ".join(f'"{choice}"' for choice in _CHOICES[key])
    return f"{key}: {text[0].lower()}{text[1:]}"


def _unknown(key: str) -> str:
    table, _, name = key.rpartition(".")
    if key == "retention_days":
        return f"{key!r} is now events in the table [retention]; write it there"
    if not table:
        return f"unknown setting {key!r}{nearest(key, Settings.__struct_fields__)}"
    if name in Settings.__struct_fields__:
        return f"{name!r} is no setting of [{table}]; move it above the line [{table}]"
    return f"unknown setting {name!r} of [{table}]{nearest(name, _TABLES[table].__struct_fields__)}"


def _line(text: str, key: str) -> int:
    """Line of a setting, from 1; of one of a table that does not stand there, the table's; 0 for none."""
    table, _, name = key.rpartition(".")
    lines = text.splitlines()
    start = _find(lines, table, 0) if table else 0
    return _find(lines, name, start) or start


def _find(lines: Sequence[str], key: str, start: int) -> int:
    found = (i for i in range(start, len(lines)) if re.match(rf"\s*[\"'\[]*{re.escape(key)}\b", lines[i]))
    return next(found, -1) + 1
