"""What an account costs: bytes of state, and time per event from 1,000 to 1,000,000 accounts.

    python -m benchmarks.bench_accounts [--sizes 1000 10000 100000 1000000] [--events 100000]

The same number of events at each size, in sessions of about 25 events over half an hour among one
another's (see ``benchmarks.readers``). Each size runs in a process of its own, which also times
River's half-space trees, so that the machine's mood cancels out: compare the columns "of trees".
The close of a day is timed apart: its cost goes with the accounts of that day, not with events.
"""

import argparse
import gc
import multiprocessing
from dataclasses import dataclass

from benchmarks import readers
from benchmarks.bench_score import kernel_seconds, pipeline_seconds, settled_pipeline, trees_seconds
from benchmarks.common import print_table, resident_bytes, times
from service.kernel.account_record import ACCOUNT
from service.pipeline.account_table import AccountTable

SIZES = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one size; times in s per event."""

    accounts: int
    resident: float  # bytes an account
    kernel: float
    pipeline: float
    closing: float  # s an event, the days' closes spread over the events
    trees: float
    asked: float  # share of events that reached a model


def resident_per_account(accounts: int) -> float:
    """Growth of this process by the states of so many accounts, names and index included."""
    gc.collect()
    before = resident_bytes()
    states = AccountTable()
    states.restore(readers.settled(accounts))
    gc.collect()
    return (resident_bytes() - before) / len(states.names)


def measure(accounts: int, count: int) -> Cost:
    """All costs of one size; the lowest of some rounds of each, for noise only ever adds."""
    events = readers.events(readers.Mix(accounts, count))
    resident = resident_per_account(accounts)
    kernel = min(kernel_seconds(accounts, events) for _ in range(ROUNDS))
    runs = []
    for _ in range(ROUNDS):
        pipeline = settled_pipeline(accounts)
        runs.append(pipeline_seconds(pipeline, events))
        asked = pipeline.counters["events_scored_total"] / len(events)
        del pipeline
    return Cost(
        accounts=accounts,
        resident=resident,
        kernel=kernel,
        pipeline=min(spent for spent, _ in runs),
        closing=min(closing for _, closing in runs) / len(events),
        trees=min(trees_seconds()[0] for _ in range(ROUNDS)),
        asked=asked,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--events", type=int, default=100_000)
    wanted = parser.parse_args()
    costs = []
    for size in wanted.sizes:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            costs.append(pool.apply(measure, (size, wanted.events)))
    print_table(
        f"Bytes an account (record {ACCOUNT.itemsize}, wanted at most 2,048)",
        ["accounts", "resident, with name and index"],
        [[f"{c.accounts:,}", c.resident] for c in costs],
    )
    first = costs[0]
    print_table(
        f"Cost per event in us, {wanted.events:,} events each (wanted: within 25 % of the first row)",
        ["accounts", "kernel", "to first", "pipeline", "to first", "of trees", "to first", "closes", "asked"],
        [
            [
                f"{c.accounts:,}", 1e6 * c.kernel, times(c.kernel, first.kernel),
                1e6 * c.pipeline, times(c.pipeline, first.pipeline),
                times(c.pipeline, c.trees), times(c.pipeline / c.trees, first.pipeline / first.trees),
                1e6 * c.closing, f"{c.asked:.2%}",
            ]
            for c in costs
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
