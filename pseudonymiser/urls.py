"""A URL cut into host, path and query, and brought to one spelling.

A reader chooses how a URL is spelled, and a publisher answers to many spellings. Before any pattern is tried:
percent signs are decoded (twice and thrice encoded ones too), letters are small, doubled slashes and dot
segments are gone, path parameters (``;jsessionid=…``) stand in the query, repeated parameters are one. What
is longer than ``LONGEST`` is cut off for patterns and kept as ``rest``: it still tells documents apart.
"""

import re
from collections.abc import Callable
from urllib.parse import unquote

import msgspec

LONGEST = 1024  # characters of path and query that patterns look at; bounds their time

NO_HOST = "invalid"  # stands for what cannot be a name

_RAW = 1024  # characters of a path or query that are decoded
_LONGEST_URL = 4096  # characters that are cut into parts
_ROUNDS = 3  # of decoding: what is encoded more often is nobody's link
_LONGEST_HOST = 253  # characters of a host name, RFC 1035
_URL = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]{0,15}:)?//([^/?#\\]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)
_RELATIVE = re.compile(r"([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_REQUEST = re.compile(r"([A-Za-z_-]{1,24}) +(.*) HTTP/\d(?:\.\d)?", re.DOTALL)
_METHODS = frozenset(
    {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "PROPFIND"}
)
_PORT = re.compile(r":\d*$")
_ODD = re.compile(r"[%;\\]|//|/\.")  # what a path needs no mending without
_SAYS_NOTHING = re.compile(
    r"(?:/[A-Za-z_.]{0,20}){0,4}"
)  # a path behind which the fragment may be the address


class Target(msgspec.Struct, frozen=True, gc=False):
    """What is asked for. All in small letters and decoded; ``query`` without its question mark."""

    host: str  # "" for a path alone
    path: str  # begins with a slash
    query: str = ""
    rest: str = ""  # what was too long for patterns, as it stood

    @property
    def text(self) -> str:
        """Path and query, as patterns see them."""
        return f"{self.path}?{self.query}" if self.query else self.path


def request_line(text: str) -> tuple[str, str]:
    """Method in capitals, "" if it is none, and URL of ``METHOD URL HTTP/x.y`` or of a URL alone."""
    found = _REQUEST.fullmatch(text)
    method, url = (found[1].upper(), found[2]) if found else ("", text)
    return (method if method in _METHODS else ""), url.strip()


def cut(url: str, bare: Callable[[str], str]) -> Target:
    """Never fails: what is no URL is a host with the path ``/``. ``bare`` brings a host to one spelling."""
    if len(url) > _LONGEST_URL:
        found = cut(url[:_LONGEST_URL], bare)
        return msgspec.structs.replace(found, rest=found.rest + url[_LONGEST_URL:])
    if match := _URL.match(url):
        host, path, query, fragment = match.groups()
        return target(bare(host or NO_HOST), path, query, fragment)
    if url.startswith(("/", "?", "#")) and (match := _RELATIVE.match(url)):
        return target("", *match.groups())
    return Target(bare(url.partition("/")[0][: _LONGEST_HOST + 8]), "/")  # CONNECT host:port


def target(host: str, path: str | None, query: str | None, fragment: str | None) -> Target:
    """The parts of a URL in one spelling; ``host`` is left as it stands."""
    path, query = path or "/", query or ""
    if fragment and _SAYS_NOTHING.fullmatch(path):
        path, query = _routed(path, query, fragment)
    if len(path) + len(query) < LONGEST and not ("%" in query or "&" in query or _ODD.search(path)):  # most
        return Target(host, path.lower(), query.lower())
    rest = path[_RAW:] + query[_RAW:] if len(path) > _RAW or len(query) > _RAW else ""
    path = path[:_RAW].lower()
    if _ODD.search(path):
        path, parameters = _mended(path)
        query = "&".join(filter(None, (query, parameters)))
    query = query[:_RAW]
    if "%" in query:
        query = _decoded(query)
    query = query.lower()
    if "&" in query:
        query = _joined(query)
    if len(path) + len(query) > LONGEST:
        rest += path[LONGEST:] + query[max(0, LONGEST - len(path)) :]
        path, query = path[:LONGEST], query[: max(0, LONGEST - len(path))]
    return Target(host, path, query, rest)


def bare_host(text: str) -> str:
    """A host in small letters, without user, port, ``www.`` and the root's dot; IDN as its ASCII form."""
    host = text.rpartition("@")[2][: _LONGEST_HOST + 8].lower()
    if "%" in host:
        host = _decoded(host).lower()
    if ":" in host:
        host = _PORT.sub("", host)
    host = host.rstrip(".")[:_LONGEST_HOST]
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:  # not a name: unknown, whatever it is
            host = NO_HOST
    return host.removeprefix("www.")


def _routed(path: str, query: str, fragment: str) -> tuple[str, str]:
    """The address inside an application of one page, as path and query."""
    route, _, asked = fragment.lstrip("!").partition("?")
    if "/" in route:
        path = f"{path.rstrip('/')}/{route.lstrip('/')}"
    elif "=" in route:
        asked = route
    return path, "&".join(filter(None, (query, asked)))


def _decoded(text: str) -> str:
    for _ in range(_ROUNDS):
        if _ESCAPE.search(text) is None:
            break
        text = unquote(text, errors="replace")
    return text


def _mended(path: str) -> tuple[str, str]:
    """The path without what means nothing, and its parameters as those of a query."""
    path = _decoded(path).lower().replace("\\", "/").replace("?", "%3f").replace("#", "%23")
    segments: list[str] = []
    parameters: list[str] = []
    for segment in path.split("/"):
        name, found, parameter = segment.partition(";")
        if found and parameter:
            parameters.append(parameter.replace(";", "&"))
        if name == "..":
            del segments[-1:]
        elif name not in {"", "."}:
            segments.append(name)
    end = "/" if segments and path.endswith("/") else ""
    return f"/{'/'.join(segments)}{end}", "&".join(parameters)


def _joined(query: str) -> str:
    """Values of one name in one: no second value, put before or behind, stands for the first."""
    pairs = query.split("&")
    if len({pair.partition("=")[0] for pair in pairs}) == len(pairs):
        return query
    values: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name in values and values[name] != value:
            values[name] += f".{value}"
        else:
            values[name] = value
    return "&".join(f"{name}={value}" if value else name for name, value in values.items())
