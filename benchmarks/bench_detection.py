"""Detection on simulated worlds, through the commands that a user has.

Runs ``simulate``, ``init``, ``replay`` and ``pseudonym`` and compares the alerts with the truth. A theft
counts as found if an alert of its account opens between its first event and a day after its last. The
worlds' seeds are arguments: judge by seeds that were not used in building.

    python -m benchmarks.bench_detection --seeds 9001 9002 --accounts 5000 --days 60 --alerts-per-day 3
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

WARM_DAYS = 14
FORMAT = '%h %{ezproxy-session}i %u %t "%r" %s %b'


@dataclass(frozen=True, slots=True)
class Found:
    """One theft, and what the alerts made of it."""

    family: str
    documents: int
    out: int | None  # documents out when the alert opened; None if it never did


@dataclass(frozen=True, slots=True)
class World:
    """Results of one simulated world."""

    thefts: tuple[Found, ...]
    per_day: float  # alerts a day after the warm-up
    false_by_type: Mapping[str, int]


def _command(*arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        input=stdin, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"journalguard {' '.join(arguments)}\n{done.stderr}")
    return done.stdout


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def run_world(folder: Path, seed: int, profile: str, args: argparse.Namespace) -> World:
    """Simulate a world, replay it, and compare."""
    world, site, alerts = folder / "world", folder / "site", folder / "alerts.jsonl"
    _command(
        "simulate", "--seed", str(seed), "--accounts", str(args.accounts), "--days", str(args.days),
        "--log-format", FORMAT, "--profile", profile, "--out", str(world),
    )  # fmt: skip
    _command("init", str(site), "--log-format", FORMAT, "--timezone", "Europe/London")
    _command(
        "replay", "--site", str(site), "--geo-city", str(world / "city.mmdb"),
        "--geo-asn", str(world / "asn.mmdb"), "--alerts-per-day", str(args.alerts_per_day),
        "--alerts", str(alerts), str(world / "access.log"),
    )  # fmt: skip
    truth = json.loads((world / "truth.json").read_text())
    names = "\n".join(r["user"] for r in truth["readers"]) + "\n"
    told = _command("pseudonym", "--site", str(site), "--kind", "user", stdin=names)
    account = dict(line.split("\t") for line in told.splitlines())
    opened = [json.loads(line) for line in alerts.read_text().splitlines()]
    return _compare(truth, account, opened, args.days)


def _compare(
    truth: Mapping[str, Any], account: Mapping[str, str], alerts: Sequence[Mapping[str, Any]], days: int
) -> World:
    true_ids: set[str] = set()
    thefts = []
    for theft in truth["thefts"]:
        start, end = _time(theft["started_at"]), _time(theft["ended_at"]) + timedelta(days=1)
        mine = [
            a
            for a in alerts
            if a["account"] == account[theft["user"]] and start <= _time(a["opened_at"]) <= end
        ]
        true_ids |= {a["alert_id"] for a in mine}
        first = min((_time(a["opened_at"]) for a in mine), default=None)
        out = None if first is None else sum(_time(t) <= first for t in theft["document_times"])
        thefts.append(Found(theft["family"], theft["documents"], out))
    warm = _time(truth["start"] + "T00:00:00Z") + timedelta(days=WARM_DAYS)
    late = sum(_time(a["opened_at"]) >= warm for a in alerts)
    type_of = {account[r["user"]]: r["type"] for r in truth["readers"]}
    false: dict[str, int] = defaultdict(int)
    for alert in alerts:
        if alert["alert_id"] not in true_ids:
            false[type_of.get(alert["account"], "?")] += 1
    return World(tuple(thefts), late / (days - WARM_DAYS), dict(false))


def _rows(worlds: Sequence[World]) -> Iterator[str]:
    by_family: dict[str, list[Found]] = defaultdict(list)
    for world in worlds:
        for theft in world.thefts:
            by_family[theft.family].append(theft)
    yield "| family | thefts | found | documents taken (median) | out before the alert (median of found) |"
    yield "|---|---|---|---|---|"
    everything = [t for found in by_family.values() for t in found]
    apart = [t for t in everything if t.family != "mimic"]
    rows = [*sorted(by_family.items()), ("all", everything), ("all but mimic", apart)]
    for family, thefts in rows:
        out = [t.out for t in thefts if t.out is not None]
        middle = f"{median(out):.0f}" if out else "-"
        taken = f"{median(t.documents for t in thefts):.0f}" if thefts else "-"
        share = f"{len(out)} ({len(out) / max(1, len(thefts)):.2f})"
        yield f"| {family} | {len(thefts)} | {share} | {taken} | {middle} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, nargs="+", default=[9001, 9002])
    parser.add_argument("--profiles", nargs="+", default=["university"])
    parser.add_argument("--accounts", type=int, default=5000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--alerts-per-day", type=float, default=3.0)
    args = parser.parse_args()
    worlds = []
    for profile in args.profiles:
        for seed in args.seeds:
            with tempfile.TemporaryDirectory() as folder:
                world = run_world(Path(folder), seed, profile, args)
            worlds.append(world)
            found = sum(t.out is not None for t in world.thefts)
            print(
                f"{profile} seed {seed}: {found} of {len(world.thefts)} thefts found, "
                f"{world.per_day:.2f} alerts a day after day {WARM_DAYS} (budget {args.alerts_per_day:g}), "
                f"false by type {dict(sorted(world.false_by_type.items()))}",
                flush=True,
            )
    print()
    print("\n".join(_rows(worlds)))


if __name__ == "__main__":
    main()
