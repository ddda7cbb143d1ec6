"""Raw line to decision: lines of a simulated world through ingest and pipeline on one core.

The first days fill the memories and the baselines; the days after them are measured: readers, addresses
and platforms are known by then, most documents are new. Three rounds from nothing, each with the same work:
the median one is the number, the quickest one says what the machine's other guests took. Beside it, in the
same run and over the same lines: one bare regular expression, and River's half-space trees (10 trees, height
8) on two numbers a line.

    python -m benchmarks.bench_pipeline [--accounts 3000] [--days 16]
"""

import tempfile
from functools import partial
from pathlib import Path

from river.anomaly import HalfSpaceTrees

from benchmarks.bench_ingest import COMMON, KEYS, bare_parse
from benchmarks.common import library_size, print_table, seconds, times
from pseudonymiser.geo import open_geo
from pseudonymiser.ingest import Ingest, IngestSettings
from service.base.gc_tuning import relax_garbage_collection
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.records.events import AccessEvent
from service.simulator import SimulationSettings, simulate

BATCH = 2_000  # lines, as the runner takes them
TREES_LINES = 20_000  # the trees are slow: fewer lines will do


class Way:
    """Ingest and pipeline over batches, with the CPU time of each."""

    def __init__(self, world: Path) -> None:
        geo = open_geo(world / "city.mmdb", world / "asn.mmdb")
        self._ingest = Ingest(IngestSettings(log_format=COMMON, timezone="Europe/London"), KEYS, geo)
        self.pipeline = Pipeline(load_policy())
        self.ingest_seconds = 0.0
        self.pipeline_seconds = 0.0

    def _read(self, batch: list[bytes], events: list[AccessEvent]) -> None:
        found = self._ingest.feed(batch, source="access.log")
        events.extend(e for e in found if isinstance(e, AccessEvent))

    def take(self, lines: list[bytes]) -> None:
        for start in range(0, len(lines), BATCH):
            batch = lines[start : start + BATCH]
            events: list[AccessEvent] = []

            self.ingest_seconds += seconds(partial(self._read, batch, events))
            self.pipeline_seconds += seconds(partial(self.pipeline.absorb, events))
        self.pipeline_seconds += seconds(self.pipeline.drain)


def trees_seconds(lines: list[bytes]) -> float:
    """River's trees alone, score and learn, on two numbers of each line."""
    trees = HalfSpaceTrees(n_trees=10, height=8, window_size=250, seed=1)
    numbers = [{"a": len(line) % 97 / 97, "b": line[-3] / 256} for line in lines]

    def walk() -> None:
        for x in numbers:
            trees.score_one(x)
            trees.learn_one(x)

    return seconds(walk)


def measure(world: Path, warm: list[bytes], measured: list[bytes]) -> tuple[float, float]:
    """Seconds of ingest and of the pipeline over the measured lines."""
    way = Way(world)
    way.take(warm)
    way.ingest_seconds = way.pipeline_seconds = 0.0
    way.take(measured)
    return way.ingest_seconds, way.pipeline_seconds


def main() -> None:
    accounts, days = library_size("Raw line to decision, lines/s of one core.")
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder)
        simulate(SimulationSettings(seed=5, accounts=accounts, days=days), world)
        lines = (world / "access.log").read_bytes().splitlines()
        warm, measured = lines[: len(lines) // 2], lines[len(lines) // 2 :]
        relax_garbage_collection()
        quickest, median, _ = sorted((measure(world, warm, measured) for _ in range(3)), key=sum)
    n = len(measured)
    per_tree = trees_seconds(measured[:TREES_LINES]) / min(n, TREES_LINES)
    bare = seconds(lambda: bare_parse(measured)) / n
    rows = [
        ("bare regular expression", bare),
        ("ingest", median[0] / n),
        ("features, scores, alerts", median[1] / n),
        ("raw line to decision", sum(median) / n),
        ("the same, quickest round", sum(quickest) / n),
        ("half-space trees alone", per_tree),
    ]
    print_table(
        f"{n:,} lines of {accounts:,} accounts after {len(warm):,} to warm up",
        ("", "us/line", "lines/s", "to bare regex", "to trees"),
        [(name, 1e6 * s, round(1 / s), times(s, bare), times(s, per_tree)) for name, s in rows],
    )


if __name__ == "__main__":
    main()
