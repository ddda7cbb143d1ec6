"""Thefts found in libraries by other hands, and in our own at random: one table, pooled and each.

The worlds' simulator lies beside the project (``../shared/worlds``) or not: then our own alone are judged.
The budget goes with the accounts: 3 alerts a day for 5,000.

    python -m benchmarks.bench_worlds --foreign mixed:31 vpn:32 --own university:41 --accounts 5000 --days 45
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.foreign import SIMULATOR, Foreign
from models.evaluation.records import found
from service.base.progress import progress
from service.evaluation.parts import assemble
from service.evaluation.report import Part
from service.evaluation.study import Played, SceneSource, study
from service.evaluation.trials import Trial, TrialRole
from service.evaluation.worlds import Library

FOREIGN = ("mixed:31", "vpn:32", "research:33", "teaching:34", "distance:35", "hospital:36")
OWN = ("university:41", "college:42", "overseas:43", "vpn:44")
PER_5000 = 3.0  # alerts a day


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--foreign", nargs="*", default=FOREIGN, metavar="PROFILE:SEED")
    parser.add_argument("--own", nargs="*", default=OWN, metavar="PROFILE:SEED")
    parser.add_argument("--accounts", type=int, default=5000)
    parser.add_argument("--days", type=int, default=45)
    parser.add_argument("--simulator", type=Path, default=SIMULATOR, help="folder that holds `worlds`")
    args = parser.parse_args()
    size = args.accounts, args.days
    trial = Trial(TrialRole.MAIN, "ours", PER_5000 * args.accounts / 5000)
    if not (args.simulator / "worlds").is_dir():
        print(f"No worlds by other hands at {args.simulator}: they are not judged.\n")
        args.foreign = []
    kinds: dict[str, list[SceneSource]] = {
        "Libraries by other hands": [Foreign(*_named(one), *size, args.simulator) for one in args.foreign],
        "Our own libraries": [Library(*_named(one), *size) for one in args.own],
    }
    for title, sources in kinds.items():
        if sources:
            print(
                f"## {title}: {args.accounts:,} accounts, {args.days} days, {trial.budget:g} alerts a day\n"
            )
            print("\n".join(judged(sources, trial)), end="\n\n", flush=True)


def _named(text: str) -> tuple[str, int]:
    profile, _, seed = text.partition(":")
    if not seed.isdigit():
        sys.exit(f"{text}: give a profile and a seed, as in mixed:31")
    return profile, int(seed)


def judged(sources: Sequence[SceneSource], trial: Trial) -> Iterator[str]:
    """The tables of some libraries of one kind."""
    with TemporaryDirectory(prefix="journalguard-") as folder, progress("libraries") as shown:
        played = study(sources, (trial,), None, Path(folder), shown)
        shown.done()
    yield from each(played)
    yield ""
    yield from pooled(assemble("simulated", "", played, (trial,)))


def each(played: Sequence[Played]) -> Iterator[str]:
    yield "| library | found | out before the alert, median of all | alerts a day, any fortnight |"
    yield "|---|---|---|---|"
    shares = []
    for one in played:
        hits = found(one.scene.thefts, one.alerts[0])
        out = [len(hit.theft.document_times) if hit.out is None else hit.out for hit in hits]
        got = sum(hit.out is not None for hit in hits)
        shares.append(got / max(len(hits), 1))
        (load,) = assemble("simulated", "", [one], (Trial(TrialRole.MAIN, "", 0.0),)).loads
        yield (
            f"| {one.scene.title} | {got} of {len(hits)}, {shares[-1]:.2f} | {median(out) if out else 0:g} | "
            f"{load.load.per_day:.2f}, {load.load.lowest_window:.2f} to {load.load.highest_window:.2f} |"
        )
    ordered = sorted(shares)
    yield f"| median, worst tenth | {median(ordered):.2f}, {ordered[len(ordered) // 10]:.2f} | | |"


def pooled(part: Part) -> Iterator[str]:
    yield "| kind | found (95 %) | documents taken | out, if found | out, all |"
    yield "|---|---|---|---|---|"
    for row in part.families:
        got = row.found
        yield (
            f"| {row.family} | {got.hits} of {got.of}, {got.share:.2f} ({got.low:.2f} to {got.high:.2f}) "
            f"| {row.taken.middle:g} | {row.out.middle:g} | {row.out_all.middle:g} |"
        )
    burden = part.burden
    yield ""
    yield (
        f"False alarms: {burden.false_per_10000:.1f} per 10,000 account-days ({burden.false_alarms} on "
        f"{burden.account_days:,})"
    )
    if part.burdens and (worst := part.burdens.worst):
        ratio = worst.against_all
        name = ", ".join(worst.members or (worst.group,))
        yield (
            f"Worst group: {worst.dimension}: {name}, {ratio.ratio:.2f} times everyone's "
            f"({ratio.low:.2f} to {ratio.high:.2f})"
        )


if __name__ == "__main__":
    main()
