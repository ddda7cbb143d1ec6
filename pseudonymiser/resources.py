"""A URL reduced to platform, kind of resource, and keyed tokens of document and journal.

One article has one document token: as PDF or page, whole or by ranges, whatever its query carries, and by its
DOI or PII on any site. No part of a path or query survives in the clear.
"""

import re
from urllib.parse import unquote

import msgspec

from pseudonymiser.bounded_cache import BoundedCache
from pseudonymiser.platforms import Catalogue, Platform
from pseudonymiser.pseudonyms import Pseudonyms
from service.records.events import EventKind, Resource

OWN_PAGES = "ezproxy"
UNKNOWN = "unknown"

SEQUENCES = 2**30  # ordinals are counted modulo this

_LONGEST = 2048  # characters of path and query that are looked at; bounds the time of the patterns
_URL = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,15}:)?//(?:[^/?#@]*@)?([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.I | re.DOTALL
)
_PORT = re.compile(r":\d*$")
_OWN_SHAPE = re.compile(r"/(?:login\?(?:q?url|user|ticket)=|connect\?session=s)")
_OWN_KINDS = (
    (
        re.compile(r"/(?:public|login)?[^?]*\.(?:css|js|png|gif|jpe?g|ico|svg)(?:\?|$)|/favicon"),
        EventKind.ASSET,
    ),
    (re.compile(r"/login\b"), EventKind.LOGIN),
    (re.compile(r"/connect\b"), EventKind.CONNECT),
    (re.compile(r"/menu\b"), EventKind.MENU),
    (re.compile(r"/logout\b"), EventKind.LOGOUT),
)
_DOI = re.compile(r"(?<![\d.])10\.\d{4,9}/[^\s?&\"'<>#]+")
_ISSN = re.compile(r"\d{4}-?\d{3}[\dx]")
_ID_PARAMETER = re.compile(
    r"[?&](?:id|docid|doc|article|articleid|article_id|an|file|fileid|isbn|pid|sid|key)=([^&]+)"
)
_BOOK = re.compile(r"/(?:e?books?|reader|ebookviewer|lire|read)/([^/?]+)")
_EXTENSION = re.compile(r"\.(?:pdf|html?|xhtml|epub|aspx?|php|full|xml)$")
_NUMBERS = re.compile(r"\d+", re.ASCII)
_NO_PII = re.compile(r"[^0-9xsb]")
_NAMELESS = frozenset({EventKind.POLL, EventKind.ASSET, EventKind.SEARCH})  # what never gets a document
_READABLE = frozenset({EventKind.PDF, EventKind.FULLTEXT, EventKind.BOOK, EventKind.MEDIA})


class Reduced(msgspec.Struct, frozen=True, gc=False):
    """What is left of a URL; ``large`` instead where the answer has ``download_bytes`` or more."""

    resource: Resource
    large: Resource | None = None


class _Named(msgspec.Struct, frozen=True, gc=False):
    """A document before it is keyed. Empty text: not known."""

    scheme: str = ""
    document: str = ""
    journal_scheme: str = ""
    journal: str = ""
    sequence: int = -1


_NOTHING = _Named()


