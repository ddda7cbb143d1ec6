"""Which document a URL names: by a publisher's rule, a DOI or PII, else by its path and parameters.

The path goes first: what a reader adds behind it stands for nothing while the path itself names a document.
Where no rule names the identifier, everything that tells requests apart is one: the segments of the path
without the words that say how a document is shown, and the parameters without sessions, traces and pages.
"""

import re
from collections.abc import Callable

import msgspec

from pseudonymiser.platforms import Identifiers, Platform
from pseudonymiser.urls import Target
from service.records.events import READING, EventKind

_DOI = re.compile(r"(?<![\d.])10\.\d{4,9}/[^\s?&\"'<>#]+")
_ISSN = re.compile(r"\d{4}-?\d{3}[\dx]")
_ISBN = re.compile(r"(?<!\d)97[89][\d-]{10,14}(?!\d)")
_NUMBERS = re.compile(r"\d+", re.ASCII)
_NO_PII = re.compile(r"[^0-9xsb]")
_PICTURES = frozenset(
    {"css", "js", "mjs", "map", "png", "gif", "jpg", "jpeg", "svg", "webp", "ico", "woff", "woff2", "json"}
    | {"rss", "txt"}
)
# Segments that say how a document is shown, not which one it is.
_VIEWS = frozenset(
    {
        "full",
        "fulltext",
        "full-text",
        "full_text",
        "fullhtml",
        "full-html",
        "full_html",
        "html",
        "view",
        "viewer",
    }
    | {
        "download",
        "downloads",
        "reader",
        "read",
        "doc",
        "docs",
        "document",
        "documents",
        "article",
        "articles",
    }
    | {"chapter", "chapters", "texte", "text", "detail", "details", "abs", "abstract", "content", "contents"}
    | {
        "revue",
        "revues",
        "api",
        "ojs",
        "index",
        "web",
        "portal",
        "en",
        "fr",
        "de",
        "es",
        "it",
        "php",
        "export",
    }
    | {"print", "file", "files", "ps", "ref", "v1", "v2", "v3", "v4", "v5", "v6", "en-us", "en-gb", "fr-fr"}
    | {"de-de", "es-es", "it-it", "pt-br", "epub2", "epub3"}
)
_VIEW_BEGINS = ("pdf", "epdf", "epub")
_TELLS = re.compile(r"\d{3}|-[^/-]*-|[^a-z0-9_./-]")  # in a path: more than words of an application
_PICTURED = re.compile(r"\.[a-z0-9]{2,5}$")
_DOCUMENTARY = re.compile(r"\d{4}|[a-z0-9]++[-_][a-z0-9]++[-_][a-z0-9]++[-_][a-z]|\.(?:pdf|epub)$")
_CODE = re.compile(r"\.(?:js|mjs|css|map|json|woff2?)$")
_HASH = re.compile(r"(?<![a-z0-9])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{6,}(?![a-z0-9])")  # of a built file
_NUMBERED = re.compile(r"\d{3}", re.ASCII)
_FILE = re.compile(r"\.(?:pdf|epub|docx?|pptx?|xlsx?)/?$")
_MOST_SEGMENTS = 24  # of a path that are looked at one by one
_STRONG = re.compile(
    r"(?=(?:[^\d]*\d){6})(?=.{7})|(?=(?:[^\d]*\d){3})(?=[^\d]*[a-z]|\d+[^\d]*[a-z]).{10}", re.DOTALL
)


class Named(msgspec.Struct, frozen=True, gc=False):
    """A document before it is keyed. Empty text: not known."""

    scheme: str = ""
    document: str = ""
    journal_scheme: str = ""
    journal: str = ""
    sequence: int = -1


NOTHING = Named()
_BY_PATH = READING | {EventKind.MEDIA}  # what has a document though nothing but its path names it


