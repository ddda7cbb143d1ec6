"""What tomllib leaves out of TOML: on which line a key is set, and a value as text."""

import re
from collections.abc import Iterator, Sequence

import msgspec

_NAME = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_SET = re.compile(rf"\s*({_KEY})\s*=")
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY})\s*\]")


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Find where a key stands, or the innermost table or list around it that stands in the text.

    Args:
        text: a valid TOML document.
        path: names of tables and keys and indexes of lists, from the outside in.

    Returns:
        The line, counted from 1; 0 where nothing of the path stands there.

    >>> line_of("[kafka]\\nservers = []", ["kafka", "servers"]), line_of("[kafka]", ["kafka", "servers"])
    (2, 1)
    """
    best, deepest = 0, 0
    for number, found in _places(text):
        if len(found) > deepest and found == tuple(path[: len(found)]):
            best, deepest = number, len(found)
    return best


def to_toml(value: object) -> str:
    """Write a text, number, truth or list as TOML does, texts without escapes where possible.

    >>> print(to_toml(["a", 'say "%h"']), to_toml(3.0))
    ["a", 'say "%h"'] 3.0
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(to_toml(item) for item in value) + "]"
    if not isinstance(value, str):
        return repr(value)
    literal = value.isprintable() and "'" not in value and ('"' in value or "\\" in value)
    return f"'{value}'" if literal else msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _places(text: str) -> Iterator[tuple[int, tuple[str | int, ...]]]:
    """Give each line that begins a table or sets a key, with the whole path of it."""
    table: tuple[str | int, ...] = ()
    lengths: dict[tuple[str | int, ...], int] = {}  # of the arrays of tables so far
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            *outer, last = _names(header[2])
            table = ()
            for name in outer:
                table += (name,)
                if table in lengths:
                    table += (lengths[table] - 1,)
            table += (last,)
            if header[1] == "[[":
                lengths[table] = lengths.get(table, 0) + 1
                table += (lengths[table] - 1,)
            yield number, table
        elif key := _SET.match(line):
            yield number, (*table, *_names(key[1]))


def _names(key: str) -> list[str]:
    return [name.strip("\"'") for name in re.findall(_NAME, key)]