class Reducer:
    """Reduces URLs of one site. ``proxy_hosts`` are the proxy's own names."""

    def __init__(self, pseudonyms: Pseudonyms, proxy_hosts: tuple[str, ...] = ()) -> None:
        self._pseudonyms = pseudonyms
        self._own = frozenset(host.lower().partition(":")[0] for host in proxy_hosts)
        self._catalogue = Catalogue()
        self._ids = self._catalogue.identifiers
        self._early, self._later = self._ids.kinds[:2], self._ids.kinds[2:]
        self._nameless: BoundedCache[tuple[str, EventKind], Resource] = BoundedCache(
            lambda key: Resource(*key)
        )
        self._hosts = BoundedCache(_host, 10_000)
        self._shifts = BoundedCache(self._shift)
        self._journals = BoundedCache(self._journal)
        self.download_bytes = self._ids.download_bytes

    def reduce(self, url: str) -> Reduced:
        """Never fails: what is no URL is a page of an unknown platform."""
        host, target = self._split(url)
        if not host or host in self._own or host.removeprefix("login.") in self._own:
            return Reduced(Resource(OWN_PAGES, _own_kind(target)))
        if _OWN_SHAPE.match(target):
            return Reduced(Resource(OWN_PAGES, _own_kind(target)))
        return self._publisher(self._catalogue.find(host), host, target)

    def site(self, url: str) -> tuple[str, str]:
        """Host and platform of a URL. The proxy's own pages and those it rewrote are ``OWN_PAGES``."""
        host, target = self._split(url)
        own = host in self._own or any(host.endswith(f".{name}") for name in self._own)
        if own or _OWN_SHAPE.match(target):
            return host, OWN_PAGES
        return host, self._catalogue.find(host).name if host else UNKNOWN

    def _split(self, url: str) -> tuple[str, str]:
        """Host, and path with query, decoded, in lower case."""
        match = _URL.match(url)
        if match is None:
            if url.startswith(("/", "?")):
                return "", _plain(url)
            return self._hosts[url.partition("/")[0]], "/"  # CONNECT host:port
        host, path, query = match.groups()
        return self._hosts[host], _plain(f"{path or '/'}?{query}" if query else path or "/")

    def _publisher(self, platform: Platform, host: str, target: str) -> Reduced:
        kind, match = _first(() if platform.slices else self._early, target)
        if match is None:
            kind, match = _first(platform.rules, target)
            if match is not None:
                return Reduced(
                    self._resource(platform, kind, self._named(platform, host, target, kind, match))
                )
            kind, match = _first(self._ids.kinds if platform.slices else self._later, target)
        named = self._anywhere(platform, host, target, kind)
        small = self._resource(platform, kind, named)
        if kind is EventKind.PAGE and self._ids.download.search(target):
            named = self._anywhere(platform, host, target, EventKind.PDF)
            return Reduced(small, self._resource(platform, EventKind.PDF, named))
        return Reduced(small)

    def _resource(self, platform: Platform, kind: EventKind, named: _Named) -> Resource:
        """The record; one object for all that names nothing, as most assets and searches do."""
        if named is _NOTHING:
            return self._nameless[platform.name, kind]
        tokens = self._pseudonyms
        document = tokens.document(named.scheme, named.document) if named.document else ""
        journal = self._journals[named.journal_scheme, named.journal] if named.journal else ""
        return Resource(platform.name, kind, document, journal, self._shifted(named))

    def _journal(self, container: tuple[str, str]) -> str:
        return self._pseudonyms.journal(*container)

    def _shift(self, container: tuple[str, str]) -> int:
        return self._pseudonyms.shift(*container) % SEQUENCES

    def _shifted(self, named: _Named) -> int:
        """The ordinal moved by a keyed amount per journal: neighbours stay so, the number tells nothing."""
        if named.sequence < 0:
            return -1
        return (named.sequence + self._shifts[named.journal_scheme, named.journal]) % SEQUENCES

    def _named(
        self, platform: Platform, host: str, target: str, kind: EventKind, match: re.Match[str]
    ) -> _Named:
        """The document by the groups of a platform's rule."""
        if kind in _NAMELESS:
            return _NOTHING
        groups = match.groupdict()
        if pii := groups.get("pii"):
            named = self._pii(platform, pii)
        elif doi := groups.get("doi"):
            named = self._doi(doi)
        elif doc := groups.get("doc"):
            named = (
                self._doi(platform.doi_prefix + doc) if platform.doi_prefix else _own_id(platform, host, doc)
            )
        else:
            named = self._anywhere(platform, host, target, kind)
        return _with_journal(named, platform, groups)

    def _anywhere(self, platform: Platform, host: str, target: str, kind: EventKind) -> _Named:
        """The document by a DOI or PII wherever it stands, else by the path."""
        if kind in _NAMELESS:
            return _NOTHING
        if "10." in target and (doi := _DOI.search(target)):
            return self._doi(doi[0])
        if pii := self._ids.pii_anywhere.search(target):
            return self._pii(platform, pii[0])
        return _by_path(platform, host, target, kind) if kind in _READABLE else _NOTHING

    def _doi(self, text: str) -> _Named:
        doi = text
        if self._ids.doi_tail.search(doi):  # most have none
            for tail in self._ids.doi_tails:
                doi = tail.sub("", doi)
        prefix = doi.partition("/")[0]
        if found := self._ids.doi_journals.read(doi):
            journal, sequence = found
            return _Named("doi", doi, "doi", f"{prefix}/{journal}", _ordinal(sequence))
        return _Named("doi", doi, "doi", prefix, _ordinal(doi))

    def _pii(self, platform: Platform, text: str) -> _Named:
        pii = _NO_PII.sub("", text)
        for shape in self._ids.pii_shapes:
            if match := shape.fullmatch(pii):
                bare = pii.lstrip("sb")
                return _Named("pii", bare, "issn", match["journal"], int(match["sequence"]))
        return _Named(platform.name, pii, platform.name, platform.name)


