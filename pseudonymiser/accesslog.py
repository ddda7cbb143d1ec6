"""Lines of an access log to their fields, by the site's compiled format."""

import re
from collections.abc import Iterable

from pseudonymiser.logformat import LineFormat, compile_format
from pseudonymiser.timestamps import Zone

# What a syslog daemon puts before a line: RFC 3164 (https://www.rfc-editor.org/rfc/rfc3164#section-4.1), also
# with an ISO time as rsyslog writes it, and RFC 5424 (https://www.rfc-editor.org/rfc/rfc5424#section-6).
_SYSLOG = re.compile(
    r"(?:<\d{1,3}>)?(?:"
    r"1 \S{1,64} \S{1,255} \S{1,64} \S{1,128} \S{1,64} (?:-|(?:\[[^\]]{0,4096}\])+) (?:\ufeff|BOM)?"
    r"|(?:[A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.,]{8,16}(?:Z|[+-]\d\d:?\d\d))"
    r" \S{1,255} [^\s:]{1,64}: ?)",
    re.ASCII,
)

Fields = tuple[str, ...]  # in the order of ``logformat.ROLES``; "" for what the format does not carry


class AccessParser:
    """Parses lines of one LogFormat. Raises LogFormatError if the format cannot be compiled."""

    def __init__(self, log_format: str, zone: Zone) -> None:
        self.format: LineFormat = compile_format(log_format, zone)
        self._match = self.format.pattern.match
        self._indexes = self.format.indexes

    def parse(self, texts: Iterable[str]) -> list[Fields | None]:
        """The fields of each line, also behind a syslog prefix that the format does not name; None: none."""
        match, behind, indexes = self._match, self._behind_syslog, self._indexes
        return [found.group(*indexes) if (found := match(text) or behind(text)) else None for text in texts]

    def _behind_syslog(self, text: str) -> re.Match[str] | None:
        prefix = _SYSLOG.match(text)
        return self._match(text, prefix.end()) if prefix else None
