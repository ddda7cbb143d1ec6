"""The order of the ingest stages: line -> fields -> identity -> pseudonyms, place, resource -> event.

A line becomes an ``AccessEvent`` or a ``Rejected`` with its reason, never an exception and never both.
Control characters in a line do no harm and hide nothing: of its text only classes, tokens and a platform's
name survive.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat
from types import MappingProxyType
from typing import Final

import msgspec

from pseudonymiser.accesslog import AccessParser, Fields, behind_syslog
from pseudonymiser.auditlog import is_header, parse_audit
from pseudonymiser.bounded_cache import BoundedCache
from pseudonymiser.canonical import Canoniser
from pseudonymiser.classes import Classes
from pseudonymiser.errors import KeyHolderError
from pseudonymiser.event_clock import EventClock
from pseudonymiser.geo import GeoProvider, campus_networks, is_private
from pseudonymiser.keys import Keys
from pseudonymiser.pseudonyms import Address, Pseudonyms, parse_address
from pseudonymiser.resources import OWN_PAGES, Reducer
from pseudonymiser.timestamps import Instant, Zone, any_time
from pseudonymiser.urls import request_line
from pseudonymiser.vault import Vault
from service.records.events import READING, AccessEvent, EventKind, Location, Rejected, Resource
from service.records.identities import Link, SealedIdentity

LONGEST_LINE: Final = 16_384  # bytes; four times the longest line seen in real logs

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "empty_line": "The line is empty.",
        "line_too_long": f"The line has more than {LONGEST_LINE:,} bytes.",
        "header": "The line names the columns of an audit log.",
        "binary": "The line is not text.",
        "no_match": "The line does not have the shape of the site's LogFormat.",
        "bad_time": "The time cannot be read, or there is no such time.",
        "bad_address": "The address is not an IP address.",
        "time_too_late": "The time is more than 2 days before the newest line's.",
        "time_ahead": "The time is more than 45 days after the newest line's.",
    }
)

_Place = tuple[str, str, Location]  # pseudonyms of address and network, and where it is
_Request = tuple[str, Resource, int]  # method, resource, and from how many bytes on it is something else

_NOBODY = frozenset({"", "-"})
_NO_ADDRESS = ("", "", Location())
_SESSION_LENGTH = 15  # of EZproxy's session ids
_TEXT_BYTES = bytes({9, 10, 13, *range(32, 127)})
_READ_BY = frozenset({"GET", "HEAD", ""})  # methods whose URL alone tells that something is read
_PIECE = 206  # status of an answer to a range request: of files, never of pages
_MASKED = re.compile(r"(?:\d{1,3}\.){1,3}[x*]{1,3}(?:\.[x*]{1,3}){0,2}|[0-9a-f]{16,128}", re.ASCII)
_ADDRESSES = 512  # characters of a list of addresses that are looked at
_TIMES = 1_000  # that are remembered: lines come nearly in their order, and a small memory is a quick one
_REFERER = 512  # characters of a referer that are looked at: its host is among them


class IngestSettings(msgspec.Struct, frozen=True):
    """What ingest must know of a site."""

    log_format: str  # EZproxy LogFormat or ezPAARSE notation
    timezone: str  # IANA name of the site
    home_realms: tuple[str, ...] = ()  # spellings of the site's own realm: "example.ac.uk", "EXAMPLE"
    username: str = "user"  # what %u holds: "user" or "session" (Option LogUser off)
    forwarded: str = (
        "last"  # which address of a list is the reader's: the "first", or the "last" that is no proxy
    )
    proxies: tuple[str, ...] = ()  # networks in CIDR of the site's own proxies and load balancers
    campus: tuple[str, ...] = ()  # networks in CIDR that are on campus
    proxy_hosts: tuple[str, ...] = ()  # the proxy's own host names


class Ingest:
    """Reads the lines of one site. Results depend on the lines and their order, not on how they are fed.

    Raises:
        LogFormatError, TimezoneError: settings that cannot be used.
        KeyHolderError: a vault of another epoch than the keys.
    """

    def __init__(
        self, settings: IngestSettings, keys: Keys, geo: GeoProvider, vault: Vault | None = None
    ) -> None:
        if vault is not None and vault.epoch != keys.epoch:
            raise KeyHolderError(f"the vault is of epoch {vault.epoch}, the keys are of epoch {keys.epoch}")
        self._vault = vault
        self._linking_until = keys.former.until if keys.former else 0
        self._links: dict[str, str] = {}  # new pseudonym -> old
        zone = Zone(settings.timezone)
        self._parser = AccessParser(settings.log_format, zone)
        self._settings = settings
        self._geo = geo
        self._pseudonyms = pseudonyms = Pseudonyms(keys)
        self._canoniser = Canoniser(settings.home_realms)
        self._reducer = Reducer(pseudonyms, settings.proxy_hosts)
        self._classes = classes = Classes()
        self._event_clock = EventClock(zone)
        self._proxies = campus_networks(settings.proxies)
        self._session_in_user = settings.username == "session"
        present = self._parser.format.present
        self._has_referer = "referer" in present
        self._ident_is_user = "user" not in present
        self._extras = bool(present & {"forwarded", "method", "vhost"})
        self._times = BoundedCache(self._parser.format.time.read, _TIMES)
        self._audit_times = BoundedCache(any_time(zone).read, _TIMES)
        self._accounts = BoundedCache(self._account)
        self._addresses = BoundedCache(self._address)
        self._requests = BoundedCache(self._request)
        self._larges = BoundedCache(self._large)
        self._posts = BoundedCache(self._post)
        self._referers = BoundedCache(self._referer)
        self._sessions = BoundedCache(self._session)
        self._statuses = BoundedCache(_status, 1000)
        self._own: BoundedCache[EventKind, Resource] = BoundedCache(lambda kind: Resource(OWN_PAGES, kind))
        self._agents = BoundedCache(classes.agent)
        self._categories = BoundedCache(classes.category)

    @property
    def watermark(self) -> int:
        """The newest accepted event time, s UTC; 0 at the start."""
        return self._event_clock.newest

    @property
    def ambiguous(self) -> int:
        """Lines so far that could be read in two ways, as by a quote in a header."""
        return self._parser.ambiguous

    def feed(
        self, lines: Sequence[bytes], *, source: str, first_line: int = 1, audit: bool = False
    ) -> list[AccessEvent | Rejected]:
        """One result per line, in order. A line comes without its line end."""
        results = [self._audit(line, source) for line in lines] if audit else self._accesses(lines, source)
        return [
            Rejected(result, source, number, len(line)) if isinstance(result, str) else result
            for number, (line, result) in enumerate(zip(lines, results, strict=True), first_line)
        ]

    def forget(self, accounts: Collection[str]) -> None:
        """These accounts are new at their next line."""
        self._accounts.forget(accounts)
        if self._vault is not None:
            self._vault.forget(accounts)

    def sealed(self) -> tuple[SealedIdentity, ...]:
        """Identities of accounts first seen since the last call, to be kept no later than their events."""
        return self._vault.take() if self._vault is not None else ()

    def links(self) -> tuple[Link, ...]:
        """Accounts first seen since the last call, while a rotation links them.

        To be applied before their events, and as often as they come: a restart tells them again.
        """
        links = tuple(Link(old, new) for new, old in self._links.items())
        self._links.clear()
        return links

    def state(self) -> bytes:
        """What a checkpoint must keep, as JSON."""
        return self._event_clock.state()

    def restore(self, state: bytes) -> None:
        """Go on from ``state``; IngestStateError if it is not one."""
        self._event_clock.restore(state)

    def _accesses(self, lines: Sequence[bytes], source: str) -> list[AccessEvent | str]:
        """An event or a reason for each line of an access log."""
        texts = [
            line.decode("utf-8", "surrogateescape") if len(line) <= LONGEST_LINE else "" for line in lines
        ]
        parsed = self._parser.parse(texts)
        found = iter(self._events([fields for fields in parsed if fields is not None], source))
        return [
            _unreadable(line) if fields is None else next(found)
            for line, fields in zip(lines, parsed, strict=True)
        ]

    def _events(self, lines: Sequence[Fields], source: str) -> list[AccessEvent | str]:
        """Column by column as far as lines do not hang together: one kind of work in a row is quicker."""
        if not lines:
            return []
        when, host, user, session, ident, request, status, size, referer, agent, groups, *extras = zip(
            *lines, strict=True
        )
        if self._extras:
            host, request = zip(*map(self._extra, host, request, *extras), strict=True)
        requests = [self._requests[text] for text in request]
        sizes = [int(text) if text.isdecimal() else -1 for text in size]
        statuses = [self._statuses[text] for text in status]
        resources = self._resources(request, requests, sizes, statuses)
        rows = zip(
            map(
                self._who,
                repeat(source),
                [self._times[text] for text in when],
                [self._addresses[text] for text in host],
                user,
                session,
                ident,
            ),
            requests,
            statuses,
            sizes,
            resources,
            self._origins(referer, resources) if self._has_referer else referer,
            [self._agents[text] for text in agent],
            [self._categories[text] for text in groups],
            strict=True,
        )
        return [
            who if isinstance(who, str)
            else AccessEvent(
                who[0], who[1], who[2], who[3], who[4], who[5], who[6],
                method, code, sent, resource, origin, program, category,
            )
            for who, (method, _, _), code, sent, resource, origin, program, category in rows
        ]  # fmt: skip

    def _resources(
        self, texts: Iterable[str], requests: Iterable[_Request], sizes: Iterable[int], codes: Iterable[int]
    ) -> list[Resource]:
        """What was asked for. An answer's size tells that it was a file; so does that it came by pieces."""
        return [
            resource if sent < least and code != _PIECE
            else self._posts[text, sent] if method == "POST"
            else self._larges[text]
            for text, (method, resource, least), sent, code
            in zip(texts, requests, sizes, codes, strict=True)
        ]  # fmt: skip

    def _origins(self, referer: Iterable[str], resources: Iterable[Resource]) -> list[str]:
        known = self._referers
        pairs = zip(referer, resources, strict=True)
        return [known[text[:_REFERER], resource.platform] for text, resource in pairs]

    def _who(
        self,
        source: str,
        instant: Instant | None,
        place: _Place | None,
        user: str,
        session: str,
        ident: str,
    ) -> tuple[int, int, str, str, str, str, Location] | str:
        """When, who and where of a line, in the order of lines; or the reason why it is no event."""
        if instant is None:
            return "bad_time"
        if place is None:
            return "bad_address"
        taken = self._event_clock.accept(instant, source)
        if isinstance(taken, str):
            return taken
        account, session = self._person(user, session, ident)
        return taken[0], taken[1], account, session, place[0], place[1], place[2]

    def _audit(self, line: bytes, source: str) -> AccessEvent | str:
        text = line.decode("utf-8-sig", "surrogateescape") if len(line) <= LONGEST_LINE else ""
        if not text[:1].isdecimal():
            text = behind_syslog(text.lstrip(" "))
        if "\t" not in text:
            text = text.replace("#011", "\t")
        entry = None if is_header(text) else parse_audit(text)
        if entry is None:
            return _unreadable(line)
        instant = self._audit_times[entry.time]
        if instant is None:
            return "bad_time"
        place = self._addresses[entry.address]
        if place is None:
            return "bad_address"
        taken = self._event_clock.accept(instant, source)
        if isinstance(taken, str):
            return taken
        account = self._accounts[entry.user] if entry.user != entry.session else ""
        session = self._sessions[entry.session]
        category = self._categories[entry.groups]
        resource = self._own[entry.kind]
        time, offset = taken
        return AccessEvent(time, offset, account, session, *place, "", 0, -1, resource, "", "", category)

    def _person(self, user: str, session: str, ident: str) -> tuple[str, str]:
        """Account and session. A session id is never a person, wherever it stands."""
        if session in _NOBODY and len(ident) == _SESSION_LENGTH and ident.isalnum():
            session = ident
        if self._ident_is_user and ident != session:
            user = ident
        if user == session:
            return "", self._sessions[session]
        if self._session_in_user:
            return "", self._sessions[user if session in _NOBODY else session]
        return self._accounts[user], self._sessions[session]

    def _extra(self, host: str, request: str, forwarded: str, method: str, vhost: str) -> tuple[str, str]:
        """Fields of few formats: a load balancer's forwarded address, and method and host beside the URL."""
        if forwarded not in _NOBODY and self._addresses[forwarded] and _is_inner(host):
            host = forwarded
        if vhost not in _NOBODY and request.partition(" ")[2].startswith("/"):
            verb, _, url = request.partition(" ")
            request = f"{verb} http://{vhost}{url}"
        elif vhost not in _NOBODY and request.startswith("/"):
            request = f"http://{vhost}{request}"
        return host, f"{method} {request} HTTP/1" if method not in _NOBODY else request

    def _account(self, name: str) -> str:
        """The pseudonym of a name. What else happens at first sight does no harm a second time."""
        identity = self._canoniser.identify(name)
        if identity is None:
            return ""
        account = self._pseudonyms.user(identity)
        if self._vault is not None:
            self._vault.see(account, identity)
        if self._event_clock.newest < self._linking_until:
            self._links[account] = self._pseudonyms.former(identity)
        return account

    def _session(self, text: str) -> str:
        return "" if text in _NOBODY else self._pseudonyms.session(text)

    def _address(self, text: str) -> _Place | None:
        if text in _NOBODY:
            return _NO_ADDRESS
        first = self._settings.forwarded == "first"
        listed = text[:_ADDRESSES].split(",") if first else text[-_ADDRESSES:].split(",")
        entries = [parse_address(_bare(entry)) for entry in listed]
        known = [entry for entry in entries if entry is not None]
        if not known:
            return _NO_ADDRESS if _MASKED.fullmatch(text.strip()) else None
        address = known[0] if first else self._outermost(known)
        tokens = self._pseudonyms
        return tokens.address(address), tokens.network(address), self._geo.place(address)

    def _outermost(self, known: Sequence[Address]) -> Address:
        """The last address that is not one of the site's own: the reader may have sent those before it."""
        for address in reversed(known):
            if not is_private(address) and not any(
                address in network for network in self._proxies if network.version == address.version
            ):
                return address
        return known[-1]

    def _request(self, text: str) -> _Request:
        """``METHOD URL HTTP/x.y``, or a URL alone."""
        method, url = request_line(text)
        reduced = self._reducer.reduce(url)
        resource = reduced.resource
        if method not in _READ_BY and resource.kind in READING:  # an answer to a form may be a word or a file
            return method, Resource(resource.platform, EventKind.PAGE), self._reducer.page_bytes
        return method, resource, reduced.least

    def _large(self, text: str) -> Resource:
        return self._reducer.large(request_line(text)[1])

    def _post(self, key: tuple[str, int]) -> Resource:
        text, size = key
        return self._reducer.posted(request_line(text)[1], size)

    def _referer(self, key: tuple[str, str]) -> str:
        """The class of a referer, as seen from a request's platform."""
        text, platform = key
        if text in _NOBODY:
            return "none"
        host, origin = self._reducer.site(text)
        if origin == OWN_PAGES:
            return "library"
        kind = self._classes.referer(host)
        return "same" if kind != "shadow" and origin == platform else kind


def _is_inner(host: str) -> bool:
    address = parse_address(_bare(host))
    return address is None or is_private(address)


def _bare(entry: str) -> str:
    """An address without blanks, brackets and port."""
    entry = entry.strip().strip('"')
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _status(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 3 else 0


def _unreadable(line: bytes) -> str:
    """The reason for a line that has not the shape of its log."""
    if len(line) > LONGEST_LINE:
        return "line_too_long"
    if not line.strip():
        return "empty_line"
    if line.startswith((b"Date/Time\t", b"\xef\xbb\xbfDate/Time\t")):
        return "header"
    rubbish = len(line.translate(None, _TEXT_BYTES))
    return "binary" if b"\0" in line or rubbish * 10 > len(line) else "no_match"
