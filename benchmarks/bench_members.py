"""What each member of the ensemble costs: per moment it is asked about, per event, and at a day's close.

    python -m benchmarks.bench_members [--accounts 3000] [--days 16]

The second half of a simulated library's events is run with a clock around each member. The evidence of every
event is made by the compiled kernel, which cannot be timed apart: it is all of absorbing but the members.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.common import library_size, print_table, seconds
from models.classifiers import Classifiers
from models.detectors import Trees
from service.base.gc_tuning import relax_garbage_collection
from service.evaluation.scenes import read_events
from service.evaluation.worlds import Library
from service.learning import attack_injection
from service.learning.site_model import SiteModel
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.records.events import AccessEvent

SEED = 6


class Clocks:
    """CPU seconds and calls, by what was called."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    def around(self, owner: Any, method: str, name: str) -> None:
        """From now on every call is timed."""
        act: Callable[..., Any] = getattr(owner, method)

        def timed(*args: Any, **words: Any) -> Any:
            start = time.process_time()
            try:
                return act(*args, **words)
            finally:
                self.spent[name] += time.process_time() - start
                self.calls[name] += 1

        setattr(owner, method, timed)


def main() -> None:
    accounts, days = library_size("The cost of each member of the ensemble.")
    with tempfile.TemporaryDirectory() as folder:
        Library("university", SEED, accounts, days).make(Path(folder), lambda _: None)
        events = [event for frame in read_events(Path(folder)) for event in frame]
    pipeline = Pipeline(load_policy())
    relax_garbage_collection()
    half = len(events) // 2
    take(pipeline, events[:half])
    clocks = Clocks()
    clocks.around(SiteModel, "classified", "classifiers: score")
    clocks.around(Trees, "score", "trees: score")
    clocks.around(Classifiers, "learn", "classifiers: learn")
    clocks.around(Trees, "learn", "trees: learn")
    clocks.around(attack_injection, "inject_attacks", "shadows: thefts to learn from")
    before = dict(pipeline.counters)
    whole = seconds(lambda: take(pipeline, events[half:]))
    show(
        clocks,
        whole,
        len(events) - half,
        pipeline.counters["events_scored_total"] - before["events_scored_total"],
    )


def take(pipeline: Pipeline, events: list[AccessEvent]) -> None:
    for start in range(0, len(events), 2_000):
        pipeline.absorb(events[start : start + 2_000])
        pipeline.drain()


def show(clocks: Clocks, whole: float, events: int, asked: int) -> None:
    rows: list[list[object]] = []
    members = sum(clocks.spent.values())
    for name, spent in [*clocks.spent.items(), ("all the rest, evidence among it", whole - members)]:
        calls = clocks.calls.get(name, events)
        rows.append([name, calls, 1e6 * spent / calls, 1e6 * spent / events, f"{spent / whole:.1%}"])
    print_table(
        f"{events:,} events, {asked / events:.2%} of which asked the models (wanted: below 5 %)",
        ("what", "calls", "us/call", "us/event", "of all"),
        rows,
    )


if __name__ == "__main__":
    main()
