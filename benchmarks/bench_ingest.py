"""How fast lines become events: cold, warm, and beside the bare parts of the work, in one run.

``python -m benchmarks.bench_ingest [LOG.gz …]`` reads the logs given (common format), else lines made here.
Ratios are of the same lines in the same run; absolute numbers are of this machine at this moment.
"""

import argparse
import gzip
import random
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from pseudonymiser.geo import GeoProvider, open_geo
from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.keys import Keys
from service.base.gc_tuning import relax_garbage_collection

COMMON = '%h %l %u %t "%r" %s %b'
BARE = re.compile(r'(\S+) (\S+) (\S+) \[([^\]]+)\] "(\S+) (.*) HTTP/[\d.]+" (\d{3}) (\d+|-)')
KEYS = Keys(bytes(range(32)))
ROUNDS = 3
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")

URLS = (
    "https://www.sciencedirect.com:443/science/article/pii/S{issn}12{n:05d}7/pdfft?md5={n:032x}&pid=1-s2.0-main.pdf",
    "https://www.sciencedirect.com:443/science/article/pii/S{issn}12{n:05d}7",
    "https://www.nature.com:443/articles/s41586-020-{n:04d}-1.pdf?origin=ppub",
    "https://onlinelibrary.wiley.com:443/doi/pdfdirect/10.1002/anie.2012{n:05d}?download=true",
    "https://ieeexplore.ieee.org:443/stampPDF/getPDF.jsp?tp=&arnumber={n}&ref=",
    "https://www.jstor.org:443/stable/pdf/{n}.pdf?refreqid=excelsior%3A{n:x}",
    "https://www.example{h}.org:443/journal/article/view/{n}?q=some+words+{n}",
)
ASSETS = "https://www.publisher{h}.com:443/assets/v1/{name}.{extension}?v=3"


def made_lines(count: int, seed: int = 1) -> list[bytes]:
    """A day of readers: half is pages' furniture, asked for again and again; documents are mostly new."""
    chance = random.Random(seed)
    lines = []
    for number in range(count):
        second = number * 86_400 // count
        clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        url = _made_url(chance)
        reader = int(chance.paretovariate(0.8)) % 5000
        end = (reader * 7 + chance.randrange(2)) % 250
        address = f"{NETWORKS[reader % 3]}.{end}" if reader % 2 else f"2001:db8:{reader:x}::{end:x}"
        lines.append(
            f"{address} - reader{reader:05d} [30/Nov/2025:{clock} +0000] "
            f'"GET {url} HTTP/1.1" 200 {number}'.encode()
        )
    return lines


def _made_url(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return ASSETS.format(
            h=chance.randrange(40),
            name=f"part{chance.randrange(60)}",
            extension=chance.choice(("js", "css", "png")),
        )
    return chance.choice(URLS).format(
        n=chance.randrange(40_000), issn=f"{chance.randrange(300):08d}", h=chance.randrange(90)
    )


def bare_parse(lines: Sequence[bytes]) -> None:
    for line in lines:
        match = BARE.match(line.decode("utf-8", "replace"))
        if match is not None:
            match.groups()


def bare_hmac(lines: Sequence[bytes]) -> None:
    """A keyed token of each line's user name, and nothing else."""
    keyed = HMAC(bytes(32), SHA256())
    for line in lines:
        work = keyed.copy()
        work.update(line.split(b" ", 3)[2])
        work.finalize()


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Seconds of one core's time in the fastest round: what else the machine does is not counted."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def fresh(geo: GeoProvider) -> Ingest:
    return Ingest(IngestSettings(log_format=COMMON, timezone="Europe/London"), KEYS, geo)


def measure(name: str, lines: Sequence[bytes]) -> None:
    geo = open_geo(None, None)
    cold = best(lambda: fresh(geo).feed(lines, source=name))
    room = fresh(geo)
    room.feed(lines, source=name)
    rows = {
        "bare regular expression": best(lambda: bare_parse(lines)),
        "bare keyed HMAC of the user": best(lambda: bare_hmac(lines)),
        "ingest, cold": cold,
        "ingest, warm": best(lambda: room.feed(lines, source=name)),
    }
    accepted = sum(not hasattr(result, "reason") for result in fresh(geo).feed(lines, source=name))
    print(f"\n{name}: {len(lines):,} lines, {accepted / len(lines):.2%} accepted")
    print(f"{'':30}{'lines/s':>12}{'x bare regex':>14}{'x bare HMAC':>14}")
    for title, seconds in rows.items():
        regex, keyed = (
            rows[key] / seconds for key in ("bare regular expression", "bare keyed HMAC of the user")
        )
        print(f"{title:30}{len(lines) / seconds:12,.0f}{regex:14.2f}{keyed:14.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", nargs="*", type=Path, help="gzipped logs in the common format")
    parser.add_argument("--lines", type=int, default=60_000, help="lines to make where no log is given")
    arguments = parser.parse_args()
    relax_garbage_collection()  # as the commands that read logs do
    for log in arguments.logs:
        with gzip.open(log) as file:
            measure(log.name, file.read().splitlines())
    if not arguments.logs:
        measure("made lines", made_lines(arguments.lines))


if __name__ == "__main__":
    main()
