"""A LogFormat compiled to one regular expression with roles.

Every gap between two fields is bounded by the text that follows it and never given back ("possessive"), so a
hostile line costs time in proportion to its length. A request may hold blanks, quotes and what looks like its
own end: a format that carries one has two patterns, for the first reading of a line and for the last.
"""

import re
import warnings

import msgspec

from pseudonymiser.errors import LogFormatError
from pseudonymiser.formatlexer import Element, Field, Literal, lex
from pseudonymiser.timestamps import (
    TimeFormat,
    Zone,
    any_time,
    common_time,
    compile_strftime,
    strftime_pattern,
)

ROLES = (
    "time",
    "host",
    "user",
    "session",
    "ident",
    "request",
    "status",
    "size",
    "referer",
    "agent",
    "groups",
    "forwarded",
    "method",
    "vhost",
)

# Named fields that mean a role, the likeliest first.
_ALIASES = {
    "time": ("datetime", "timestamp", "date", "time"),
    "host": ("host", "ip", "client-ip", "client_ip", "remote-addr"),
    "user": ("login", "user", "username", "uid", "ezproxy-user"),
    "session": ("ezproxy-session", "session", "session-uid", "session-id", "sessionid", "session_id", "sid"),
    "request": ("url", "ezproxy-url"),
    "status": ("status-code", "http-status"),
    "referer": ("referer", "referrer"),
    "agent": ("user-agent", "useragent", "user_agent", "ua"),
    "groups": (
        "ezproxy-groups",
        "groups",
        "group",
        "bib-groups",
        "ezproxygroups",
        "primary-affiliation",
        "edupersonprimaryaffiliation",
        "ezproxy-cnam_edupersonprimaryaffiliation",
        "affiliation",
        "shib-edupersonaffiliation",
        "session-edupersonaffiliation",
        "statusperson",
        "status_user",
        "statut",
        "type_user",
        "categorie",
        "category",
        "categ",
        "profil",
        "cs-auth-group",
        "etudiant",
    ),
    "forwarded": (
        "x-forwarded-for",
        "cf-connecting-ip",
        "true-client-ip",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "fastly-client-ip",
        "x-original-forwarded-for",
    ),
}
# ``METHOD URL HTTP/x.y``. A URL may hold raw blanks and quotes, and so may the headers behind it: up to the
# first `` HTTP/`` after which the rest of the line fits, or up to the line's last.
_VERSION = r" HTTP/\d(?:\.\d)?"
_TO_VERSION = r"[^ ]*+(?>(?: (?!HTTP/\d)[^ ]*+)*)"
_REQUEST = rf"(?P<request>[A-Za-z_-]{{1,24}} {_TO_VERSION}(?:{_VERSION}{_TO_VERSION}){{0,2}}?{_VERSION})"
_LAST_REQUEST = rf"(?P<request>[A-Za-z_-]{{1,24}} (?>.*{_VERSION}))"
# A bare name before ``%t``, and one that may hold blanks: it ends where the time's bracket begins.
_NAME = re.compile(r"\(\?P<user>\\S\+\+\)(?=\\ (?:\(\?P<time>)?\\\[)")
_SPACED_NAME = r"(?P<user>[^ ]*+(?>(?: (?!\[)[^ ]*+)*))"
_WILD = re.compile(r"\.[*+]\??")
_CLASS = re.compile(r"(\[(?:\\.|[^\\\]])+\]|\\[wSd])(\*|\+|\{\d*,?\d*\})")
_ALPHABET = [chr(code) for code in range(9, 127)] + ["é", "€"]
_END = r"\s*\Z"


class LineFormat(msgspec.Struct, frozen=True):
    """A compiled format. ``indexes`` are the groups of ``ROLES``, in that order; absent ones match ""."""

    pattern: re.Pattern[str]
    last: re.Pattern[str] | None  # the last reading of a request instead of the first
    spaced: re.Pattern[str] | None  # for a name with blanks before a time in brackets
    indexes: tuple[int, ...]
    present: frozenset[str]  # roles that the format carries
    time: TimeFormat


