"""Detection on simulated libraries and on real logs with thefts laid over them, beside simpler detectors.

The libraries' seeds are arguments: judge by seeds and profiles that were not used in building. A theft counts
as found if an alert of its account opens between its first line and a day after its last.

    python -m benchmarks.bench_detection --seeds 9001 --accounts 5000 --days 60 --alerts-per-day 3
"""

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from benchmarks.accountdays import late
from benchmarks.rawtrees import raw_trees
from benchmarks.rules import rules
from models.evaluation.figures import Burden, burden
from models.evaluation.intervals import Proportion, Quartiles, proportion, quartiles
from models.evaluation.records import Cell, RaisedAlert, found, is_theft
from pseudonymiser.ingest import IngestSettings
from service.base.progress import progress
from service.evaluation.background import Background, Databases
from service.evaluation.parts import assemble
from service.evaluation.report import Part
from service.evaluation.study import Played, study
from service.evaluation.trials import Trial, TrialRole
from service.evaluation.worlds import Library
from service.policy.model import MEMBERS
from service.simulator.families import FAMILIES
from service.simulator.settings import PROFILES

LEFT_OUT = (
    ("burst", "shared", "dormant"),
    ("drip", "testing", "scihub"),
    ("residential", "hijacked", "ramp"),
    ("sweep", "mimic"),
)
REAL = Path("../shared/data/ezproxy")
REAL_LOGS = ("npg.2012-11-30.log.gz", "sd.2012-11-30.log.gz")
DRAWS = 8
CAUSAL = frozenset(FAMILIES) - {"mimic"}

