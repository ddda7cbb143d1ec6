"""One way of detecting, run over a scene from an empty beginning: events in, alerts out."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path

import msgspec

from models.evaluation.records import Raised
from service.evaluation.scenes import Scene, load, read_events
from service.events import Alert
from service.pipeline import Pipeline
from service.policy import load_policy

DRAIN = 50_000  # events after which what changed is let go

Progress = Callable[[float], None]


class Role(StrEnum):
    """What a trial is for."""

    MAIN = "main"  # the policy in force
    BUDGET = "budget"  # other budgets, for the curve
    MEMBER = "member"  # without, or with only, some members of the ensemble


class Trial(msgspec.Struct, frozen=True):
    """What differs from the policy in force."""

    role: Role
    name: str
    budget: float  # alerts a day


def run(scene_folder: Path, trial: Trial, policy: Path | None, progress: Progress) -> tuple[Raised, ...]:
    """The alerts of the trial in order of time."""
    scene = load(scene_folder)
    pipeline = Pipeline(load_policy(policy, alerts_per_day=trial.budget))
    alerts: dict[str, Alert] = {}
    undrained = 0
    span = max(scene.last_day - scene.first_day + 1, 1)
    for events in read_events(scene_folder):
        pipeline.absorb(events)
        undrained += len(events)
        if undrained >= DRAIN:
            undrained = 0
            alerts.update((alert.alert_id, alert) for alert in pipeline.drain().alerts)
        progress((events[-1].time // 86400 - scene.first_day) / span)
    alerts.update((alert.alert_id, alert) for alert in pipeline.drain().alerts)
    return _raised(alerts.values(), scene)


def _raised(alerts: Iterable[Alert], scene: Scene) -> tuple[Raised, ...]:
    numbers = {account: number for number, account in enumerate(scene.accounts)}
    found = [
        Raised(numbers[alert.account], alert.opened_at, alert.score, alert.probability) for alert in alerts
    ]
    return tuple(sorted(found, key=lambda one: (one.opened_at, one.account)))
