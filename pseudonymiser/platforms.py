"""Publishers' patterns and identifiers, read from ``platforms.toml`` and ``identifiers.toml``."""

import re
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import msgspec

from pseudonymiser.bounded_cache import BoundedCache
from pseudonymiser.kinds import Kinds, Large, Parameters
from service.records.events import EventKind

Find = Callable[[str], re.Match[str] | None]
# Kind, how a rule's beginning is found, what must follow behind that (None: nothing more), and whether only
# the path is looked at.
Rule = tuple[EventKind, Find, re.Pattern[str] | None, bool]


class _PlatformData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    hosts: tuple[str, ...]
    rules: tuple[tuple[EventKind, str], ...] = ()
    family: str = ""
    doi_prefix: str = ""
    by_host: bool = False


class Platform(msgspec.Struct, frozen=True):
    """One publisher's or aggregator's site, its rules compiled."""

    name: str
    rules: tuple[Rule, ...] = ()
    doi_prefix: str = ""  # makes a DOI of the site's own ids
    by_host: bool = False  # ids are unique within one host only
    known: bool = True


class _Doi(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tails: tuple[str, ...]
    prefix: str
    journals: tuple[str, ...]


class _Pii(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    anywhere: str
    article: str
    chapter: str


class _Hosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    second_level: frozenset[str]
    private: frozenset[str]


class _Identifiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    doi: _Doi
    pii: _Pii
    hosts: _Hosts
    large: Large
    files: dict[str, list[str]]
    words: dict[str, list[str]]
    inside: dict[str, list[str]]
    parameters: Parameters


class Journals:
    """Shapes of a DOI in one pattern: tried one by one, a dozen take twice as long."""

    def __init__(self, prefix: str, shapes: tuple[str, ...]) -> None:
        shapes = tuple(re.sub(r"\(\?P<(\w+)>", rf"(?P<\1_{n}>", shape) for n, shape in enumerate(shapes))
        self._pattern = re.compile(f"{prefix}(?:{'|'.join(shapes)})")
        groups = self._pattern.groupindex
        pairs = [(groups[f"journal_{n}"], groups.get(f"sequence_{n}", 0)) for n in range(len(shapes))]
        self._pairs = {max(pair): pair for pair in pairs}

    def read(self, doi: str) -> tuple[str, str] | None:
        """Journal, and ordinal or "", by the first shape that fits the whole; None where none does."""
        match = self._pattern.fullmatch(doi)
        if match is None or match.lastindex is None:
            return None
        journal, sequence = self._pairs[match.lastindex]
        return match[journal], match[sequence] if sequence else ""


class Identifiers(msgspec.Struct, frozen=True):
    """What is recognised on any site, compiled."""

    doi_tails: tuple[re.Pattern[str], ...]
    doi_tail: re.Pattern[str]  # any of them
    doi_journals: Journals
    pii_anywhere: re.Pattern[str]
    pii_shapes: tuple[re.Pattern[str], ...]  # article, chapter


class Catalogue:
    """All platforms by host. A platform's rules are compiled when its host is first seen."""

    def __init__(self) -> None:
        table = _toml("platforms.toml")
        self._families: Mapping[str, tuple[tuple[EventKind, str], ...]] = msgspec.convert(
            table["family"], dict[str, tuple[tuple[EventKind, str], ...]]
        )
        platforms = msgspec.convert(table["platform"], tuple[_PlatformData, ...])
        self._by_host = {host: platform for platform in platforms for host in platform.hosts}
        self._compiled: dict[str, Platform] = {}
        self._found = BoundedCache(self._find, 10_000)
        data = msgspec.convert(_toml("identifiers.toml"), _Identifiers)
        self._hosts = data.hosts
        self.large = data.large
        self.kinds = Kinds(data.files, data.words, data.inside, data.parameters, data.large)
        self.identifiers = _compile(data)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({platform.name for platform in self._by_host.values()}))

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self._by_host)

    def find(self, host: str) -> Platform:
        """The platform of a host in lower case; an unknown one is named by its registrable domain."""
        return self._found[host]

    def _find(self, host: str) -> Platform:
        if data := self._known(host) or self._rewritten(host):
            return self._platform(data)
        return Platform(self.registrable(host), known=False)

    def _known(self, host: str) -> _PlatformData | None:
        name = host
        while name:
            if data := self._by_host.get(name):
                return data
            name = name.partition(".")[2]
        return None

    def _rewritten(self, host: str) -> _PlatformData | None:
        """A publisher behind another proxy: ``www-nature-com.proxy.…`` or ``www.nature.com.proxy.…``."""
        first, *others = host.split(".")[:_MOST_LABELS]
        if "-" in first and (
            data := self._known(first.replace("--", "\0").replace("-", ".").replace("\0", "-"))
        ):
            return data
        ends = range(len(others), 0, -1)
        return next(filter(None, (self._known(".".join([first, *others[:end]])) for end in ends)), None)

    def registrable(self, host: str) -> str:
        """The part of a host name that its owner registered, such as ``example.ac.uk``; else "unknown".

        Labels below it can carry a person's name and are dropped; so are addresses and private networks.
        """
        labels = host.strip(".").split(".")
        if len(labels) < 2 or not _SUFFIX.fullmatch(labels[-1]) or labels[-1] in self._hosts.private:
            return "unknown"
        country = len(labels[-1]) == 2
        kept = labels[-3:] if country and labels[-2] in self._hosts.second_level else labels[-2:]
        domain = ".".join(kept)
        valid = len(domain) <= 64 and all(_LABEL.fullmatch(label) for label in kept)
        return domain if valid else "unknown"

    def _platform(self, data: _PlatformData) -> Platform:
        if (known := self._compiled.get(data.name)) is None:
            rules = data.rules + self._families.get(data.family, ())
            compiled = tuple((kind, *split(pattern), kind in _BY_PATH) for kind, pattern in rules)
            known = Platform(data.name, compiled, data.doi_prefix, data.by_host)
            self._compiled[data.name] = known
        return known