Alerts = Sequence[tuple[RaisedAlert, ...]]  # of each scene


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, nargs="+", default=[9001])
    parser.add_argument("--profiles", nargs="+", default=list(PROFILES), choices=PROFILES)
    parser.add_argument("--accounts", type=int, default=5000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--alerts-per-day", type=float, default=3.0)
    parser.add_argument("--real-logs", type=Path, default=REAL, help="folder of the real logs")
    args = parser.parse_args()
    budget = args.alerts_per_day
    libraries = [Library(p, s, args.accounts, args.days) for p in args.profiles for s in args.seeds]
    tried = trials(budget)
    with TemporaryDirectory(prefix="journalguard-") as folder:
        with progress("simulated libraries") as shown:
            played = study(libraries, tried, None, Path(folder), shown)
            shown.done()
        baselines = others(Path(folder), played, budget)
    print(
        f"{', '.join(args.profiles)}; seeds {args.seeds}; {args.accounts:,} accounts, {args.days} days, ",
        end="",
    )
    print(f"budget {budget:g} a day\n")
    part = assemble("simulated", "", played, tried)
    for lines in (
        family_rows(part),
        detector_rows(played, tried, baselines),
        left_out_rows(played, tried),
        group_rows(part),
        heavy_rows(part),
        real_rows(args.real_logs, budget),
    ):
        print("\n".join(lines), end="\n\n", flush=True)


def trials(budget: float) -> tuple[Trial, ...]:
    """Ours, each member alone, and ours with families left out of training, three at a time."""
    return (
        Trial(TrialRole.MAIN, "ours", budget),
        *(Trial(TrialRole.MEMBER, f"{name} alone", budget, members=(name,)) for name in MEMBERS),
        Trial(TrialRole.EXPECTED, "ours, with expected verdicts", budget),
        *(Trial(TrialRole.LEFT_OUT, ", ".join(names), budget, left_out=names) for names in LEFT_OUT),
    )


def others(folder: Path, played: Sequence[Played], budget: float) -> dict[str, Alerts]:
    """EZproxy's rules and trees on raw counts, each scene's tuned to the budget in hindsight."""
    by_rules, by_trees = [], []
    with progress("simpler detectors") as shown:
        for at, one in enumerate(played):
            words, alerts = rules(folder / f"{at:03d}", one.scene, budget)
            print(f"{one.scene.title}: best rules are {words} a day", file=sys.stderr)
            by_rules.append(alerts)
            by_trees.append(raw_trees(folder / f"{at:03d}", one.scene, budget))
            shown.at((at + 1) / len(played))
        shown.done()
    return {"EZproxy's rules, tuned in hindsight": by_rules, "River's trees on raw counts": by_trees}


def family_rows(part: Part) -> Iterator[str]:
    yield "| family | found | share (95 %) | documents taken | out before the alert |"
    yield "|---|---|---|---|---|"
    for row in part.families:
        yield (
            f"| {row.family} | {row.found.hits} of {row.found.of} | {_share(row.found)} | "
            f"{row.taken.middle:g} | {_quartiles(row.out)} |"
        )
    yield ""
    for one in part.loads:
        load = one.load
        yield (
            f"{one.name}: {load.per_day:.2f} alerts a day after the warm-up, {load.lowest_window:.2f} to "
            f"{load.highest_window:.2f} over any 14 days, at most {load.worst_day} on a day"
        )


def detector_rows(
    played: Sequence[Played], tried: Sequence[Trial], baselines: dict[str, Alerts]
) -> Iterator[str]:
    yield "| detector | found, mimic apart | share (95 %) | out before the alert | alerts a day | false |"
    yield "|---|---|---|---|---|---|"
    ours = {
        trial.name: [one.alerts[n] for one in played]
        for n, trial in enumerate(tried)
        if trial.role is not TrialRole.LEFT_OUT
    }
    for name, alerts in (ours | baselines).items():
        recall, out = _recall(played, alerts, CAUSAL)
        per_day = mean(late(raised, one.scene) for raised, one in zip(alerts, played, strict=True))
        yield (
            f"| {name} | {recall.hits} of {recall.of} | {_share(recall)} | {_quartiles(out)} | {per_day:.2f} "
            f"| {_burden(played, alerts).false_per_10000:.1f} |"
        )


def left_out_rows(played: Sequence[Played], tried: Sequence[Trial]) -> Iterator[str]:
    yield "| left out of training | found of those | share (95 %) | out before the alert | others found |"
    yield "|---|---|---|---|---|"
    shares = []
    for n, trial in enumerate(tried):
        if trial.role is TrialRole.LEFT_OUT:
            alerts = [one.alerts[n] for one in played]
            names = set(trial.left_out)
            unseen, out = _recall(played, alerts, names - {"mimic"})
            seen, _ = _recall(played, alerts, CAUSAL - names)
            shares.append(unseen.share)
            yield (
                f"| {trial.name} | {unseen.hits} of {unseen.of} | {_share(unseen)} | {_quartiles(out)} | "
                f"{seen.share:.2f} |"
            )
    yield ""
    yield f"Mean share found of families left out: {mean(shares):.2f} (mimic apart)"


def group_rows(part: Part) -> Iterator[str]:
    yield "| group | account-days | false alarms | per 10,000 | times everyone's (95 %) | p, corrected |"
    yield "|---|---|---|---|---|---|"
    for group in part.burdens.groups if part.burdens else ():
        ratio = group.against_all
        yield (
            f"| {group.dimension}: {group.group} | {group.account_days:,} | {group.false_alarms} | "
            f"{group.false_per_10000:.1f} | {ratio.ratio:.2f} ({ratio.low:.2f} to {ratio.high:.2f}) | "
            f"{group.corrected_p:.4f} |"
        )
    if part.burdens and part.burdens.worst:
        worst = part.burdens.worst
        name = ", ".join(worst.members or (worst.group,))
        yield ""
        yield f"Worst group: {worst.dimension}: {name}, {worst.against_all.ratio:.2f} times everyone's"


def heavy_rows(part: Part) -> Iterator[str]:
    yield "| legitimate heavy readers | account-days | false alarms | per 10,000 | with expected verdicts |"
    yield "|---|---|---|---|---|"
    for one in part.heavy:
        after = one.with_expected
        reported = f"{after.false_alarms} ({after.false_per_10000:.1f} per 10,000)" if after else "not tried"
        yield (
            f"| {one.kind} | {one.burden.account_days:,} | {one.burden.false_alarms} | "
            f"{one.burden.false_per_10000:.1f} | {reported} |"
        )


def real_rows(folder: Path, budget: float) -> Iterator[str]:
    logs = tuple(folder / name for name in REAL_LOGS)
    if not all(log.exists() for log in logs):
        yield f"No real logs at {folder}: thefts were not laid over any."
        return
    settings = IngestSettings('%h %l %u %t "%r" %s %b', "Europe/Paris")
    laid = [Background(logs, settings, Databases(None, None), draw) for draw in range(DRAWS)]
    tried = (Trial(TrialRole.MAIN, "ours", budget),)
    with TemporaryDirectory(prefix="journalguard-") as temporary, progress("real logs") as shown:
        played = study(laid, tried, None, Path(temporary), shown)
        part = assemble("background", "", played, tried, same_readers=True)
        shown.done()
    yield f"Real logs of one day, {DRAWS} draws of thefts, each of every family that a day is long enough for"
    yield from family_rows(part)
    yield (
        f"False alarms: {part.burden.false_per_10000:.1f} per 10,000 account-days "
        f"({part.burden.false_alarms} on {part.burden.account_days:,})"
    )


def _recall(
    played: Sequence[Played], alerts: Alerts, families: Collection[str]
) -> tuple[Proportion, Quartiles]:
    outs = [
        one.out
        for at, raised in zip(played, alerts, strict=True)
        for one in found(tuple(t for t in at.scene.thefts if t.family in families), raised)
    ]
    hits = [out for out in outs if out is not None]
    return proportion(len(hits), len(outs)), quartiles(hits)


def _burden(played: Sequence[Played], alerts: Alerts) -> Burden:
    false = sum(
        not is_theft(alert, one.scene.thefts)
        for one, raised in zip(played, alerts, strict=True)
        for alert in raised
    )
    account_days = sum(len(one.scene.account_days) for one in played)
    return burden(Cell("", "", account_days, sum(map(len, alerts)), false))


def _share(found_: Proportion) -> str:
    return f"{found_.share:.2f} ({found_.low:.2f} to {found_.high:.2f})"


def _quartiles(of: Quartiles) -> str:
    return f"{of.middle:g} ({of.low:g} to {of.high:g})" if of.n else "-"


if __name__ == "__main__":
    main()
