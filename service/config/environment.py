"""Settings from environment variables, or from files that such variables name.

``kafka.user`` is ``JOURNALGUARD_KAFKA_USER``, or the content of the file named by
``JOURNALGUARD_KAFKA_USER_FILE``, as Docker and Kubernetes hand in secrets. Lists are separated by commas;
where a comma stands within an item, a JSON array may be given.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from service.base.conversion import faults, item_of
from service.base.errors import SettingsError
from service.config.description import Setting, settings_by_key
from service.config.type_errors import value_error

FROM_FILE = "_FILE"  # ends the name of a variable that names a file


class Override(NamedTuple):
    """A value of the environment for one setting."""

    setting: Setting
    value: Any
    where: str  # the variable, and the file if it names one


def overrides(environment: Mapping[str, str]) -> Iterator[Override]:
    """Read the settings that the environment gives.

    Raises:
        SettingsError: a value has the wrong type or is out of range, a file cannot be read, or a setting is
            given twice. The text names variable and file.
    """
    for setting in settings_by_key().values():
        direct, by_file = setting.variable, setting.variable + FROM_FILE
        if direct in environment and by_file in environment:
            raise SettingsError(f"environment variables {direct} and {by_file}: give one of the two")
        if direct in environment:
            yield _override(setting, environment[direct], f"environment variable {direct}")
        elif by_file in environment:
            where = f"environment variable {by_file}, file {environment[by_file]}"
            yield _override(setting, _content(environment[by_file], where), where)


def _override(setting: Setting, text: str, where: str) -> Override:
    value = _items(text, where) if item_of(setting.hint) is not None else text
    for fault in faults(value, setting.hint, strict=False):
        raise SettingsError(f"{where}: {value_error(setting, fault, _example(setting))}")
    return Override(setting, msgspec.convert(value, setting.hint, strict=False), where)


def _items(text: str, where: str) -> list[str]:
    if text.lstrip().startswith('["'):
        try:
            return msgspec.json.decode(text, type=list[str])
        except msgspec.DecodeError as error:
            raise SettingsError(f'{where}: {error}; write a JSON array like ["a", "b"]') from None
    return [item.strip() for item in text.split(",")] if text else []


def _example(setting: Setting) -> str:
    """Show a value of a setting as an environment variable has it."""
    shown = setting.example
    return ",".join(shown) if isinstance(shown, list | tuple) else str(shown)


def _content(path: str, where: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{where}: {error.strerror}; name a file that can be read") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{where}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