class Naming:
    """Names documents of any platform. ``names_document`` and ``is_noise`` judge names of parameters."""

    def __init__(
        self, identifiers: Identifiers, names_document: Callable[[str], bool], is_noise: Callable[[str], bool]
    ) -> None:
        self._ids = identifiers
        self._names_document = names_document
        self._is_noise = is_noise

    def by_rule(self, platform: Platform, target: Target, kind: EventKind, match: re.Match[str]) -> Named:
        """The document by the groups of a platform's rule."""
        groups = match.groupdict()
        if pii := groups.get("pii"):
            named = self._pii(platform, pii)
        elif doi := groups.get("doi"):
            named = self._doi(doi)
        elif doc := groups.get("doc"):
            doc = _without_picture(doc)
            named = (
                self._doi(platform.doi_prefix + doc)
                if platform.doi_prefix
                else _own_id(platform, target.host, doc)
            )
        else:
            named = self.anywhere(platform, target, kind)
        return _with_journal(named, platform, groups)

    def anywhere(self, platform: Platform, target: Target, kind: EventKind) -> Named:
        """The document by a DOI or PII wherever it stands, else by the path and what is asked of it.

        By the path only what is read or played: any other page is none.
        """
        if named := self._identified(platform, target.path):
            return named
        if kind not in _BY_PATH:
            return self._identified(platform, target.query) or NOTHING
        segments = _telling(target.path)
        strong = _strong(segments)
        told = strong or not target.query or _TELLS.search("/".join(segments))
        if not told and (named := self._identified(platform, target.query, target)):
            return named
        return self._by_path(platform, target, kind, segments, strong)

    def _identified(self, platform: Platform, text: str, alone: Target | None = None) -> Named | None:
        """By a DOI or PII in the text; in that of a query, where no other parameter names a document."""
        if "10." in text and (doi := _DOI.search(text)) and (alone is None or self._alone(alone, doi[0])):
            return self._doi(doi[0])
        pii = self._ids.pii_anywhere.search(text) if text else None
        if pii is not None and (alone is None or self._alone(alone, pii[0])):
            return self._pii(platform, pii[0])
        return None

    def by_itself(self, platform: Platform, target: Target) -> Named:
        """A file, whatever it looks like."""
        return self.anywhere(platform, target, EventKind.PDF)

    def furniture(self, platform: Platform, target: Target) -> Named:
        """What ends like a script or picture, yet is large: its folder, unless its own name is a document's.

        So the parts of a site's pages are one, and an ending put behind a document hides none.
        """
        folder, _, last = _without_picture(target.path).rpartition("/")
        if _CODE.search(target.path):
            last = _HASH.sub("", last)
        if target.path.count("/") > 1 and not _DOCUMENTARY.search(last) and _PICTURED.search(target.path):
            target = msgspec.structs.replace(target, path=folder or "/")
        return self.anywhere(platform, target, EventKind.PDF)

    def _by_path(
        self, platform: Platform, target: Target, kind: EventKind, segments: list[str], strong: bool
    ) -> Named:
        scope = f"host/{platform.name if platform.name != 'unknown' else target.host}"
        if kind is EventKind.BOOK and (isbn := _ISBN.search(target.text)):
            return Named(scope, isbn[0], "host", scope)
        if strong:
            path, asked = segments[-1], self._named(target.query, segments[-1])
        else:
            path, asked = self._asked(target, segments)
        document = f"{path}?{asked}" if asked and path else path or asked or "/"
        sequence = _ordinal(segments[-1]) if segments and platform.known else -1
        return Named(scope, document + target.rest, "host", scope, sequence)

    def _alone(self, target: Target, identifier: str) -> bool:
        """Whether no other parameter names a document: who adds a DOI to every request joins none of them."""
        pairs = [pair.partition("=") for pair in target.query.split("&")]
        return not any(
            _NUMBERED.search(value) and identifier not in value and not self._is_noise(name)
            for name, _, value in pairs
        )

    def _named(self, query: str, segment: str) -> str:
        """Beside a path that names a document: what else is called an identifier, unless it says the same."""
        if not query:
            return ""
        pairs = [pair.partition("=") for pair in query.split("&")]
        named = {value for name, _, value in pairs if value and self._names_document(name)}
        return "&".join(sorted(value for value in named if segment not in value))

    def _asked(self, target: Target, segments: list[str]) -> tuple[str, str]:
        """What of path and query names a document where the path's end does not."""
        query = target.query
        path = "/".join(segments)
        if not query:
            return path, ""
        file = _FILE.search(target.path) is not None
        pairs = [pair.partition("=") for pair in query.split("&")]
        plain = _TELLS.search(path) is None
        named = sorted({value for name, _, value in pairs if value and self._names_document(name)})
        telling = sorted({value or name for name, _, value in pairs if not self._is_noise(name)})
        if file and not plain:
            return path, "&".join(named)
        numbered = sorted({*named, *(value for value in telling if _NUMBERED.search(value))})
        if plain and any(_STRONG.match(value) for value in numbered):
            return "", "&".join(numbered)
        return path, "&".join(telling) if telling or not plain else query

    def _doi(self, text: str) -> Named:
        doi = text
        if self._ids.doi_tail.search(doi):  # most have none
            for tail in self._ids.doi_tails:
                doi = tail.sub("", doi)
        prefix = doi.partition("/")[0]
        if found := self._ids.doi_journals.read(doi):
            journal, sequence = found
            return Named("doi", doi, "doi", f"{prefix}/{journal}", _ordinal(sequence))
        return Named("doi", doi, "doi", prefix, _ordinal(doi))

    def _pii(self, platform: Platform, text: str) -> Named:
        pii = _NO_PII.sub("", text)
        for shape in self._ids.pii_shapes:
            if match := shape.fullmatch(pii):
                bare = pii.lstrip("sb")
                return Named("pii", bare, "issn", match["journal"], int(match["sequence"]))
        return Named(platform.name, pii, platform.name, platform.name)


