"""A site's ``site.toml`` as it is first written: every setting with words for the operator."""

import textwrap
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from service.base.toml import to_toml
from service.config.description import Table, tables
from service.config.settings import Settings

_WIDTH = 110
_HEAD = """\
# Settings of one site of journalguard. After a change start `journalguard run` again.
# Paths that do not begin with / are relative to this folder.
"""
_TABLES = "# Tables follow. A further setting of the site itself goes above this line."


def render(settings: Settings) -> str:
    """Write a commented ``site.toml`` that reads back as ``settings``.

    A table that the site does not have stands there as an example, commented out.
    """
    own, *others = tables(type(settings))
    blocks = [_HEAD, *_settings(own, settings, "")]
    for number, table in enumerate(others):
        found = _value(settings, table.key)
        shown = found if found is not None else _example(table, others)
        mark = "" if found is not None else "#"
        heading = [_TABLES, ""] if number == 0 else []
        blocks.append("\n".join([*heading, *_comment(table.words), f"{mark}[{table.key}]"]) + "\n")
        blocks += _settings(table, shown, mark)
    return "\n".join(blocks)


def _settings(table: Table, record: Any, mark: str) -> Iterator[str]:
    """Give the settings of a table, each with its words; ``mark`` comments a line out."""
    for setting in table.settings:
        line = f"{mark}{setting.name} = {to_toml(getattr(record, setting.name))}"
        yield "\n".join([*_comment(setting.full_words), line]) + "\n"


def _comment(words: str) -> list[str]:
    return textwrap.wrap(
        words,
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _value(settings: Settings, key: str) -> Any:
    """Find the record of a table, as ``signin.roles``; ``None`` where the site has no such table."""
    found: Any = settings
    for name in key.split("."):
        found = None if found is None else getattr(found, name)
    return found


def _example(table: Table, others: list[Table]) -> Any:
    """Find what to show of a table that is not there: its own example, or a part of an outer table's."""
    for above in others:
        if above.example is not None and table.key.startswith(f"{above.key}."):
            return attrgetter(table.key.removeprefix(f"{above.key}."))(above.example)
    return table.example
