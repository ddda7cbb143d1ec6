"""What a URL asks for where no publisher's rule tells: by the ending and the words of its path.

A reader cannot choose these words against the publisher: what names a file goes before what looks like page
furniture, parameters speak only where the path says nothing, and furniture, lists and pages that are large
are something else (``Guess.least``).
"""

import re

import msgspec

from pseudonymiser.bounded_cache import BoundedCache
from service.records.events import EventKind

_LONGEST_WORD = 40  # characters of a segment that may mean a kind
NEVER = 1 << 62  # bytes: no size makes a document of it

_ORDER = (
    "pdf", "poll", "asset", "search", "abstract", "contents", "library", "book", "media", "whole", "fulltext",
)  # fmt: skip
_DIGIT = re.compile(r"\d", re.ASCII)
_DOI = re.compile(r"/10\.\d{4,9}/[^/]")
_NUMBERED = re.compile(r"(?:[^\d]*\d){4}")
_OWN_NUMBER = re.compile(r"(?=[^\d]*\d)(?=[^a-z]*[a-z])[a-z0-9]{6,24}|\d{5,12}")
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][a-z]{2})?")
_TITLE = re.compile(r"(?=[0-9]*[a-z])[a-z0-9]++(?:[-_+ ][a-z0-9'.,:]++){3,}")
_TITLE_AND_NUMBER = re.compile(r"(?:(?=[0-9]*[a-z])[a-z0-9]++[-_]){1,12}\d{5,}|\d{5,}(?:[-_][a-z0-9.]++){2,}")
_DATED = re.compile(
    r"/(?:19|20)\d\d[/-](?:0?[1-9]|1[0-2])(?:[/-][0-3]?\d)?/(?:[a-z]++/){0,3}(?=[^/a-z]*[a-z])[^/]++/?$"
)
_FILE_BEFORE_END = re.compile(r"\.pdf/|/e?pdf(?:direct|plus|ft)?/(?:[^/]+/){0,2}10\.\d{4,9}/")
_PARTS = re.compile(r"[-_.]")
_ABSTRACT_VIEW = frozenset({"abstract", "resume", "biblio", "references", "citation", "summary", "metadata"})
_CONTENTS_VIEW = frozenset({"toc", "sommaire", "contents"})


class Guess(msgspec.Struct, frozen=True, gc=False):
    """The kind of a path, and the bytes from which on an answer is a document all the same."""

    kind: EventKind
    least: int = NEVER