def _telling(path: str) -> list[str]:
    """The segments of a path that say which document, the last without its ending."""
    segments = [segment for segment in path.split("/") if segment]
    if segments and "." in segments[-1]:
        stem, dot, ending = _without_picture(segments[-1]).rpartition(".")
        if dot and stem and len(ending) <= 5 and not ending.isdecimal():
            segments[-1] = stem.removesuffix(".full").removesuffix(".pdf")
        else:
            segments[-1] = stem + dot + ending
    if len(segments) > _MOST_SEGMENTS:  # nobody's path: all of it, as it stands
        return ["/".join(segments)]
    return [segment for segment in segments if not _is_view(segment)]


def _is_view(segment: str) -> bool:
    return segment in _VIEWS or (
        len(segment) <= 24
        and (segment.endswith("pdf") or segment.startswith(_VIEW_BEGINS))
        and segment.isalpha()
    )


def _without_picture(text: str) -> str:
    """Without an ending like a picture's or script's, which may have been put behind it."""
    stem, dot, ending = text.rpartition(".")
    return stem if dot and ending in _PICTURES else text


def _strong(segments: list[str]) -> bool:
    """Whether the last segment alone names a document of its site."""
    return bool(segments and len(segments[-1]) <= 200 and _STRONG.match(segments[-1]))


def _own_id(platform: Platform, host: str, text: str) -> Named:
    document = text.lstrip("0") or text
    scope = f"{platform.name}/{host}" if platform.by_host else platform.name
    return Named(scope, document, scope, scope, _ordinal(document))


def _with_journal(named: Named, platform: Platform, groups: dict[str, str | None]) -> Named:
    """A rule's own journal where the identifier tells none; an ISSN is one journal on every site."""
    if (journal := groups.get("journal")) and named.scheme not in {"doi", "pii"}:
        scheme = "issn" if _ISSN.fullmatch(journal) else platform.name
        bare = journal.replace("-", "") if scheme == "issn" else journal
        named = msgspec.structs.replace(named, journal_scheme=scheme, journal=bare)
    if sequence := groups.get("seq"):
        named = msgspec.structs.replace(named, sequence=_ordinal(sequence))
    return named


def _ordinal(text: str) -> int:
    """The last number in a text, at most nine digits of it; -1 where there is none."""
    numbers = _NUMBERS.findall(text[-64:])
    return int(numbers[-1][-9:]) if numbers else -1
