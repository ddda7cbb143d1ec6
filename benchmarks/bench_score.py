"""Absorb and score, against River's half-space trees alone on two features, in one run.

    python -m benchmarks.bench_score [--events 100000]

"pipeline" takes prebuilt events through everything after ingest (states, measures, evidence, trees,
decisions, alerts); "kernel" is the compiled part alone on prebuilt rows. The trees get two numbers an
event and keep no account, network, window or reason.
"""

import argparse
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
from numpy.typing import NDArray
from river.anomaly import HalfSpaceTrees

from benchmarks import readers
from benchmarks.common import median_seconds, print_table, seconds, times
from service.base.gc_tuning import relax_garbage_collection
from service.kernel.encoder import EventEncoder
from service.kernel.features import absorb
from service.kernel.measures import GROUP_OF
from service.kernel.moments import KernelOutput
from service.learning.site_model import SiteModel
from service.pipeline.account_table import AccountTable
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.records.events import AccessEvent

BATCH = 2_000  # as the embedded runner gives them
PARTS = 5
TREES_EVENTS = 4_000
SIZES = (5_000, 100_000)


def parts(events: list[AccessEvent]) -> list[list[AccessEvent]]:
    size = len(events) // PARTS
    return [events[i * size : (i + 1) * size] for i in range(PARTS)]


def batches(events: list[AccessEvent]) -> Iterator[list[AccessEvent]]:
    for start in range(0, len(events), BATCH):
        yield events[start : start + BATCH]


class Kernel:
    """The compiled part alone: states, rows and tables made beforehand."""

    def __init__(self, states: AccountTable, site: SiteModel) -> None:
        self._states, self._site = states, site
        self._columns = EventEncoder(site.prevalence)
        self._group_of = np.array(GROUP_OF)
        self._budget = load_policy().budget
        self.asked = 0

    def rows(self, events: list[AccessEvent]) -> list[NDArray[np.void]]:
        return [
            self._columns.rows(batch, self._states.slots([e.account for e in batch]))
            for batch in batches(events)
        ]

    def run(self, made: list[NDArray[np.void]]) -> None:
        site, columns, budget = self._site, self._columns, self._budget
        for rows in made:
            out = KernelOutput.of(len(rows))
            at = 0
            while at < len(rows):
                at, count = absorb(
                    self._states.array, rows, at, columns.wheres, columns.whats,
                    site.table, self._group_of, site.mean, site.var,
                    budget.gate, budget.gate_moved, budget.gate_minutes,
                    out.flags, out.evidence, out.selected, out.states, out.measures, out.groups,
                )  # fmt: skip
                self.asked += count


def kernel_seconds(accounts: int, events: list[AccessEvent]) -> float:
    """Per event, the median of the parts."""
    states = AccountTable()
    states.restore(readers.settled(accounts))
    kernel = Kernel(states, SiteModel(load_policy()))
    made = [kernel.rows(part) for part in parts(events)]
    kernel.run(made[0][:1])
    return median_seconds([_run(kernel, rows) for rows in made]) / (len(events) // PARTS)


def _run(kernel: Kernel, rows: list[NDArray[np.void]]) -> Callable[[], None]:
    return lambda: kernel.run(rows)


def settled_pipeline(accounts: int) -> Pipeline:
    pipeline = Pipeline(load_policy())
    pipeline.restore(readers.settled(accounts), {})
    relax_garbage_collection()  # as the commands that read logs do
    return pipeline


def by_day(events: list[AccessEvent]) -> Iterator[list[AccessEvent]]:
    """Events cut at midnight."""
    days = [e.time // readers.DAY for e in events]
    start = 0
    for i in range(1, len(events) + 1):
        if i == len(events) or days[i] != days[start]:
            yield events[start:i]
            start = i


def midnight(events: list[AccessEvent]) -> AccessEvent:
    """A line without a person, one second into the next day: it closes the day and does nothing else."""
    last = events[-1]
    return AccessEvent(
        (last.time // readers.DAY + 1) * readers.DAY, 0, "", "", "", "", last.place, "GET", 200, 0,
        readers.PAGES[0],
    )  # fmt: skip


def pipeline_seconds(pipeline: Pipeline, events: list[AccessEvent]) -> tuple[float, float]:
    """(seconds an event in absorb, the median of the parts; seconds a close of day in all)."""
    costs, closing = [], 0.0
    for part in parts(events):
        spent = 0.0
        for day in by_day(part):
            for batch in batches(day):
                spent += seconds(lambda batch=batch: pipeline.absorb(batch))  # type: ignore[misc]
            if day[-1] is not part[-1]:
                closing += seconds(lambda day=day: pipeline.absorb([midnight(day)]))  # type: ignore[misc]
            pipeline.drain()
        costs.append(spent / len(part))
    return median(costs), closing


def trees_seconds() -> tuple[float, float]:
    """(score and learn, score only) of River's trees, per event."""
    rng = np.random.default_rng(1)
    rows = [{"documents": a, "networks": b} for a, b in rng.random((TREES_EVENTS * PARTS, 2)).tolist()]
    trees = HalfSpaceTrees(n_trees=10, height=8, seed=1)

    def learn(part: int) -> Callable[[], None]:
        def act() -> None:
            for x in rows[part * TREES_EVENTS : (part + 1) * TREES_EVENTS]:
                trees.score_one(x)
                trees.learn_one(x)

        return act

    def score() -> None:
        for x in rows[:TREES_EVENTS]:
            trees.score_one(x)

    both = median_seconds([learn(part) for part in range(PARTS)])
    return both / TREES_EVENTS, median_seconds([score] * PARTS) / TREES_EVENTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000, help="events at each size (default 100,000)")
    count = parser.parse_args().events
    trees, score_only = trees_seconds()
    rows: list[list[object]] = []
    for accounts in SIZES:
        events = readers.events(readers.Mix(accounts, count, thefts=0.03))
        pipeline = settled_pipeline(accounts)
        whole, _ = pipeline_seconds(pipeline, events)
        kernel = kernel_seconds(accounts, events)
        raised = pipeline.counters["events_scored_total"] / len(events)
        note = f"{raised:.1%} asked the models, {pipeline.counters['alerts_total']} alerts"
        for label, cost in ((f"pipeline, {accounts:,} accounts", whole), (f"kernel, {accounts:,}", kernel)):
            rows.append([label, 1 / cost, 1e6 * cost, times(trees, cost), times(score_only, cost), note])
    for label, cost in (
        ("half-space trees, score and learn", trees),
        ("half-space trees, score", score_only),
    ):
        rows.append([label, 1 / cost, 1e6 * cost, times(trees, cost), times(score_only, cost), ""])
    head = ["what", "events/s", "us/event", "trees' speed", "trees' scoring", "note"]
    print_table(f"Absorb and score, {count:,} events (wanted: pipeline at least 3x the trees)", head, rows)


if __name__ == "__main__":
    main()
