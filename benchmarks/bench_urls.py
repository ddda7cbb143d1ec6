"""How well URLs of publishers' sites are told apart, measured against somebody else's list of them.

``python -m benchmarks.bench_urls [FOLDER]`` reads ``platform-tests.csv`` there: URLs of several hundred
platforms with what each is by the public tests of ezPAARSE. Each goes through ingest as a line of a log. The
platforms fall into two halves by a hash of their name: general rules are written while looking at the first
half, so the second tells what they are worth elsewhere; most so the column "no rules": of the second half,
URLs of platforms for which the catalogue has no rules of their own.

=========================  ===========================================================================
rate                       definition
=========================  ===========================================================================
counted exactly when read  of all judged URLs: read (pdf, epub, html) and counted as a document, or
                           not read (abstract, contents, search, media, link) and not counted
PDF, HTML, EPUB counted    of the URLs that are one: counted
abstracts, contents not    of the URLs that are abstracts or contents: not counted
search not, media not      the same
one document, one token    of the documents (platform and unit) read by two URLs or more that were
                           counted: those with one token
tokens shared              of the documents with a token: those whose token another one has as well
the DOI's own token        of counted URLs that hold their DOI: those with the token that the DOI has
                           anywhere
=========================  ===========================================================================

Book pages and rows called "other" are not judged.
"""

import argparse
import csv
import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from benchmarks.bench_ingest import COMMON, KEYS
from benchmarks.common import print_table
from pseudonymiser.geo import open_geo
from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.platforms import Catalogue
from service.records.events import READING, AccessEvent

FOLDER = Path("../shared/data/urls")
NAME = "platform-tests.csv"
READ = frozenset({"pdf", "epub", "html"})
UNREAD = frozenset({"abstract", "contents", "search", "media", "link"})
GOALS = {
    "counted exactly when read": ">= 92",
    "PDF counted": ">= 97",
    "HTML counted": ">= 80",
    "abstracts, contents not": ">= 92",
    "one document, one token": ">= 85",
    "tokens shared": "<= 0.5",
}


class Row(NamedTuple):
    """One URL: what it is, and what ingest made of it."""

    platform: str
    url: str
    expected: str
    unit: str
    doi: str
    kind: str
    token: str  # "" where no document was counted
    own: str  # the token of its DOI; "" where the URL holds none
    known: bool  # whether the catalogue has rules of its own for the platform

    @property
    def counted(self) -> bool:
        return bool(self.token)


def half(platform: str) -> int:
    """0 for the platforms that general rules may be written for, 1 for the others."""
    return hashlib.sha256(platform.encode()).digest()[0] & 1


def read(path: Path) -> list[Row]:
    """The judged rows of the list through ingest."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["expected"] in READ | UNREAD]
    room = Ingest(IngestSettings(COMMON, "Europe/London"), KEYS, open_geo(None, None))
    found = [event(room, row["method"], row["url"], row["status"], row["size"]) for row in rows]
    names = frozenset(Catalogue().names)
    dois = [_doi_in(row["doi"], row["url"]) for row in rows]
    own = [event(room, "GET", f"https://doi.org/{doi}", "200", "1").resource.document for doi in dois]
    return [
        Row(
            row["platform"], row["url"], row["expected"], row["unit"], row["doi"], made.resource.kind,
            made.resource.document if made.resource.kind in READING else "", token if doi else "",
            made.resource.platform in names,
        )
        for row, made, token, doi in zip(rows, found, own, dois, strict=True)
    ]  # fmt: skip


def event(room: Ingest, method: str, url: str, status: str, size: str) -> AccessEvent:
    """A request as a line of a log, read again."""
    line = f'192.0.2.7 - reader [30/Nov/2025:12:00:00 +0000] "{method} {url} HTTP/1.1" {status} {size}'
    made = room.feed([line.encode()], source="made")[0]
    if not isinstance(made, AccessEvent):
        raise ValueError(f"a line of the list is refused: {made.reason}")
    return made


def _doi_in(doi: str, url: str) -> str:
    return doi if doi and doi.lower() in unquote(unquote(url)).lower() else ""


def rates(rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """Each rate as hits and how many there were."""
    return {
        "counted exactly when read": _share(rows, lambda r: r.counted == (r.expected in READ)),
        "PDF counted": _of(rows, {"pdf"}, counted=True),
        "HTML counted": _of(rows, {"html"}, counted=True),
        "EPUB counted": _of(rows, {"epub"}, counted=True),
        "abstracts, contents not": _of(rows, {"abstract", "contents"}, counted=False),
        "search not": _of(rows, {"search"}, counted=False),
        "media not": _of(rows, {"media"}, counted=False),
        "one document, one token": _one_token(rows),
        "tokens shared": _shared(rows),
        "the DOI's own token": _share([r for r in rows if r.own and r.counted], lambda r: r.own == r.token),
    }


def _share(rows: Iterable[Row], hit: Callable[[Row], bool]) -> tuple[int, int]:
    hits = [hit(row) for row in rows]
    return sum(hits), len(hits)


def _of(rows: Iterable[Row], expected: set[str], *, counted: bool) -> tuple[int, int]:
    return _share([row for row in rows if row.expected in expected], lambda row: row.counted == counted)


def _documents(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """The counted URLs of each document that was read."""
    found = defaultdict(list)
    for row in rows:
        if row.expected in READ and row.unit and row.counted:
            found[row.platform, row.unit].append(row)
    return found


def _one_token(rows: Iterable[Row]) -> tuple[int, int]:
    several = [found for found in _documents(rows).values() if len({row.url for row in found}) > 1]
    return sum(len({row.token for row in found}) == 1 for found in several), len(several)


def _shared(rows: Iterable[Row]) -> tuple[int, int]:
    tokens = {unit: {row.token for row in found} for unit, found in _documents(rows).items()}
    owners = defaultdict(set)
    for unit, its in tokens.items():
        for token in its:
            owners[token].add(unit)
    return sum(any(len(owners[token]) > 1 for token in its) for its in tokens.values()), len(tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description="URLs of publishers against the tests of ezPAARSE.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help=f"folder of {NAME}")
    path = parser.parse_args().folder / NAME
    if not path.exists():
        print(f"{path} is not there: nothing was measured. Name the folder that has {NAME}.", file=sys.stderr)
        return
    rows = read(path)
    seen, unseen = ([row for row in rows if half(row.platform) == n] for n in (0, 1))
    parts = (seen, unseen, [row for row in unseen if not row.known], rows)
    measured = [rates(part) for part in parts]
    print_table(
        f"{len(rows):,} judged URLs of {len({row.platform for row in rows})} platforms, per cent (of n)",
        ("rate", "seen half", "unseen half", "no rules", "all", "goal"),
        [(name, *(_percent(*one[name]) for one in measured), GOALS.get(name, "")) for name in measured[0]],
    )


def _percent(hits: int, of: int) -> str:
    return f"{100 * hits / of:.1f} ({of:,})" if of else "-"


if __name__ == "__main__":
    main()
