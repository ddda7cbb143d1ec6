"""Referers, agents and user groups reduced to a class each, by ``classes.toml``; nothing else survives."""

import re
import tomllib
from importlib.resources import files

import msgspec

_SEPARATOR = re.compile(r"[^a-z0-9]+")
_NONE = frozenset({"", "-"})


class _Words(msgspec.Struct, frozen=True, rename={"name": "class"}):
    name: str
    words: tuple[str, ...]


class _Referers(msgspec.Struct, frozen=True):
    shadow: frozenset[str]
    shadow_words: tuple[str, ...]
    search: frozenset[str]
    discovery: frozenset[str]
    library: frozenset[str]
    library_words: tuple[str, ...]


class _Data(msgspec.Struct, frozen=True):
    referer: _Referers
    agent: tuple[_Words, ...]
    category: tuple[_Words, ...]


class Classes:
    """The classes of one site."""

    def __init__(self) -> None:
        text = files("pseudonymiser").joinpath("classes.toml").read_text(encoding="utf-8")
        data = msgspec.convert(tomllib.loads(text), _Data)
        self._referer = data.referer
        self._agents = data.agent
        self._categories = {word: rule.name for rule in reversed(data.category) for word in rule.words}
        self._rank = {rule.name: rank for rank, rule in enumerate(data.category)}

    def referer(self, host: str) -> str:
        """The class of a referring site by its host, lower case."""
        domains = tuple(_suffixes(host))
        if any(domain in self._referer.shadow for domain in domains) or _has(
            host, self._referer.shadow_words
        ):
            return "shadow"
        for domain in domains:  # the longest first: scholar.google.com is discovery, google.com search
            if domain in self._referer.discovery:
                return "discovery"
            if domain in self._referer.library:
                return "library"
            if domain in self._referer.search:
                return "search"
        return "library" if _has(host, self._referer.library_words) else "other"

    def agent(self, text: str) -> str:
        """The family of a user agent; "" where the line has none."""
        if text in _NONE:
            return ""
        lowered = text[:1024].lower()
        return next((rule.name for rule in self._agents if _has(lowered, rule.words)), "other")

    def category(self, groups: str) -> str:
        """The coarse category of a reader by groups and status; "" where none is known."""
        found = {self._categories.get(word) for word in _SEPARATOR.split(groups[:1024].lower())} - {None}
        joined = groups.lower()
        if "walk-in" in joined or "walk in" in joined:
            found.add("walk-in")
        return min((name for name in found if name), key=self._rank.__getitem__, default="")


def _suffixes(host: str) -> list[str]:
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(max(0, len(labels) - 6), len(labels))]


def _has(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)
