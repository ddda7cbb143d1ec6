"""Whether a thief can hide by how the URLs are written: the same thefts, each time rewritten in another way.

A simulated library is read as it is and once more for each rewriting, in which only the thieves' requests to
publishers change. A theft counts as found if an alert of its account opens between its first line and a day
after its last. Recall under each rewriting is set beside the plain one's; goal: at most 0.03 below it.

    python -m benchmarks.bench_evasion [--seeds 77] [--accounts 1500] [--days 24]
"""

import argparse
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from benchmarks.bench_ingest import COMMON, KEYS
from benchmarks.common import print_table
from pseudonymiser.canonical import Canoniser
from pseudonymiser.geo import open_geo
from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.pseudonyms import Pseudonyms
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.records.events import AccessEvent
from service.simulator import SimulationSettings, simulate
from service.simulator.truth import StolenAccount, Truth

GOAL = 0.03
GRACE = 86_400  # s after a theft's last line in which an alert still counts
BATCH = 5_000  # lines
PIECES = 8  # of a document fetched by ranges
LINE = re.compile(r'(\S+) - (\S+) \[([^]]+)\] "(\S+) (\S+) (HTTP/[\d.]+)" (\d+) (\d+)')


class Asked(NamedTuple):
    """What a rewriting may change of a line."""

    method: str
    url: str
    status: str
    size: int


Rewriting = Callable[[Asked], list[Asked]]


def _url(change: Callable[[str], str]) -> Rewriting:
    return lambda asked: [asked._replace(url=change(asked.url))]


def _path(change: Callable[[str], str]) -> Rewriting:
    """Changes the path alone."""

    def rewrite(asked: Asked) -> list[Asked]:
        parts = urlsplit(asked.url)
        return [asked._replace(url=parts._replace(path=change(parts.path)).geturl())]

    return rewrite


def _with(parameter: str, *, first: bool = False) -> Rewriting:
    """Adds a parameter behind the others, or before them."""

    def change(url: str) -> str:
        bare, _, query = url.partition("?")
        both = (parameter, query) if first else (query, parameter)
        return f"{bare}?{'&'.join(filter(None, both))}"

    return _url(change)


def _hex(path: str, sign: str = "%") -> str:
    return "".join(f"{sign}{ord(c):02X}" if c.isalnum() else c for c in path)


def _elsewhere(asked: Asked) -> list[Asked]:
    """The same from a host that no catalogue knows, under a path that says nothing."""
    digest = hashlib.sha256(asked.url.encode()).hexdigest()
    return [asked._replace(url=f"https://files.unheard-of.example.org:443/get/{digest[:10]}")]


def _elsewhere_asked(asked: Asked) -> list[Asked]:
    digest = hashlib.sha256(asked.url.encode()).hexdigest()
    return [asked._replace(url=f"https://files.unheard-of.example.org:443/get?zz={digest[:10]}")]


def _posted(asked: Asked) -> list[Asked]:
    return [asked._replace(method="POST")]


