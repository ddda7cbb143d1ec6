"""Settings as their fields describe them: names, types, ranges, defaults, words and examples.

Everything that is said of settings is made of this: ``site.toml``, the reference, ``--help``, errors.
"""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from service.base.conversion import item_of, plain, record_of
from service.config.settings import Settings

PREFIX = "JOURNALGUARD_"  # of environment variables
_KINDS = {str: "text", bool: "`true` or `false`", int: "whole number", float: "number"}


class Setting(NamedTuple):
    """One setting."""

    table: str  # "kafka", "signin.roles"; "" for a setting of the site itself
    name: str
    hint: Any  # its field's annotation
    required: bool
    default: Any  # None where it is required
    words: str
    example: Any  # a value worth showing; None for none

    @property
    def key(self) -> str:
        """The full name, as ``kafka.user``."""
        return f"{self.table}.{self.name}" if self.table else self.name

    @property
    def variable(self) -> str:
        """The environment variable that overrides it, as ``JOURNALGUARD_KAFKA_USER``."""
        return PREFIX + self.key.replace(".", "_").upper()

    @property
    def full_words(self) -> str:
        """The words, with the texts it may have unless they tell them already."""
        untold = any(f'"{choice}"' not in self.words for choice in self.choices)
        return f"{self.words} Choose {self.values}." if untold else self.words

    @property
    def brief(self) -> str:
        """The first sentence of the words."""
        return self.words.partition(". ")[0].rstrip(".") + "."

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts it may have, where these are few."""
        kind = plain(self.hint)
        return get_args(kind) if get_origin(kind) is Literal else ()

    @property
    def limits(self) -> dict[str, float]:
        """The range of a number by ``ge``, ``gt`` and ``le``, as far as there is one."""
        found: dict[str, float] = {}
        for meta in _metas(self.hint):
            limits = {name: getattr(meta, name) for name in ("ge", "gt", "le")}
            found |= {name: limit for name, limit in limits.items() if limit is not None}
        return found

    @property
    def values(self) -> str:
        """Type and range in words, as "whole number, 0 to 65535"."""
        if self.choices:
            return " or ".join(f'"{choice}"' for choice in self.choices)
        item = item_of(self.hint)
        if item is not None:
            return f"list of {_KINDS[item]}s"
        return _KINDS[plain(self.hint)] + _range_words(self.limits)


class Table(NamedTuple):
    """A table of settings."""

    key: str  # "" for the settings of the site itself
    record: type[msgspec.Struct]
    settings: tuple[Setting, ...]
    words: str
    example: Any  # of a table that need not be there, a record to show; else None


@cache
def tables(record: type[msgspec.Struct] = Settings) -> tuple[Table, ...]:
    """Describe all settings, table by table, in the order in which ``site.toml`` has them."""
    return tuple(_tables(record, "", "", None))


@cache
def settings_by_key(record: type[msgspec.Struct] = Settings) -> dict[str, Setting]:
    """Describe all settings, each under its full name."""
    return {setting.key: setting for table in tables(record) for setting in table.settings}


def _tables(record: type[msgspec.Struct], key: str, words: str, example: Any) -> Iterator[Table]:
    settings, inner = [], []
    for field in msgspec.structs.fields(record):
        metas = _metas(field.type)
        said = next((meta.description for meta in metas if meta.description), "")
        shown = next((meta.examples[0] for meta in metas if meta.examples), None)
        nested = record_of(field.type)
        if nested is not None:
            inner.append((nested, f"{key}.{field.name}" if key else field.name, said, shown))
            continue
        default = None if field.required else field.default
        settings.append(Setting(key, field.name, field.type, field.required, default, said, shown or default))
    yield Table(key, record, tuple(settings), words, example)
    for each in inner:
        yield from _tables(*each)


def _metas(hint: Any) -> list[msgspec.Meta]:
    annotations = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return [each for each in annotations if isinstance(each, msgspec.Meta)]


def _range_words(limits: dict[str, float]) -> str:
    low, above, high = (limits.get(name) for name in ("ge", "gt", "le"))
    if low is not None and high is not None:
        return f", {low} to {high}"
    if low is not None:
        return f", {low} or more"
    if above is not None:
        return f" above {above}" + (f", at most {high}" if high is not None else "")
    return f", at most {high}" if high is not None else ""
