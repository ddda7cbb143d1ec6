"""What a policy says: frozen records of detections, budget, training, readers and prior."""

import math
from collections.abc import Mapping
from typing import Annotated

import msgspec

from models.ensemble import EnsembleWeights
from service.policy.examples import Example

MEMBERS = ("evidence", "classifiers", "trees")  # of the joined score
AFTER_MEASURES = ("EVIDENCE", "CLASSIFIERS", "TREES")  # rows of the prior, and of the histograms


class Detection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of finding, as data."""

    id: str
    title: str
    severity: str  # "low", "medium", "high"
    description: str
    guide: tuple[str, ...]  # steps for the analyst
    false_positives: tuple[str, ...]
    misses: str  # what it cannot see
    attack: str  # MITRE ATT&CK technique
    measures: tuple[str, ...] | None = None  # names of M; by default those that name this detection
    examples: tuple[Example, ...] = msgspec.field(name="example", default=())


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may be asked of the analysts, and when the models are asked."""

    alerts_per_day: float
    thefts_per_10000_account_days: Annotated[float, msgspec.Meta(gt=0, lt=5_000)]  # behind the probability
    gate: Annotated[float, msgspec.Meta(ge=0)]  # least evidence at which the models are asked
    gate_moved: Annotated[float, msgspec.Meta(ge=0)]  # or asked again after it moved by so much,
    gate_minutes: Annotated[float, msgspec.Meta(ge=0)]  # or after so many minutes
    guard: Annotated[float, msgspec.Meta(gt=0)]  # -ln share of account-days from which a day does not teach
    trees_handicap: Annotated[float, msgspec.Meta(ge=0)]  # taken off the trees' tail
    quiet_days: Annotated[int, msgspec.Meta(ge=1, le=730)] = 90  # proposed with the verdict "expected"
    ceiling: Annotated[float, msgspec.Meta(ge=1)] = 2.0  # of a day's alerts in the queue, in alerts_per_day
    members: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = MEMBERS  # which of them score
    evidence_handicap: Annotated[float, msgspec.Meta(ge=0)] = 1.0  # off its tail where the classifiers score

    @property
    def weights(self) -> EnsembleWeights:
        """How the members' tails make one score."""
        return EnsembleWeights(self.evidence_handicap, self.trees_handicap)


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the classifiers learn theft (see ``service.learning.attack_injection``)."""

    families: tuple[str, ...]  # of service.attacks.families; a name more than once is a larger share
    shadows: Annotated[int, msgspec.Meta(ge=0, le=200)]  # a day, over the whole site
    moments: Annotated[int, msgspec.Meta(ge=1, le=50)]  # of each theft
    ordinary: Annotated[int, msgspec.Meta(ge=0, le=2000)]  # account-days of readers a day
    warm_days: Annotated[int, msgspec.Meta(ge=1)]  # of training before the classifiers' score counts
    thefts_weigh: Annotated[float, msgspec.Meta(gt=0)]  # an example of theft against one of a reader
    half_life_days: Annotated[float, msgspec.Meta(gt=0)] = 30.0  # in which what was learnt counts half
    verdicts: Annotated[int, msgspec.Meta(ge=0, le=2000)] = 100  # learnt from a day, at most
    verdict_days: Annotated[int, msgspec.Meta(ge=0, le=730)] = 60  # for which one is learnt from, day by day

    @property
    def fade(self) -> float:
        """What remains of what was learnt, from a day to the next."""
        return float(0.5 ** (1.0 / self.half_life_days))


class Readers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Readers, by pseudonym, whom reports look at apart."""

    assisted: frozenset[str]  # with arrangements for a disability
    heavy: frozenset[str]  # whose work is to read more than anyone


class Policy(msgspec.Struct, frozen=True):
    """Everything the pipeline is told by people."""

    detections: Mapping[str, Detection]
    detection_of: tuple[str, ...]  # by measure, an id
    budget: Budget
    training: Training
    prior: tuple[tuple[float, float, float, float], ...]  # by measure, then AFTER_MEASURES
    readers: Readers
    hash: str  # of the files and the prior, 12 hexadecimal digits

    @property
    def alerts_per_day(self) -> float:
        return self.budget.alerts_per_day

    @property
    def daily_cap(self) -> int:
        """Alerts of one day that the queue shows at most."""
        return math.ceil(self.budget.ceiling * self.budget.alerts_per_day)

    @property
    def daily_verdict_limit(self) -> int:
        """Verdicts of one analyst in a day that change anything: twice what the queue shows of a day."""
        return 2 * self.daily_cap

    @property
    def guard(self) -> float:
        return self.budget.guard
