"""The reference of all settings, ``docs/settings.md``, as Markdown. ``make settings`` writes it.

Also a program: ``python -m service.config.reference FILE``.
"""

import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from service.base.toml import to_toml
from service.config.description import Setting, Table, tables
from service.config.environment import FROM_FILE

_HEAD = f"""\
<!-- Made of the fields in service/config by `make settings`; change them there. -->

# Settings

They stand in `site.toml` in the site's folder, which `journalguard init` writes with the same words. After a
change start `journalguard run` again. Paths that do not begin with / are relative to that folder.

## Environment variables

A variable overrides the file. Its name is the setting's, in capitals, with `JOURNALGUARD_` before it and `_`
for every dot:

| setting | variable |
|---|---|
| `port` | `JOURNALGUARD_PORT` |
| `kafka.servers` | `JOURNALGUARD_KAFKA_SERVERS` |
| `signin.roles.key_holder` | `JOURNALGUARD_SIGNIN_ROLES_KEY_HOLDER` |

Items of a list are separated by commas: `JOURNALGUARD_CAMPUS=192.0.2.0/24,198.51.100.0/24`. Where an item has
a comma itself, write a JSON array: `["cn=library,ou=groups"]`. An empty variable is an empty text or list.

With `{FROM_FILE}` at the end of its name a variable names a file that has the value, as Docker and Kubernetes
hand in secrets: `JOURNALGUARD_DATABASE_URL_FILE=/run/secrets/database`. White space around the value is taken
off. A setting may be given in one of the two ways, not in both.

How alerts are decided is not a setting. Detections, budget and prior are TOML files of the
[policy](statistician.md#policy), and a site may replace them.
"""


def render_reference() -> str:
    """Write the reference: a table of settings for every table of ``site.toml``."""
    return "\n".join([_HEAD, *map(_section, tables())])


def _section(table: Table) -> str:
    heading = f"## `[{table.key}]`" if table.key else "## The site"
    head = ["| setting | value | default | meaning |", "|---|---|---|---|"]
    inner = [each for each in tables() if each.key and each.key.rpartition(".")[0] == table.key]
    rows = [*map(_row, table.settings), *map(_table_row, inner)]
    return "\n".join([heading, "", *head, *rows]) + "\n"


def _row(setting: Setting) -> str:
    default = "required" if setting.required else _code(to_toml(setting.default))
    cells = [f"`{setting.key}`", _prose(setting.values), default, " ".join(_meaning(setting))]
    return f"| {' | '.join(cells)} |"


def _table_row(table: Table) -> str:
    default = "none" if table.example is not None else ""
    return f"| `{table.key}` | table | {default} | {_prose(table.words)} |"


def _meaning(setting: Setting) -> Iterator[str]:
    yield _prose(setting.words)
    shown = to_toml(setting.example)
    if setting.example != setting.default and shown.strip("[]") not in setting.words:
        yield f"Example: {_code(shown)}."


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _prose(text: str) -> str:
    """Keep everything outside of code from being read as Markdown or HTML."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*|\[\]])", r"\\\1", html.escape(part, quote=False))
        for part in parts
    )


def main(path: Path) -> None:
    """Write the reference into a file."""
    path.write_text(render_reference(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
