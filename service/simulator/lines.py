"""Writes requests as EZproxy writes them: a LogFormat compiled to a function.

Tokens: %h %a %l %u %t %{strftime}t %r %m %U %s %b %T %v %{header}i %{expression}e, "\\t" for a tab, %% for a
percent sign. A token that is none of these raises SimulationError.
"""

import datetime as dt
import re
from collections.abc import Callable
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from service.simulator.requests import Request
from service.simulator.settings import SimulationError

Part = Callable[[Request], str]
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TOKEN = re.compile(r"%(?:\{(?P<name>[^}]*)\})?(?P<letter>.?)")
_SPEED = 2_000_000  # bytes a second, for %T


def compile_format(log_format: str, zone: ZoneInfo) -> Callable[[Request], str]:
    """The renderer of a LogFormat. Raises SimulationError that names an unknown token."""
    parts: list[Part] = []
    text, end = log_format.replace("\\t", "\t"), 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            parts.append(_constant(text[end : match.start()]))
        parts.append(_part(match, zone))
        end = match.end()
    if end < len(text):
        parts.append(_constant(text[end:]))
    return lambda request: "".join([part(request) for part in parts])


def _constant(text: str) -> Part:
    return lambda _: text


_PLAIN: dict[str, Part] = {
    "h": lambda request: request.visit.address,
    "a": lambda request: request.visit.address,
    "l": lambda _: "-",
    "u": lambda request: request.visit.user,
    "r": lambda request: f"{request.method} {request.url} HTTP/1.1",
    "m": lambda request: request.method,
    "U": lambda request: request.url,
    "s": lambda request: str(request.status),
    "b": lambda request: str(request.size),
    "T": lambda request: str(request.size // _SPEED),
    "v": lambda request: urlsplit(request.url).netloc,
    "%": lambda _: "%",
}
_HEADERS: dict[str, Part] = {
    "user-agent": lambda request: request.visit.agent,
    "referer": lambda request: request.referer,
    "x-forwarded-for": lambda request: request.visit.address,
    "host": lambda request: urlsplit(request.url).netloc,
    "ezproxy-session": lambda request: request.visit.session,
    "ezproxy-groups": lambda request: request.visit.groups,
    "ezproxy-protocol": lambda request: request.url.partition(":")[0],
}
_EXPRESSIONS: dict[str, Part] = {"country()": lambda request: request.visit.country}


def _part(match: re.Match[str], zone: ZoneInfo) -> Part:
    name, letter = match["name"], match["letter"]
    if name is None and letter in _PLAIN:
        return _PLAIN[letter]
    if letter == "t":
        return _clock(zone) if name is None else _custom_clock(name, zone)
    if name is not None and letter == "i":
        return _HEADERS.get(name.lower(), _constant("-"))
    if name is not None and letter == "e":
        return _EXPRESSIONS.get(name.replace("'", "").lower(), _constant("-"))
    raise SimulationError(
        f"log format: token {match.group()!r} at character {match.start() + 1} is not one of EZproxy's; "
        "write %% for a percent sign"
    )


def _clock(zone: ZoneInfo) -> Part:
    """``[dd/Mon/yyyy:HH:MM:SS +zzzz]``, English months whatever the locale; a minute's text is made once."""
    minute, before, after = -1, "", ""

    def render(request: Request) -> str:
        nonlocal minute, before, after
        if request.time // 60 != minute:
            minute = request.time // 60
            local = dt.datetime.fromtimestamp(minute * 60, zone)
            before = f"[{local.day:02d}/{_MONTHS[local.month - 1]}/{local.year}:{local:%H:%M}:"
            after = f" {local:%z}]"
        return f"{before}{request.time % 60:02d}{after}"

    return render


def _custom_clock(pattern: str, zone: ZoneInfo) -> Part:
    """A strftime pattern in the site's zone."""
    return lambda request: dt.datetime.fromtimestamp(request.time, zone).strftime(pattern)
