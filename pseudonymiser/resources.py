"""A URL reduced to platform, kind of resource, and keyed tokens of document and journal.

One article has one document token: as PDF or page, whole or by ranges, whatever its query carries, and by its
DOI or PII on any site. No part of a path or query survives in the clear. Whatever a URL looks like, a large
answer to it is a document: no reader chooses to be invisible.
"""

import re

import msgspec

from pseudonymiser.bounded_cache import BoundedCache
from pseudonymiser.kinds import NEVER, Guess, Kinds
from pseudonymiser.naming import NOTHING, Named, Naming
from pseudonymiser.platforms import Catalogue, Platform, Rule
from pseudonymiser.pseudonyms import Pseudonyms
from pseudonymiser.urls import Target, bare_host, cut
from service.records.events import READING, EventKind, Resource

OWN_PAGES = "ezproxy"
UNKNOWN = "unknown"

SEQUENCES = 2**30  # ordinals are counted modulo this

_OWN_SHAPE = re.compile(r"/(?:login\?(?:q?url|user|ticket)=|connect\?session=s)")
_OWN_PATHS = frozenset({"/login", "/connect"})
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
_HOME = re.compile(r"/(?:index|home|default|main|welcome)?(?:\.[a-z]{2,5})?/?")  # a site's own front page
_NAMELESS = frozenset({EventKind.POLL, EventKind.ASSET, EventKind.SEARCH})  # what never gets a document
_FURNITURE = frozenset({EventKind.ASSET, EventKind.POLL})
_LISTS = frozenset({EventKind.SEARCH, EventKind.CONTENTS, EventKind.ABSTRACT})


class Reduced(msgspec.Struct, frozen=True, gc=False):
    """What is left of a URL; ``Reducer.large`` instead where the answer has ``least`` bytes or more."""

    resource: Resource
    least: int = NEVER


