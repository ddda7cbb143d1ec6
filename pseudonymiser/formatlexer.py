"""A LogFormat cut into its elements.

EZproxy's own notation (https://help.oclc.org/Library_Management/EZproxy/Configure_resources/LogFormat) and
ezPAARSE's: ``%{name}<regex>`` for a field with a pattern of its own, ``%<regex>`` for text to skip.
"""

import re
import warnings

import msgspec

from pseudonymiser.errors import LogFormatError

TOKENS = {
    "h": "host",
    "a": "host",
    "l": "ident",
    "u": "user",
    "t": "time",
    "r": "request",
    "m": "method",
    "U": "url",
    "s": "status",
    "b": "size",
    "T": "duration",
    "v": "vhost",
}
_LONGEST_FORMAT = 8192
_ELEMENT = re.compile(
    r"%\{(?P<name>[^{}]*)\}(?P<kind>[tieo](?![A-Za-z-]))?(?:<(?P<pattern>[^<>]+)>)?"
    r"|%<(?P<skip>[^<>]+)>"
    r"|%(?P<token>.)"
    r"|(?P<stray>%)"
    r"|(?P<text>[^%]+)",
    re.DOTALL,
)
_FIELD_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}
_PLAIN_SKIP = re.compile(r"\[(?:\\?[^\\\]^\w])\]|(?:[^\\.\[\](){}*+?^$|]|\\[tn\W])+")
_NESTED = re.compile(r"\((?:[^()]|\([^()]*\))*[*+}](?:[^()]|\([^()]*\))*\)[*+{]")
_CAPTURE = re.compile(r"(?<!\\)\((?!\?:)")
_LOOSE_RANGE = re.compile(r"(\\[wds])-(?!\])")


class Literal(msgspec.Struct, frozen=True):
    """Text that stands in every line as it is."""

    text: str


class Field(msgspec.Struct, frozen=True):
    """A value. ``name`` is a role of ``TOKENS``, the field's own name in lower case, or "" to skip it."""

    name: str
    column: int
    pattern: str = ""  # own regular expression
    strftime: str = ""  # for times of an own shape
    token: bool = False  # one of EZproxy's tokens rather than a named field


Element = Literal | Field


def lex(log_format: str) -> tuple[Element, ...]:
    """The elements of a format, neighbouring literals joined.

    Raises:
        LogFormatError: an unknown token or a pattern that is not a regular expression, with its column.
    """
    if len(log_format) > _LONGEST_FORMAT:
        raise LogFormatError("longer than 8,192 characters", column=0, mend="Give the format of one line.")
    start = re.match(r"\s*LogFormat\s+", log_format)
    offset = start.end() if start else 0
    elements: list[Element] = []
    for match in _ELEMENT.finditer(log_format, offset):
        element = _element(match)
        if isinstance(element, Literal) and elements and isinstance(elements[-1], Literal):
            element = Literal(elements.pop().text + element.text)  # type: ignore[union-attr]  # a Literal, see above
        elements.append(element)
    return tuple(elements)


def _element(match: re.Match[str]) -> Element:
    column = match.start() + 1
    if (text := match["text"]) is not None:
        return Literal(_unescape(text))
    if match["stray"] is not None:
        raise LogFormatError("ends in a lone %", column=column, mend="Write %% for a percent sign.")
    if (skip := match["skip"]) is not None:
        if _PLAIN_SKIP.fullmatch(skip):
            return Literal(_unescape(skip.strip("[]") if skip.startswith("[") else skip))
        return Field("", column, pattern=_checked(skip, column))
    if (token := match["token"]) is not None:
        return _token(token, column)
    return _named(match, column)


def _token(letter: str, column: int) -> Element:
    if letter == "%":
        return Literal("%")
    if letter not in TOKENS:
        raise LogFormatError(
            f"token %{letter} is not known",
            column=column,
            mend="EZproxy has " + " ".join(f"%{known}" for known in TOKENS) + " and %{name}i.",
        )
    return Field(TOKENS[letter], column, token=True)


def _named(match: re.Match[str], column: int) -> Field:
    name, kind = match["name"], match["kind"]
    if kind == "t" and ("%" in name or not name):
        return Field("time", column, strftime=name or "%d/%b/%Y:%H:%M:%S %z", token=True)
    if kind == "e":
        return Field("expression", column)
    if not _FIELD_NAME.fullmatch(name):
        raise LogFormatError(
            f"field name {name[:40]!r} is not letters, digits, dots, - and _",
            column=column,
            mend="A header is written %{name}i, a time %{%Y-%m-%dT%H:%M:%S%z}t.",
        )
    pattern = match["pattern"]
    return Field(name.lower(), column, pattern=_checked(pattern, column) if pattern else "")


def _checked(pattern: str, column: int) -> str:
    """The pattern without what differs between JavaScript's regular expressions and Python's."""
    pattern = _LOOSE_RANGE.sub(r"\1\\-", pattern)
    if _CAPTURE.search(pattern) or _NESTED.search(pattern):
        raise LogFormatError(
            f"pattern <{pattern[:40]}> has a capturing group or a repeated repetition",
            column=column,
            mend="Write (?:…) for groups, and repeat characters rather than groups, such as [A-Z+]+.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise LogFormatError(
            f"pattern <{pattern[:40]}> is not a regular expression ({error})",
            column=column,
            mend="Escape - as \\- inside brackets, and brackets as \\[ and \\].",
        ) from None
    return pattern


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)