def compile_format(log_format: str, zone: Zone) -> LineFormat:
    """Compile a LogFormat for lines of a site in ``zone``.

    Raises:
        LogFormatError: unknown token, a broken pattern, or a format without time or without a URL.
    """
    elements = lex(log_format.rstrip())
    roles = _assign(elements)
    _refuse_useless(roles)
    source = "".join(_source(elements, position, roles) for position in range(len(elements)))
    absent = "".join(f"(?P<{role}>)" for role in ROLES if role not in roles.values())
    pattern = _compile(source + _END + absent)
    last = _compile(source.replace(_REQUEST, _LAST_REQUEST) + _END + absent) if _REQUEST in source else None
    spaced_source, names = _NAME.subn(lambda _: _SPACED_NAME, source)
    spaced = _compile(spaced_source + _END + absent) if names else None
    indexes = tuple(pattern.groupindex[role] for role in ROLES)
    return LineFormat(pattern, last, spaced, indexes, frozenset(roles.values()), _time(elements, roles, zone))


def _assign(elements: tuple[Element, ...]) -> dict[int, str]:
    """Position -> role. EZproxy's own token wins over a named field, the first of a kind over its repeats."""
    roles: dict[int, str] = {}
    fields = [(at, field) for at, field in enumerate(elements) if isinstance(field, Field)]
    for at, field in fields:
        if field.token and field.name in ROLES and field.name not in roles.values():
            roles[at] = field.name
    if "request" not in roles.values():
        roles |= {at: "request" for at, field in fields[::-1] if field.token and field.name == "url"}
    for role, names in _ALIASES.items():
        named = [(names.index(f.name), at) for at, f in fields if not f.token and f.name in names]
        if named and role not in roles.values():
            roles[min(named)[1]] = role
    return _first_of_each(roles)


def _first_of_each(roles: dict[int, str]) -> dict[int, str]:
    seen: dict[str, int] = {}
    for at in sorted(roles):
        seen.setdefault(roles[at], at)
    return {at: role for role, at in seen.items()}


def _refuse_useless(roles: dict[int, str]) -> None:
    carried = set(roles.values())
    if "time" not in carried:
        raise LogFormatError("has no time", column=0, mend="Add %t: nothing can be counted without it.")
    if "request" not in carried:
        raise LogFormatError(
            "has no URL", column=0, mend='Add "%r" or %U: nothing can be counted without it.'
        )


def _time(elements: tuple[Element, ...], roles: dict[int, str], zone: Zone) -> TimeFormat:
    field = next(elements[at] for at, role in roles.items() if role == "time")
    assert isinstance(field, Field)  # noqa: S101  # _assign gives roles to fields only
    if field.strftime:
        return compile_strftime(field.strftime, zone, column=field.column)
    return common_time(zone) if field.token else any_time(zone)