def _ranges(asked: Asked) -> list[Asked]:
    return [asked._replace(status="206", size=asked.size // PIECES)] * PIECES


def _then(first: Rewriting, second: Rewriting) -> Rewriting:
    return lambda asked: [last for between in first(asked) for last in second(between)]


REWRITINGS: dict[str, Rewriting] = {
    "plain": lambda asked: [asked],
    "parameter like a poll": _with("x=/ping"),
    "parameter like a style sheet": _with("x=/a.css"),
    "parameter of a search": _with("q=a"),
    "the same DOI added": _with("doi=10.1234/same", first=True),
    "the same id added": _with("id=0000000001", first=True),
    "the same PII added": _with("_ob=pdf&_pii=S0000000000000001", first=True),
    "path parameter ;a.css": _path(lambda path: path + ";a.css"),
    "segment /a.css added": _path(lambda path: path.rstrip("/") + "/a.css"),
    "ending .png added": _path(lambda path: path.rstrip("/") + ".png"),
    "segment /ping added": _path(lambda path: path.rstrip("/") + "/ping"),
    "percent-encoded": _path(_hex),
    "percent-encoded twice": _path(lambda path: _hex(path, "%25")),
    "capitals": _path(str.upper),
    "doubled slashes": _path(lambda path: path.replace("/", "//")),
    "dot segments": _path(lambda path: path.replace("/", "/static/../")),
    "fragment #/ping": _url(lambda url: url + "#/ping"),
    "POST": _posted,
    "by ranges": _ranges,
    "unknown host": _elsewhere,
    "unknown host, asked by a parameter": _elsewhere_asked,
    "unknown host, ;a.css": _then(_elsewhere, _path(lambda path: path + ";a.css")),
    "unknown host, /a.css": _then(_elsewhere, _path(lambda path: path + "/a.css")),
    "unknown host, POST": _then(_elsewhere, _posted),
    "unknown host, by ranges": _then(_elsewhere, _ranges),
}


class Library:
    """A simulated library and its thefts. Readers' lines are read once, thieves' for each rewriting."""

    def __init__(self, folder: Path, settings: SimulationSettings) -> None:
        simulate(settings, folder)
        self._truth = truth = msgspec.json.decode((folder / "truth.json").read_bytes(), type=Truth)
        self._geo = open_geo(folder / "city.mmdb", folder / "asn.mmdb", truth.campus)
        self._thieves = {(theft.user, address) for theft in truth.thefts for address in theft.addresses}
        self._lines = (folder / "access.log").read_bytes().splitlines()
        self._events = self._room().feed(self._lines, source="access.log")

    @property
    def thefts(self) -> int:
        return len(self._truth.thefts)

    def found(self, rewriting: Rewriting, budget: float) -> int:
        """Thefts found when thieves write so."""
        pipeline, events = Pipeline(load_policy(alerts_per_day=budget)), self._rewritten(rewriting)
        opened, seen = dict[str, list[int]](), set[str]()
        for start in range(0, len(events), BATCH):
            pipeline.absorb(events[start : start + BATCH])
            for alert in pipeline.drain().alerts:
                if alert.alert_id not in seen:
                    seen.add(alert.alert_id)
                    opened.setdefault(alert.account, []).append(alert.opened_at)
        return sum(_is_found(theft, opened) for theft in self._truth.thefts)

    def _room(self) -> Ingest:
        truth = self._truth
        settings = IngestSettings(
            COMMON, truth.timezone, campus=truth.campus, proxy_hosts=(truth.proxy_host,)
        )
        return Ingest(settings, KEYS, self._geo)

    def _rewritten(self, rewriting: Rewriting) -> list[AccessEvent]:
        room, events = self._room(), list[AccessEvent]()
        for line, result in zip(self._lines, self._events, strict=True):
            match = LINE.match(line.decode())
            stolen = match is not None and (match[2], match[1]) in self._thieves
            lines = self._written(match, rewriting) if match is not None and stolen else []
            results = room.feed(lines, source="access.log") if lines else [result]
            events += [one for one in results if isinstance(one, AccessEvent)]
        return events

    def _written(self, match: re.Match[str], rewriting: Rewriting) -> list[bytes]:
        host, user, time, method, url, version, status, size = match.groups()
        asked = Asked(method, url, status, int(size))
        own = self._truth.proxy_host in url.partition("?")[0]
        return [
            f'{host} - {user} [{time}] "{one.method} {one.url} {version}" {one.status} {one.size}'.encode()
            for one in ([asked] if own or status != "200" else rewriting(asked))
        ]


def _is_found(theft: StolenAccount, opened: dict[str, list[int]]) -> bool:
    identity = Canoniser(()).identify(theft.user)
    account = Pseudonyms(KEYS).user(identity) if identity else ""
    first, last = (dt.datetime.fromisoformat(at).timestamp() for at in (theft.started_at, theft.ended_at))
    return any(first <= at <= last + GRACE for at in opened.get(account, []))


def main() -> None:
    parser = argparse.ArgumentParser(description="Thefts whose URLs are rewritten, beside the plain ones.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[77])
    parser.add_argument("--accounts", type=int, default=1500)
    parser.add_argument("--days", type=int, default=24)
    parser.add_argument("--thefts-per-day", type=float, default=2.0)
    parser.add_argument("--alerts-per-day", type=float, default=8.0)
    parser.add_argument("--only", nargs="+", choices=REWRITINGS, help="these rewritings and the plain one")
    args = parser.parse_args()
    names = ["plain", *(name for name in args.only or REWRITINGS if name != "plain")]
    counts = dict.fromkeys(names, 0)
    thefts = 0
    for seed in args.seeds:
        with TemporaryDirectory() as folder:
            settings = SimulationSettings(
                seed=seed, accounts=args.accounts, days=args.days, thefts_per_day=args.thefts_per_day
            )
            library = Library(Path(folder), settings)
            thefts += library.thefts
            for name in names:
                counts[name] += library.found(REWRITINGS[name], args.alerts_per_day)
    print_table(
        f"Thefts found of {thefts}, {len(args.seeds)} libraries of {args.accounts:,} accounts",
        ("rewriting", "found", "recall", "against plain", ""),
        list(_rows(names, counts, thefts)),
    )


def _rows(names: Sequence[str], counts: dict[str, int], thefts: int) -> Iterator[tuple[object, ...]]:
    for name in names:
        less = (counts[name] - counts["plain"]) / thefts
        told = "" if less >= -GOAL else f"more than {GOAL} less"
        yield name, counts[name], counts[name] / thefts, f"{less:+.2f}", told


if __name__ == "__main__":
    main()