_BY_PATH = frozenset({EventKind.ASSET, EventKind.POLL})  # what parameters do not say
_CHOICE = re.compile(r"\|(?:\^|/|_ob|bknumber)")  # another beginning, not at the start
_MOST_LABELS = 8  # of a host that are looked at for another's
_GAP = re.compile(r"(?:\[\^\?\]|\.)\*\??")
_SUFFIX = re.compile(r"[a-z]{2,24}|xn--[a-z0-9-]{2,59}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def split(pattern: str) -> tuple[Find, re.Pattern[str] | None]:
    """A rule in two where its beginning can stand anywhere and a gap follows it.

    Searched as one, each place where the beginning stands would be tried up to the end of the URL.
    """
    if not pattern.startswith("^"):
        gap = _GAP.search(pattern)
        head = pattern[: gap.start()] if gap else ""
        if gap and "(?P<" not in head and head.count("(") == head.count(")"):
            return re.compile(head).search, re.compile(pattern[gap.start() :])
        return re.compile(pattern).search, None
    compiled = re.compile(pattern)  # only a match is quick to see that it does not begin so
    return compiled.search if _CHOICE.search(pattern) else compiled.match, None


def _compile(data: _Identifiers) -> Identifiers:
    return Identifiers(
        doi_tails=tuple(re.compile(tail) for tail in data.doi.tails),
        doi_tail=re.compile("|".join(f"(?:{tail})" for tail in data.doi.tails)),
        doi_journals=Journals(data.doi.prefix, data.doi.journals),
        pii_anywhere=re.compile(data.pii.anywhere),
        pii_shapes=(re.compile(data.pii.article), re.compile(data.pii.chapter)),
    )


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files("pseudonymiser").joinpath(name).read_text(encoding="utf-8"))