class Large(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes of an answer from which on it is a document, by what its path looks like."""

    page: int
    asset: int
    listing: int


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of parameters by what they tell."""

    search: frozenset[str]
    formats: frozenset[str]
    views: frozenset[str]
    readings: frozenset[str]
    documents: frozenset[str]
    noise: frozenset[str]


class Kinds:
    """The general rules, compiled from the words of ``identifiers.toml``."""

    def __init__(
        self,
        files: dict[str, list[str]],
        words: dict[str, list[str]],
        inside: dict[str, list[str]],
        parameters: Parameters,
        large: Large,
    ) -> None:
        self._files = {ending: kind for kind, endings in files.items() for ending in endings}
        self._word = _word_pattern(words)
        self._meaning = {part: kind for kind, parts in inside.items() for part in parts}
        self._inside = re.compile("|".join(sorted(self._meaning, key=len, reverse=True)))
        self._words = BoundedCache(self._meant, 10_000)
        self._parameters = parameters
        self._large = large
        self._furniture = Guess(EventKind.ASSET, large.asset)

    def guess(self, path: str, query: str) -> Guess:  # noqa: PLR0911  # one row of a table each
        """The kind of a normalised path and query."""
        stem, _, ending = path.rpartition("/")[2].rpartition(".")
        file = self._files.get(ending, "") if stem else ""
        if file == "asset" and "pdf/" not in path:  # most
            return self._furniture
        if file in {"pdf", "book"}:
            return Guess(EventKind(file))
        if file == "archive":
            return Guess(EventKind.PAGE, self._large.page)
        if _FILE_BEFORE_END.search(path):
            return Guess(EventKind.PDF)
        if file == "asset":
            return self._furniture
        if file == "media":
            return Guess(EventKind.MEDIA)
        segments = [segment for segment in path.split("/") if segment]
        if file:
            segments[-1] = stem
        return self._by_words(path, segments, query)

    def names_document(self, name: str) -> bool:
        """Whether a parameter of this name says which document."""
        return name in self._parameters.documents

    def is_noise(self, name: str) -> bool:
        """Whether a parameter of this name never says which document."""
        return name in self._parameters.noise

    def _by_words(  # noqa: PLR0911  # one row of a table of kinds each
        self, path: str, segments: list[str], query: str
    ) -> Guess:
        word, at = self._nearest(segments)
        if word == "poll" and at == len(segments) - 1:
            return Guess(EventKind.POLL, self._large.asset)
        if word == "asset":
            return Guess(EventKind.ASSET, self._large.asset)
        pairs = [pair.partition("=")[::2] for pair in query.split("&")] if query else []
        if word == "pdf" or self._is_pdf(pairs):
            return Guess(EventKind.PDF)
        if view := self._view(pairs):
            return Guess(view, self._large.listing)
        if word not in {"abstract", "contents", "media"} and self._asks_document(pairs):
            return Guess(EventKind.FULLTEXT)
        behind = segments[at + 1 :] if word else segments
        if word in {"search", "abstract", "contents"}:
            return self._listing(word, behind)
        if word == "whole" and (query or _DIGIT.search(path) or _is_article(path, segments[:-1])):
            return Guess(EventKind.FULLTEXT)
        if word == "library":  # one segment behind the word is the book's own page, more are its chapters
            parts = [segment for segment in behind if not segment.startswith("10.")]
            return Guess(EventKind.BOOK) if len(parts) > 1 else Guess(EventKind.CONTENTS, self._large.listing)
        if word == "book" and (behind or self._has_id(pairs)):
            return Guess(EventKind.BOOK)
        if word == "media" and (behind or self._has_id(pairs)):
            return Guess(EventKind.MEDIA, self._large.listing)
        if word == "fulltext" and (_names_one(behind or segments[-2:-1]) or self._has_id(pairs)):
            return Guess(EventKind.FULLTEXT)
        return self._by_title(path, segments, pairs)

    def _by_title(self, path: str, segments: list[str], pairs: list[tuple[str, str]]) -> Guess:
        if _is_article(path, segments) or _DOI.search(path):
            return Guess(EventKind.FULLTEXT)
        if any(name in self._parameters.search and value for name, value in pairs):
            return Guess(EventKind.SEARCH, self._large.page)
        return Guess(EventKind.PAGE, self._large.page)

    def _listing(self, word: str, behind: list[str]) -> Guess:
        last = behind[-1] if behind else ""
        far = len(behind) > 2 and (_OWN_NUMBER.fullmatch(last) or _TITLE.fullmatch(last))
        if word == "contents" and (far or _TITLE_AND_NUMBER.fullmatch(last)):
            return Guess(EventKind.FULLTEXT)
        return Guess(EventKind(word), self._large.listing)

    def _nearest(self, segments: list[str]) -> tuple[str, int]:
        """The kind of the word that stands nearest to the end, and its segment."""
        for at in range(len(segments) - 1, max(-1, len(segments) - 9), -1):
            segment = segments[at]
            if len(segment) <= _LONGEST_WORD and not segment.isdecimal() and (word := self._words[segment]):
                return word, at
        return "", -1

    def _meant(self, segment: str) -> str:
        """The kind that a segment means; "" for none."""
        if match := self._word.fullmatch(segment):
            return match.lastgroup or ""
        inside = self._inside.findall(segment)
        return self._meaning[inside[-1]] if inside else ""

    def _asks_document(self, pairs: list[tuple[str, str]]) -> bool:
        readings = self._parameters.readings
        return any(name in readings and value for name, value in pairs)

    def _is_pdf(self, pairs: list[tuple[str, str]]) -> bool:
        formats = self._parameters.formats
        return any(name in formats and value.endswith("pdf") for name, value in pairs)

    def _view(self, pairs: list[tuple[str, str]]) -> EventKind | None:
        for name, value in pairs:
            if name in self._parameters.views:
                if value in _ABSTRACT_VIEW:
                    return EventKind.ABSTRACT
                if value in _CONTENTS_VIEW:
                    return EventKind.CONTENTS
        return None

    def _has_id(self, pairs: list[tuple[str, str]]) -> bool:
        documents, noise = self._parameters.documents, self._parameters.noise
        return any(
            (name in documents if value else _NUMBERED.match(name))
            or (name not in noise and _NUMBERED.match(value))
            for name, value in pairs
        )


def _word_pattern(words: dict[str, list[str]]) -> re.Pattern[str]:
    groups = "|".join(f"(?P<{kind}>{'|'.join(words[kind])})" for kind in _ORDER)
    return re.compile(rf"(?:[a-z0-9]+[-_.])?(?:{groups})(?:[-_.][a-z0-9]+)?")


def _names_one(behind: list[str]) -> bool:
    """Whether segments behind a word name one document rather than a list of them."""
    return any(not _LANGUAGE.fullmatch(segment) for segment in behind)


def _is_article(path: str, segments: list[str]) -> bool:
    """A title in words, or with a number, or behind a date: how newspapers and blogs name what they print."""
    last = segments[-1] if segments else ""
    return bool(_TITLE.fullmatch(last) or _TITLE_AND_NUMBER.fullmatch(last) or _DATED.search(path))
