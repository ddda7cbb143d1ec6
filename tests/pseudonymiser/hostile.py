"""A grammar of hostile lines: every field of a format holds what somebody sent to break its reader.

``python -m tests.pseudonymiser.hostile [--lines 100000] [--seed 1]`` feeds that many lines of all formats and
tells the outcome: each line one event or one counted rejection, no exception, none above the cost of
``TIMES`` ordinary lines (CPU time of this process).
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator
from statistics import median

from pseudonymiser.bounded_cache import BoundedCache
from pseudonymiser.formatlexer import Literal, lex
from pseudonymiser.ingest import LONGEST_LINE, REASONS, Ingest
from service.records.events import AccessEvent
from tests.pseudonymiser.ingest_factory import COMMON, ingest, line

_ANEW = 4  # times that a ratio is measured again: other processes disturb either side
TIMES = 20  # ordinary lines that the costliest may cost

FORMATS = (
    COMMON,
    COMMON + ' "%{referer}i" "%{user-agent}i"',
    COMMON + ' "%{referer}i" "%{user-agent}i" %{ezproxy-session}i %{ezproxy-groups}i',
    "%{X-Forwarded-For}i %{ezproxy-session}i %l " + '%u %t "%r" %s %b',
    r"%t\t%h\t%u\t%{ezproxy-session}i\t%m\t%U\t%s\t%b",
    "%h|%u|%{ezproxy-groups}i|%t|%U|%s|%b",
    "%t;%h;%U;%u;%s;%b",
    "SRC_IP=%h|EZP_ID=%{session}|USER=%u|START_TIME=%t|HTTP_REQUEST=%U|HTTP_CODE=%s|NB_BYTES=%b",
    '{"time":"%{%Y-%m-%dT%H:%M:%S%z}t","ip":"%h","user":"%u","url":"%U","status":%s,"ua":"%{user-agent}i"}',
    "%h %u %t %m %U %s",
    "%t %{ezproxy-spuaccess}i %U",
    '%h %l %u [%t] "%r" %s %b %v',
)

_LETTERS = (
    "a",
    "é",
    "\u0301",
    "\ufdfa",
    "ẞ",
    "你",
    "\u202e",
    "\x00",
    "\x1b",
    "\ud800",
    "%",
    "%25",
    "\\",
    "@",
)
_PIECES = (
    *("/", "//", "/../", "/./", ";a=", "?", "&id=", "&a=1", "=", "%2f", "%252f", "10.1000/", "10.1000/a."),
    *("s0000-0000", "pdf/", ".pdf", "-page-", "/doi/", "97897897897897", "article/", ' HTTP/1.1" 200 5 "'),
    *('" ', "[", "]", " ", "  ", "\t", "|", ";", "#/", "1-", "a-", "9", "_ob=", "\\", "uid=", "cn=\\"),
    *("@example.ac.uk", ",", ", 192.0.2.1", "x" * 40),
)
_HOSTS = (
    "www.sciencedirect.com", "www.nature.com", "onlinelibrary.wiley.com", "www.jstor.org", "ebscohost.com",
    "www.proquest.com", "ovidsp.ovid.com", "www.cairn.info", "www.degruyter.com", "papers.example.org",
    "ezproxy.example.ac.uk", "192.0.2.7:8080", "[2001:db8::1]", "a" * 300, "bücher.example", "x..y", "",
)  # fmt: skip
_ADDRESSES = ("192.0.2.7", "10.0.0.1, 192.0.2.7", "2001:db8::1", "-", "192.0.2.xxx")
_USUAL = {
    "time": ("[30/Nov/2025:12:00:00 +0000]", "2025-11-30T12:00:00+0000"),
    "host": _ADDRESSES,
    "x-forwarded-for": _ADDRESSES,
    "request": ("REQUEST",),
    "url": ("URL",),
    "status": ("200", "206", "304", "0", "-", "999"),
    "size": ("800000", "0", "-", "", "9" * 18),
    "method": ("GET", "POST", "HEAD"),
}


class Grammar:
    """Lines of formats by a seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def line(self, log_format: str) -> bytes:
        """One line, at most a little longer than ingest takes."""
        parts = []
        for element in lex(log_format):
            parts.append(element.text if isinstance(element, Literal) else self._value(element.name))
        text = "".join(parts)
        if self._chance.random() < 0.05:
            text = text[: self._chance.randrange(len(text) + 1)]
        raw = text.encode("utf-8", "surrogatepass")[: LONGEST_LINE + self._chance.choice((0, 0, 0, 9))]
        return self._dirty(raw) if self._chance.random() < 0.1 else raw

    def _value(self, name: str) -> str:
        if self._chance.random() < 0.6:
            return self._usual(name)
        return self._noise(self._chance.choice((8, 60, 300, 3_000, 15_000)))

    def _usual(self, name: str) -> str:
        values = _USUAL.get(name, ("-", "", "asmith", "Ann Doe", "m\udcfcller"))
        method, url = self._chance.choice(("GET", "POST", "X")), self._url()
        return self._chance.choice(values).replace("REQUEST", f"{method} {url} HTTP/1.1").replace("URL", url)

    def _url(self) -> str:
        scheme = self._chance.choice(("https://", "http://", "", "//"))
        length = self._chance.choice((10, 100, 1_000, 14_000))
        return f"{scheme}{self._chance.choice(_HOSTS)}/{self._noise(length)}"

    def _noise(self, length: int) -> str:
        """Some pieces, or one of them again and again, up to a length."""
        chance = self._chance
        pool = _PIECES if chance.random() < 0.8 else _LETTERS
        pieces = chance.sample(pool, chance.choice((1, 1, 2, 3)))
        text = "".join(pieces)
        return (chance.choice(pool) + text * (length // len(text) + 1))[:length]

    def _dirty(self, raw: bytes) -> bytes:
        spoilt = bytearray(raw)
        for _ in range(min(len(spoilt), self._chance.choice((1, 5, 500)))):
            spoilt[self._chance.randrange(len(spoilt))] = self._chance.randrange(256)
        return bytes(spoilt).replace(b"\n", b" ")


def seconds(room: Ingest, lines: list[bytes]) -> float:
    """CPU time of one feed."""
    start = time.process_time()
    room.feed(lines, source="a.log")
    return time.process_time() - start


def ordinary(log_format: str = COMMON) -> float:
    """CPU seconds of an ordinary line whose URL, name and address are new: the median of batches."""
    room = ingest(log_format)
    url = (
        "https://www.sciencedirect.com/science/article/pii/S035943111{n:06d}7/pdfft?md5={n:032x}&pid=main.pdf"
    )
    batches = [
        [
            line(url.format(n=n), user=f"reader{n}", host=f"192.0.{n % 250}.{n % 200}")
            for n in range(at, at + 200)
        ]
        for at in range(0, 2_000, 200)
    ]
    return median(seconds(room, batch) for batch in batches) / 200


def feed(log_format: str, count: int, seed: int) -> Iterator[tuple[bytes, str]]:
    """Hostile lines one by one, each with its reason, "" for an event."""
    grammar, room = Grammar(seed), ingest(log_format)
    for number in range(1, count + 1):
        hostile = grammar.line(log_format)
        (result,) = room.feed([hostile], source="a.log", first_line=number)
        reason = "" if isinstance(result, AccessEvent) else result.reason
        assert not reason or reason in REASONS
        yield hostile, reason


def quickest(room: Ingest, hostile: bytes, rounds: int = 5) -> float:
    """CPU seconds of a line whose patterns are compiled and of which nothing is remembered."""
    taken = []
    for _ in range(rounds):
        for cache in vars(room).values():
            if isinstance(cache, BoundedCache):
                cache.clear()
                cache._old.clear()
        taken.append(seconds(room, [hostile]))
    return min(taken)


def costs(log_format: str, count: int, seed: int) -> Iterator[float]:
    """Each line's cost in ordinary lines; both sides are measured anew while it seems to be much."""
    grammar, room, usual = Grammar(seed), ingest(log_format), ordinary()
    for _ in range(count):
        hostile = grammar.line(log_format)
        cost = seconds(room, [hostile]) / usual
        for _ in range(_ANEW):
            if cost > TIMES / 2:
                cost = min(cost, in_ordinary_lines(room, hostile))
        yield cost


def in_ordinary_lines(room: Ingest, hostile: bytes) -> float:
    """The line's cost, set beside ordinary lines before and after it."""
    before = ordinary()
    cost = quickest(room, hostile)
    return 2 * cost / (before + ordinary())


def main() -> None:
    parser = argparse.ArgumentParser(description="Hostile lines through ingest.")
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    reasons, worst = Counter[str](), 0.0
    each = -(-args.lines // len(FORMATS))
    for number, log_format in enumerate(FORMATS):
        reasons.update(reason for _, reason in feed(log_format, each, args.seed + number))
        worst = max(worst, *costs(log_format, max(2, each // 10), args.seed + 1000 + number))
    told = ", ".join(f"{count:,} {reason or 'events'}" for reason, count in reasons.most_common())
    print(f"{sum(reasons.values()):,} lines of {len(FORMATS)} formats: {told}")  # noqa: T201
    print(f"the costliest of {each // 10 * len(FORMATS):,} timed: {worst:.1f} ordinary lines")  # noqa: T201


if __name__ == "__main__":
    main()
