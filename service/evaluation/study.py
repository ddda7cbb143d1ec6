"""Scenes and trials in processes: a scene is read once, trials that learn the same share a pass over it."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from ctypes import c_double
from pathlib import Path
from typing import Any, Protocol

import msgspec

from models.evaluation.rarity import RarityCalibration
from models.evaluation.records import RaisedAlert
from service.base.gc_tuning import relax_garbage_collection
from service.base.progress import Progress
from service.evaluation.scenes import Scene, load
from service.evaluation.trials import Pass, Trial, passes, run

POLITE = 10  # added to the processes' niceness: a site's own work goes first
POLL = 0.5  # s between looks at how far the processes are
SCENE_WORK, PASS_WORK = 1.5, 1.0  # how much longer a scene takes than a pass, roughly


class SceneSource(Protocol):
    """Where a scene comes from: a record that can be handed to another process."""

    @property
    def title(self) -> str: ...

    def make(self, folder: Path, progress: Callable[[float], None]) -> None: ...


class Played(msgspec.Struct, frozen=True):
    """A scene and the alerts of every trial, in the order of the trials."""

    scene: Scene
    alerts: tuple[tuple[RaisedAlert, ...], ...]
    rarity: tuple[RarityCalibration, ...] = ()  # of the first pass


def study(
    sources: Sequence[SceneSource],
    trials: Sequence[Trial],
    policy: Path | None,
    folder: Path,
    shown: Progress,
) -> tuple[Played, ...]:
    """Plays every trial over every scene, in as many processes as there are processors.

    ``folder`` is for the scenes: temporary, and of this user alone. Errors of a process are raised here.
    """
    shared = passes(trials, policy)
    weights = [SCENE_WORK] * len(sources) + [PASS_WORK] * (len(sources) * len(shared))
    context = multiprocessing.get_context("spawn")
    shares = context.Array(c_double, len(weights), lock=False)
    folders = [folder / f"{number:03d}" for number in range(len(sources))]
    alerts: dict[tuple[int, int], tuple[RaisedAlert, ...]] = {}
    rarity: dict[int, tuple[RarityCalibration, ...]] = {}
    with ProcessPoolExecutor(os.cpu_count(), context, initializer=_begin, initargs=(shares,)) as pool:
        running: dict[Future[Any], tuple[int, int]] = {}
        for at, source in enumerate(sources):
            folders[at].mkdir(mode=0o700)
            running[pool.submit(_make, source, folders[at], at)] = (at, -1)
        while running:
            done, _ = wait(running, timeout=POLL, return_when=FIRST_COMPLETED)
            for future in done:
                at, number = running.pop(future)
                result = future.result()
                if number >= 0:
                    told = zip(shared[number], result.alerts, strict=True)
                    alerts.update({(at, n): raised for n, raised in told})
                    if number == 0:
                        rarity[at] = result.rarity
                    continue
                for p, together in enumerate(shared):
                    place = len(sources) + at * len(shared) + p
                    led = tuple(trials[n] for n in together)
                    running[pool.submit(_play, folders[at], led, policy, place)] = (at, p)
            far = shares[:]
            share = sum(w * s for w, s in zip(weights, far, strict=True)) / sum(weights)
            shown.at(share, f"{sum(s >= 1 for s in far)} of {len(weights)} runs")
    return tuple(
        Played(load(folders[at]), tuple(alerts[at, n] for n in range(len(trials))), rarity[at])
        for at in range(len(sources))
    )


# In the processes.

_shares: Any = None  # how far each job is; shared memory


def _begin(shares: Any) -> None:
    global _shares  # noqa: PLW0603 - the one thing a process is given when it starts
    _shares = shares
    os.nice(POLITE)
    relax_garbage_collection()


def _at(place: int) -> Callable[[float], None]:
    def tell(share: float) -> None:
        _shares[place] = min(max(share, 0.0), 0.999)

    return tell


def _make(source: SceneSource, folder: Path, place: int) -> None:
    source.make(folder, _at(place))
    _shares[place] = 1.0


def _play(folder: Path, trials: tuple[Trial, ...], policy: Path | None, place: int) -> Pass:
    found = run(folder, trials, policy, _at(place))
    _shares[place] = 1.0
    return found
