"""What the benches share: repeated timings, memory of this process, and tables with ratios.

The machine is never quiet: a number is the median of several rounds, and what is claimed is a ratio
against something measured beside it in the same run.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median

PAGE = 4096  # bytes; of /proc/self/statm on Linux


def seconds(act: Callable[[], object]) -> float:
    """CPU time of one call in this process: what other processes do meanwhile hardly counts."""
    start = time.process_time()
    act()
    return time.process_time() - start


def median_seconds(acts: Iterable[Callable[[], object]]) -> float:
    """Median CPU time of calls that do the same amount of work."""
    return median(seconds(act) for act in acts)


def resident_bytes() -> int:
    """Memory of this process that is really there (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def times(part: float, whole: float) -> str:
    """``part`` as a multiple of ``whole``."""
    return f"{part / whole:.2f}x"


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table for people: the first column to the left, numbers to the right."""
    cells = [list(head), *([_cell(c) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    print(f"\n{title}")
    for number, row in enumerate(cells):
        first, *rest = (
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *rest]))
        if number == 0:
            print("  ".join("-" * w for w in widths))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def library_size(description: str) -> tuple[int, int]:
    """Accounts and days of the simulated library that the command line asks for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--accounts", type=int, default=3000)
    parser.add_argument("--days", type=int, default=16)
    args = parser.parse_args()
    return args.accounts, args.days
