"""Lines of an access log to their fields, by the site's compiled format."""

import re
from collections.abc import Iterable, Iterator

from pseudonymiser.logformat import LineFormat, compile_format
from pseudonymiser.timestamps import Zone

# What a syslog daemon puts before a line: RFC 3164 (https://www.rfc-editor.org/rfc/rfc3164#section-4.1), also
# without a tag, behind a relay's own, or with an ISO time as rsyslog writes it; RFC 5424
# (https://www.rfc-editor.org/rfc/rfc5424#section-6); and what a container's runtime puts there (CRI).
_SYSLOG = re.compile(
    r"(?:<\d{1,3}>)?(?:"
    r"1 \S{1,64} \S{1,255} \S{1,64} \S{1,128} \S{1,64} "
    r"(?:-|(?:\[(?:[^\]\\]|\\.){0,1024}\]){1,16}) (?:\ufeff|BOM)?"
    r"|\d{4}-\d\d-\d\dT[\d:.,]{8,20}(?:Z|[+-]\d\d:?\d\d) std(?:out|err) [FP] "
    r"|(?:[A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.,]{8,16}(?:Z|[+-]\d\d:?\d\d))"
    r" \S{1,255} (?:[^\s:\[]{1,64}(?:\[\d{1,10}\])?: ?)?)",
    re.ASCII,
)

_AT_MOST = 2  # prefixes before one line: a daemon's and its relay's

Fields = tuple[str, ...]  # in the order of ``logformat.ROLES``; "" for what the format does not carry


class AccessParser:
    """Parses lines of one LogFormat. Raises LogFormatError if the format cannot be compiled."""

    def __init__(self, log_format: str, zone: Zone) -> None:
        self.format: LineFormat = compile_format(log_format, zone)
        self.ambiguous = 0  # lines that could be read in two ways
        self._match = self.format.pattern.match
        self._indexes = self.format.indexes

    def parse(self, texts: Iterable[str]) -> list[Fields | None]:
        """The fields of each line, also behind a syslog prefix that the format does not name; None: none."""
        match, indexes = self._match, self._indexes
        return [
            None if fit is None else fit.group(*indexes)
            for fit in (
                self._wrapped(text) if fit is None
                else fit if text.count(" HTTP/") < 2
                else self._weightier(fit, text)
                for text, fit in ((text, match(text)) for text in texts)
            )
        ]  # fmt: skip

    def _wrapped(self, text: str) -> re.Match[str] | None:
        """A line that does not fit as it stands: behind what a shipper added, or with blanks in its name."""
        candidates = tuple(_unwrapped(text))
        for candidate in candidates:
            if first := self._match(candidate):
                return self._weightier(first, candidate)
        spaced = self.format.spaced
        if spaced is None or text.count(" ") < 3:
            return None
        return next(filter(None, map(spaced.match, (*reversed(candidates), text))), None)

    def _weightier(self, first: re.Match[str], text: str) -> re.Match[str]:
        """Of two readings the one that counts for more: nobody makes an answer smaller by what is sent."""
        last = self.format.last.match(text) if self.format.last is not None else None
        if last is None or last.group(*self._indexes) == first.group(*self._indexes):
            return first
        self.ambiguous += 1
        return max(first, last, key=_weight)


def behind_syslog(text: str) -> str:
    """The text without what a syslog daemon put before it."""
    for _ in range(_AT_MOST):
        prefix = _SYSLOG.match(text)
        if prefix is None:
            break
        text = text[prefix.end() :]
    return text


def _unwrapped(text: str) -> Iterator[str]:
    """The line without what shippers add to it: blanks, ``#011`` for tabs, a prefix."""
    bare = text.lstrip(" ").replace("#011", "\t")
    if bare != text:
        yield bare
    if prefix := _SYSLOG.match(bare):
        yield bare[prefix.end() :]
        if (inner := behind_syslog(bare)) != bare[prefix.end() :]:
            yield inner
        yield bare[prefix.end() :].lstrip(" ")


def _weight(match: re.Match[str]) -> tuple[bool, int]:
    size = match["size"]
    return match["status"] in {"200", "206"}, int(size) if size.isdecimal() else -1
