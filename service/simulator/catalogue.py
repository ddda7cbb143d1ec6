"""Articles and their URLs. Nothing is stored: an article is three numbers, the rest follows from them."""

from bisect import bisect
from functools import lru_cache
from itertools import accumulate
from math import exp, log
from typing import NamedTuple

from service.simulator.publishers import PUBLISHERS
from service.simulator.streams import choose, mix

READABLE = tuple(index for index, publisher in enumerate(PUBLISHERS) if publisher.pdf)
_WEIGHTS = tuple(accumulate(publisher.weight for publisher in PUBLISHERS))
_READABLE_WEIGHTS = tuple(accumulate(PUBLISHERS[index].weight for index in READABLE))
_PER_YEAR = 96  # articles of a journal in a year, 8 in each of 12 issues
_NEWEST = 2026
# Bytes of PDF bodies (status 200) of a French consortium: p1 assumed, p10, p50, p90, p99 measured.
_SIZE_POINTS = (0.0, 0.1, 0.5, 0.9, 0.99, 1.0)
_SIZE_LOGS = tuple(log(size) for size in (40e3, 0.23e6, 0.81e6, 2.8e6, 15.5e6, 40e6))
_ASSETS = (
    "/assets/css/main.{:x}.css", "/assets/js/app.{:x}.js", "/images/cover/{:x}.jpg", "/fonts/{:x}.woff2",
    "/static/img/{:x}.svg", "/pb-assets/{:x}.png",
)  # fmt: skip
_POLLS = ("/api/session/tick", "/keepalive", "/ping?t={h}")
_QUERIES = (
    "climate+adaptation", "protein+folding", "student+engagement", "graph+neural+network", "medieval+trade",
    "insulin+resistance", "perovskite+solar+cell", "labour+market", "bacterial+biofilm", "contract+law",
    "attachment+theory", "supply+chain", "postcolonial+novel", "fatigue+crack+growth", "qualitative+methods",
)  # fmt: skip
_SLUGS = (
    "journal-of-river-studies", "annals-of-quiet-systems", "northern-review", "methods-in-soil-science",
    "letters-in-applied-topology", "clinical-practice-notes", "archive-of-social-enquiry",
    "materials-and-joints",
)  # fmt: skip


class Article(NamedTuple):
    """One document: publisher, journal within it, position within the journal (0 = oldest)."""

    publisher: int
    journal: int
    ordinal: int


def journal_length(publisher: int, journal: int) -> int:
    """Articles in a journal."""
    return 300 + mix(11, publisher, journal) % 3000


def platform(uniform: float) -> int:
    """A platform by its use."""
    return choose(_WEIGHTS, uniform)


def readable(uniform: float) -> int:
    """A platform that has PDFs, by its use."""
    return READABLE[choose(_READABLE_WEIGHTS, uniform)]


def article(publisher: int, uniform: float, recency: float) -> Article:
    """An article by two uniform numbers: few journals take most of the use, and new articles."""
    return in_journal(publisher, int(PUBLISHERS[publisher].journals * uniform**2.2), recency)


def in_journal(publisher: int, journal: int, recency: float) -> Article:
    """An article of the journal, newer ones more likely."""
    length = journal_length(publisher, journal)
    return Article(publisher, journal, min(int(length * (1.0 - recency**2.0)), length - 1))


def page_url(found: Article) -> str:
    """The article's own page."""
    return _url(found, PUBLISHERS[found.publisher].page)


def pdf_url(found: Article) -> str:
    """Its PDF; the page where the platform has none."""
    publisher = PUBLISHERS[found.publisher]
    return _url(found, publisher.pdf or publisher.page)


def html_url(found: Article) -> str:
    """Its full text as a page where the platform has one, otherwise its PDF."""
    publisher = PUBLISHERS[found.publisher]
    return _url(found, publisher.html or publisher.pdf or publisher.page)


def contents_url(found: Article) -> str:
    """Contents of the issue it is in."""
    return _url(found, PUBLISHERS[found.publisher].contents)


def search_url(publisher: int, number: int) -> str:
    """A page of search results."""
    found = Article(publisher, number % PUBLISHERS[publisher].journals, number % 300)
    return _url(found, PUBLISHERS[publisher].search, _QUERIES[number % len(_QUERIES)])


def asset_url(publisher: int, number: int) -> str:
    """A style sheet, script, picture or font."""
    return host_url(publisher, _ASSETS[number % len(_ASSETS)].format(number % 4096))


def poll_url(publisher: int, number: int) -> str:
    """A keep-alive request."""
    return host_url(publisher, _POLLS[publisher % len(_POLLS)].format(h=f"{number:x}"))


def host_url(publisher: int, path: str) -> str:
    """As EZproxy logs it: scheme, host, port, path."""
    return f"https://{PUBLISHERS[publisher].host}:443{path}"


def size(found: Article) -> int:
    """Bytes of the article's PDF, always the same for the same article."""
    uniform = (mix(13, *found) >> 11) / (1 << 53)
    upper = min(max(bisect(_SIZE_POINTS, uniform), 1), len(_SIZE_POINTS) - 1)
    low, high = _SIZE_POINTS[upper - 1], _SIZE_POINTS[upper]
    part = (uniform - low) / (high - low)
    return int(exp(_SIZE_LOGS[upper - 1] * (1 - part) + _SIZE_LOGS[upper] * part))


@lru_cache(maxsize=50_000)
def fields(found: Article) -> dict[str, str | int]:
    """What URL templates may name; the list is in ``publishers``."""
    publisher, journal, ordinal = found
    age = (journal_length(publisher, journal) - 1 - ordinal) // _PER_YEAR
    year, issue = _NEWEST - age, ordinal % _PER_YEAR // 8 + 1
    seed, own = mix(17, publisher, journal), mix(19, *found)
    issn = 10_000_000 + publisher * 1_000_000 + journal * 997 + seed % 997
    digits = f"{own:016x}{mix(own):016x}"
    return {
        "y": year, "yy": f"{year % 100:02d}", "y1": year % 10, "v": max(1, year - 1980 - seed % 10),
        "i": issue, "k": ordinal, "co": chr(97 + journal // 26 % 26) + chr(97 + journal % 26),
        "p": 1 + ordinal % 8 * 14, "n": (publisher + 1) * 3_000_000 + journal * 6000 + ordinal,
        "n5": f"{(journal * 37 + ordinal) % 100000:05d}", "c": "0123456789X"[own % 11], "h": digits,
        "H": digits.upper(), "code": _letters(seed), "issn": issn,
        "issn4": f"{issn // 10000}-{issn % 10000:04d}", "jid": f"{10000 + journal * 53 + publisher:05d}",
        "slug": _SLUGS[seed % len(_SLUGS)],
    }  # fmt: skip


def _letters(seed: int) -> str:
    return "".join(chr(97 + (seed >> shift) % 26) for shift in (3, 11, 19, 27))


def _url(found: Article, template: str, query: str = "") -> str:
    return host_url(found.publisher, template.format_map({**fields(found), "q": query}))
