"""Ways of detecting, run over a scene from an empty beginning: events in, alerts out.

Trials that learn the same share one pass over the events, see :mod:`service.evaluation.alternatives`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from models.evaluation.rarity import RarityCalibration
from models.evaluation.records import RaisedAlert
from service.evaluation.alternatives import Alternatives
from service.evaluation.scenes import Scene, load, read_events
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.policy.model import Policy
from service.records.checkpoints import AnalystVerdict
from service.records.events import Alert

DRAIN = 20_000  # events, part of a day, after which what changed is let go and looked at
QUIET_DAYS = 90  # that an analyst who finds an alert expected grants

Progress = Callable[[float], None]


class TrialRole(StrEnum):
    """What a trial is for."""

    MAIN = "main"  # the policy in force
    BUDGET = "budget"  # other budgets, for the curve
    EXPECTED = "expected"  # analysts say "expected" to false alarms of heavy readers
    MEMBER = "member"  # some members of the ensemble only
    LEFT_OUT = "left out"  # families of theft left out of training


class Trial(msgspec.Struct, frozen=True):
    """What differs from the policy in force."""

    role: TrialRole
    name: str
    budget: float  # alerts a day
    members: tuple[str, ...] = ()  # of the ensemble; empty for those of the policy
    left_out: tuple[str, ...] = ()  # families of theft that are not trained on

    def policy(self, directory: Path | None) -> Policy:
        """The site's policy with what differs."""
        policy = load_policy(directory, alerts_per_day=self.budget)
        families = tuple(name for name in policy.training.families if name not in self.left_out)
        training = msgspec.structs.replace(policy.training, families=families)
        members = self.members or policy.budget.members
        if "classifiers" not in members:  # nobody would ask what they have learnt
            training = msgspec.structs.replace(training, shadows=0, ordinary=0, verdicts=0)
        budget = msgspec.structs.replace(policy.budget, members=members)
        return msgspec.structs.replace(policy, budget=budget, training=training)


class Analyst:
    """Says "expected" to each new alert of a heavy reader that is no theft, within hours of its opening."""

    def __init__(self, scene: Scene) -> None:
        self._heavy = {scene.accounts[number] for number in scene.heavy}
        self._stolen = {scene.accounts[theft.account] for theft in scene.thefts}
        self._judged: set[str] = set()

    def judges(self, alerts: Iterable[Alert]) -> list[AnalystVerdict]:
        verdicts = []
        for alert in alerts:
            new = alert.alert_id not in self._judged
            if new and alert.account in self._heavy - self._stolen:
                self._judged.add(alert.alert_id)
                number = len(self._judged)
                verdicts.append(AnalystVerdict(number, alert.alert_id, alert.account, "expected", QUIET_DAYS))
        return verdicts


def passes(trials: Sequence[Trial], policy: Path | None) -> tuple[tuple[int, ...], ...]:
    """The trials' numbers, those together that can share a pass; the first of each leads it."""
    shared: list[list[int]] = []
    for number, trial in enumerate(trials):
        for one in shared:
            if _joins(trials[one[0]], trial, policy):
                one.append(number)
                break
        else:
            shared.append([number])
    return tuple(map(tuple, shared))


def _joins(leader: Trial, trial: Trial, policy: Path | None) -> bool:
    """Is what models say to the leader all that the trial has to know? Verdicts would teach them."""
    if TrialRole.EXPECTED in (leader.role, trial.role) or leader.left_out != trial.left_out:
        return False
    led, own = (set(one.policy(policy).budget.members) for one in (leader, trial))
    return own <= led


class Pass(msgspec.Struct, frozen=True):
    """What came of one pass over a scene."""

    alerts: tuple[tuple[RaisedAlert, ...], ...]  # of each of its trials, in order of time
    rarity: tuple[RarityCalibration, ...] = ()  # how true stated rarities were over the last weeks


def run(scene_folder: Path, trials: Sequence[Trial], policy: Path | None, progress: Progress) -> Pass:
    """The trials of one pass (see ``passes``)."""
    scene, leader = load(scene_folder), trials[0]
    analyst = Analyst(scene) if leader.role is TrialRole.EXPECTED else None
    others = Alternatives(trial.policy(policy) for trial in trials[1:])
    pipeline = Pipeline(leader.policy(policy), observer=others)
    alerts: dict[str, Alert] = {}
    undrained = 0
    span = max(scene.last_day - scene.first_day + 1, 1)
    for events in read_events(scene_folder):
        pipeline.absorb(events)
        undrained += len(events)
        if undrained >= DRAIN:
            undrained = 0
            changed = pipeline.drain().alerts
            alerts.update((alert.alert_id, alert) for alert in changed)
            if analyst is not None:
                pipeline.enqueue_verdicts(analyst.judges(changed))
        progress((events[-1].time // 86400 - scene.first_day) / span)
    alerts.update((alert.alert_id, alert) for alert in pipeline.drain().alerts)
    numbers = {account: number for number, account in enumerate(scene.accounts)}
    raised = tuple(_raised(one, numbers) for one in (alerts.values(), *others.alerts))
    return Pass(raised, pipeline.rarity)


def _raised(alerts: Iterable[Alert], numbers: Mapping[str, int]) -> tuple[RaisedAlert, ...]:
    found = [
        RaisedAlert(numbers[alert.account], alert.opened_at, alert.score, alert.probability)
        for alert in alerts
    ]
    return tuple(sorted(found, key=lambda one: (one.opened_at, one.account)))