def _host(text: str) -> str:
    """In lower case, without port and ``www.``."""
    host = text.lower()
    if ":" in host:
        host = _PORT.sub("", host)
    return host.rstrip(".").removeprefix("www.")


def _plain(target: str) -> str:
    target = target[:_LONGEST]
    return (unquote(target, errors="replace") if "%" in target else target).lower()


def _own_kind(target: str) -> EventKind:
    for pattern, kind in _OWN_KINDS:
        if pattern.match(target):
            return kind
    return EventKind.PAGE


def _first(
    rules: tuple[tuple[EventKind, re.Pattern[str]], ...], target: str
) -> tuple[EventKind, re.Match[str] | None]:
    for kind, pattern in rules:
        if match := pattern.search(target):
            return kind, match
    return EventKind.PAGE, None


def _own_id(platform: Platform, host: str, text: str) -> _Named:
    document = text.lstrip("0") or text
    scope = f"{platform.name}/{host}" if platform.by_host else platform.name
    return _Named(scope, document, scope, scope, _ordinal(document))


def _with_journal(named: _Named, platform: Platform, groups: dict[str, str | None]) -> _Named:
    """A rule's own journal where the identifier tells none; an ISSN is one journal on every site."""
    if (journal := groups.get("journal")) and named.scheme not in {"doi", "pii"}:
        scheme = "issn" if _ISSN.fullmatch(journal) else platform.name
        bare = journal.replace("-", "") if scheme == "issn" else journal
        named = msgspec.structs.replace(named, journal_scheme=scheme, journal=bare)
    if sequence := groups.get("seq"):
        named = msgspec.structs.replace(named, sequence=_ordinal(sequence))
    return named


def _by_path(platform: Platform, host: str, target: str, kind: EventKind) -> _Named:
    """The path without its query, save for a parameter that names a document; a book by what names it."""
    path, _, _ = target.partition("?")
    if parameter := _ID_PARAMETER.search(target):
        document = parameter[1] if kind is EventKind.BOOK else f"{path}?{parameter[1]}"
    elif kind is EventKind.BOOK and (book := _BOOK.search(path)):
        document = book[1]
    else:
        document = _EXTENSION.sub("", path)
    return _Named(f"host/{host}", document, "host", host, _ordinal(document) if platform.known else -1)


def _ordinal(text: str) -> int:
    """The last number in a text, at most nine digits of it; -1 where there is none."""
    numbers = _NUMBERS.findall(text[-64:])
    return int(numbers[-1][-9:]) if numbers else -1