class Reducer:
    """Reduces URLs of one site. ``proxy_hosts`` are the proxy's own names."""

    def __init__(self, pseudonyms: Pseudonyms, proxy_hosts: tuple[str, ...] = ()) -> None:
        self._pseudonyms = pseudonyms
        self._own = frozenset(bare_host(host) for host in proxy_hosts)
        self._catalogue = Catalogue()
        self._kinds: Kinds = self._catalogue.kinds
        self._naming = Naming(self._catalogue.identifiers, self._kinds.names_document, self._kinds.is_noise)
        self._nameless: BoundedCache[tuple[str, EventKind], Resource] = BoundedCache(
            lambda key: Resource(*key)
        )
        self._hosts = BoundedCache(bare_host, 10_000)
        self._shifts = BoundedCache(self._shift)
        self._journals = BoundedCache(self._journal)
        self._sizes = self._catalogue.large
        self.page_bytes = self._sizes.page

    def reduce(self, url: str) -> Reduced:
        """Never fails: what is no URL is a page of an unknown platform."""
        target = self._cut(url)
        if self._is_own(target.host):
            return Reduced(Resource(OWN_PAGES, _own_kind(target.text)))
        if _is_own_shape(target):
            return Reduced(Resource(OWN_PAGES, _own_kind(target.text)), self._sizes.page)
        return self._publisher(self._catalogue.find(target.host), target)

    def large(self, url: str) -> Resource:
        """The document that a large answer is, though its URL looks like something else."""
        target = self._cut(url)
        platform = self._catalogue.find(target.host)
        found = self._publisher(platform, target)
        if found.resource.kind in READING or found.least == NEVER:
            return found.resource
        text = target.text
        reading = tuple(rule for rule in platform.rules if rule[0] in READING)
        kind, match = _first(reading, text, text)
        if match is not None:
            return self._resource(platform, kind, self._naming.by_rule(platform, target, kind, match))
        name = self._naming.furniture if found.resource.kind in _FURNITURE else self._naming.by_itself
        return self._resource(platform, EventKind.PDF, name(platform, target))

    def posted(self, url: str, size: int) -> Resource:
        """A large answer to a form: one address hands out many documents, so its size tells them apart."""
        target = self._cut(url)
        platform = self._catalogue.find(target.host)
        named = self._naming.anywhere(platform, target, EventKind.PDF)
        return self._resource(
            platform, EventKind.PDF, msgspec.structs.replace(named, document=f"{named.document}#{size}")
        )

    def site(self, url: str) -> tuple[str, str]:
        """Host and platform of a URL. The proxy's own pages and those it rewrote are ``OWN_PAGES``."""
        target = self._cut(url)
        host = target.host
        own = host in self._own or any(host.endswith(f".{name}") for name in self._own)
        if own or _is_own_shape(target):
            return host, OWN_PAGES
        return host, self._catalogue.find(host).name if host else UNKNOWN

    def _cut(self, url: str) -> Target:
        return cut(url, self._hosts.__getitem__)

    def _is_own(self, host: str) -> bool:
        return not host or host in self._own or host.removeprefix("login.") in self._own

    def _publisher(self, platform: Platform, target: Target) -> Reduced:
        kind, match = _first(platform.rules, target.text, target.path)
        if match is None:
            return self._guessed(platform, target, self._kinds.guess(target.path, target.query))
        if kind in _NAMELESS:
            small = self._nameless[platform.name, kind]
        else:
            small = self._resource(platform, kind, self._naming.by_rule(platform, target, kind, match))
        folder = kind is EventKind.ASSET and match.start() == 0 and match.end() < len(target.path)
        if kind in READING or kind is EventKind.MEDIA or folder:  # a publisher's own folder of furniture
            return Reduced(small)
        least = self._sizes.listing if kind in _LISTS else self._sizes.page
        least = self._sizes.asset if kind in _FURNITURE else least
        return Reduced(small, least)

    def _guessed(self, platform: Platform, target: Target, guess: Guess) -> Reduced:
        kind, least = guess.kind, guess.least
        if kind in READING:
            return Reduced(self._resource(platform, kind, self._naming.anywhere(platform, target, kind)))
        if kind in _NAMELESS:
            small = self._nameless[platform.name, kind]
        else:
            small = self._resource(platform, kind, self._naming.anywhere(platform, target, kind))
        if least == NEVER or _is_front(target):
            return Reduced(small)
        return Reduced(small, least)

    def _resource(self, platform: Platform, kind: EventKind, named: Named) -> Resource:
        """The record; one object for all that names nothing."""
        if named is NOTHING:
            return self._nameless[platform.name, kind]
        tokens = self._pseudonyms
        document = tokens.document(named.scheme, named.document) if named.document else ""
        journal = self._journals[named.journal_scheme, named.journal] if named.journal else ""
        return Resource(platform.name, kind, document, journal, self._shifted(named))

    def _journal(self, container: tuple[str, str]) -> str:
        return self._pseudonyms.journal(*container)

    def _shift(self, container: tuple[str, str]) -> int:
        return self._pseudonyms.shift(*container) % SEQUENCES

    def _shifted(self, named: Named) -> int:
        """The ordinal moved by a keyed amount per journal: neighbours stay so, the number tells nothing."""
        if named.sequence < 0:
            return -1
        return (named.sequence + self._shifts[named.journal_scheme, named.journal]) % SEQUENCES


def _is_front(target: Target) -> bool:
    """Whether this is a site's own front page."""
    return len(target.path) < 16 and not target.query and _HOME.fullmatch(target.path) is not None


def _is_own_shape(target: Target) -> bool:
    """Whether a path is one of EZproxy's own, on whatever host."""
    return target.path in _OWN_PATHS and _OWN_SHAPE.match(target.text) is not None


def _own_kind(target: str) -> EventKind:
    for pattern, kind in _OWN_KINDS:
        if pattern.match(target):
            return kind
    return EventKind.PAGE


def _first(rules: tuple[Rule, ...], text: str, path: str) -> tuple[EventKind, re.Match[str] | None]:
    """The first rule that fits. What is no document may not be said by parameters."""
    for kind, find, rest, by_path in rules:
        looked_at = path if by_path else text
        if (match := find(looked_at)) and (rest is None or (match := rest.match(looked_at, match.end()))):
            return kind, match
    return EventKind.PAGE, None