def _compile(source: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(source, re.DOTALL | re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise LogFormatError(
            f"does not make one regular expression ({error})",
            column=0,
            mend="Look at the patterns between < and >.",
        ) from None


def _source(elements: tuple[Element, ...], at: int, roles: dict[int, str]) -> str:
    element = elements[at]
    if isinstance(element, Literal):
        return re.escape(element.text)
    role = roles.get(at, "")
    body = (
        f"(?u:{_own(element, elements, at)})" if element.pattern else _standard(element, elements, at, role)
    )
    if role == "request" and element.name == "request":
        return body
    return f"(?P<{role}>{body})" if role else f"(?:{_unnamed(body)})"


def _own(field: Field, elements: tuple[Element, ...], at: int) -> str:
    """The site's own pattern, made safe: what cannot overlap with what follows is never given back."""
    if _WILD.fullmatch(field.pattern):
        return _until(elements, at, at_least_one=field.pattern[1] == "+")
    if found := _CLASS.fullmatch(field.pattern):
        return field.pattern + ("+" if _disjoint(found[1], elements, at) else "")
    # The leftmost fit: what stands later in a line is the reader's to forge.
    return re.sub(r"(?<!\\)\.([*+])(?!\?)", r".\1?", field.pattern)


def _standard(field: Field, elements: tuple[Element, ...], at: int, role: str) -> str:
    name = field.name if field.token else ""
    if name == "time" and field.strftime:
        return _unnamed(strftime_pattern(field.strftime, column=field.column))
    if name in _SHAPES:
        return _SHAPES[name]
    if name in _BOUNDED or role in _BOUNDED:
        return _BOUNDED[name if name in _BOUNDED else role](elements, at)
    if _quoted(elements, at) or role == "request":
        return _until(elements, at, at_least_one=False)
    return _word(elements, at)


def _bracketed(elements: tuple[Element, ...], at: int) -> str:
    """``%t`` brings its own brackets; ezPAARSE's ``[%t]`` may stand for them or be a second pair."""
    return r"\[?[^\]]*+\]?" if _following(elements, at).startswith("]") else r"\[[^\]]*+\]"


def _unnamed(source: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", source)


def _following(elements: tuple[Element, ...], at: int) -> str:
    following = elements[at + 1] if at + 1 < len(elements) else None
    return following.text if isinstance(following, Literal) else ""


def _quoted(elements: tuple[Element, ...], at: int) -> bool:
    before = elements[at - 1] if at else None
    return (
        isinstance(before, Literal)
        and before.text.endswith(('"', "'", "<"))
        and _following(elements, at).startswith(('"', "'", ">"))
    )


def _separator(elements: tuple[Element, ...], at: int) -> str:
    """The character that ends a bare word here."""
    return (_following(elements, at) or " ")[0]


def _word(elements: tuple[Element, ...], at: int) -> str:
    """A bare word; between tabs, bars and semicolons it may hold blanks or be empty."""
    separator = _separator(elements, at)
    if separator in " \n":
        return r"\S++"
    return f"[^{re.escape(separator)}]*+"


def _addresses(elements: tuple[Element, ...], at: int) -> str:
    """One address, or a list of them with commas and blanks."""
    separator = _separator(elements, at)
    if separator != " ":
        return f"[^{re.escape(separator)}]*+"
    return r"[^ ]++(?>(?:(?<=,) [^ ]++)*)"


def _until_blanks(elements: tuple[Element, ...], at: int) -> str:
    """A bare URL: to the next separator, or over it where the rest of the line does not fit."""
    if at + 1 == len(elements):
        return ".*+"
    stop = re.escape(_separator(elements, at))
    return f"[^{stop}]++(?:{stop}[^{stop}]*+)*?"


def _until(elements: tuple[Element, ...], at: int, *, at_least_one: bool) -> str:
    """Anything up to the text that follows; never given back."""
    least = "(?=.)" if at_least_one else ""
    text = _following(elements, at)
    if not text:
        return least + (".*+" if at + 1 == len(elements) else ".*?")
    rest = elements[at + 2] if at + 2 < len(elements) else None
    stop = re.escape(text)
    if rest is None:
        return f"{least}.*(?={stop}{_END})"
    if isinstance(rest, Field) and rest.name == "time" and rest.token and not rest.strftime:
        stop += r"\[" if not text.endswith("[") else ""
    first = re.escape(text[0])
    return f"{least}[^{first}]*+(?>(?:(?!{stop}){first}[^{first}]*+)*)"


_SHAPES = {
    "request": _REQUEST,
    "status": r"\d{1,3}|-",
    "size": r"\d{1,18}|-|",
    "duration": r"[\d.]+|-",
    "method": "[A-Za-z_-]{1,24}",
}
_BOUNDED = {"time": _bracketed, "url": _until_blanks, "host": _addresses, "forwarded": _addresses}


def _disjoint(characters: str, elements: tuple[Element, ...], at: int) -> bool:
    """Whether nothing of a character class can begin what follows."""
    starts = _starts(elements, at + 1)
    members = re.compile(characters)
    return starts is not None and not any(members.fullmatch(character) for character in starts)


def _starts(elements: tuple[Element, ...], at: int) -> set[str] | None:
    """Characters that can begin the line's rest from an element on; None: any."""
    if at >= len(elements):
        return set()
    element = elements[at]
    if isinstance(element, Literal):
        return {element.text[0]}
    found = _CLASS.fullmatch(element.pattern)
    if not found:
        return {"["} if element.token and element.name == "time" and not element.strftime else None
    members = re.compile(found[1])
    starts = {character for character in _ALPHABET if members.fullmatch(character)}
    if found[2][0] == "+":
        return starts
    rest = _starts(elements, at + 1)
    return None if rest is None else starts | rest
