"""Policy: detections, budget and prior as data, read from TOML.

``detections/*.toml`` say what each detection sees, how to look into it and what it takes for theft
wrongly; ``budget.toml`` the operator's budget and the gates; ``prior.toml`` what is believed of
readers before a site's own days come in. A site's ``policy/`` folder may replace any of them by a
file of the same name.
"""

import hashlib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from models.ensemble import EnsembleWeights
from service.attacks.families import FAMILIES
from service.base.errors import PolicyError
from service.kernel.measures import M
from service.policy.examples import Example

SETTLED = ("budget.toml", "prior.toml", "readers.toml", "training.toml")  # every other file is a detection
Quantile = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
MEMBERS = ("evidence", "classifiers", "trees")  # of the joined score
AFTER_MEASURES = ("EVIDENCE", "CLASSIFIERS", "TREES")  # rows of the prior, and of the histograms
MOST_ALERTS = 10_000  # a day

T = TypeVar("T")


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
    measures: tuple[str, ...]  # names of service.kernel.measures.M
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


class PolicyFile(msgspec.Struct, frozen=True):
    """A policy file as it was read."""

    name: str  # of the file, under which it replaces the one that ships
    text: str
    path: str = ""  # of a site's own file

    def line(self, word: str) -> str:
        """Where the file is, with the line that sets ``word`` if there is one."""
        place = self.path or f"policy {self.name}"
        for number, line in enumerate(self.text.splitlines(), 1):
            if word and re.match(rf"\s*\"?{re.escape(word)}\"?\s*=", line):
                return f"{place}, line {number}"
        return place


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
    hash: str  # of the files, 12 hexadecimal digits

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


def load_policy(directory: Path | None = None, *, alerts_per_day: float | None = None) -> Policy:
    """Read the policies that ship with journalguard, overlaid by a site's own folder.

    Raises PolicyError naming the file and the mend.
    """
    sources = read_sources(directory)
    detections: dict[str, Detection] = {}
    for source in sources.values():
        if source.name not in SETTLED:
            found = to_detection(source)
            if found.id in detections:
                raise PolicyError(
                    f"{source.line('id')}: id {found.id} stands in another file too; choose another"
                )
            detections[found.id] = found
    budget = to_budget(sources["budget.toml"], alerts_per_day)
    texts = sorted((source.name, source.text) for source in sources.values())
    digest = hashlib.sha256("\0".join(f"{n}\0{t}" for n, t in texts).encode())
    digest.update(repr(budget.alerts_per_day).encode())
    return Policy(
        detections=dict(sorted(detections.items())),
        detection_of=_assign(detections),
        budget=budget,
        training=to_training(sources["training.toml"]),
        prior=to_prior(sources["prior.toml"]),
        readers=to_readers(sources["readers.toml"]),
        hash=digest.hexdigest()[:12],
    )


def read_sources(directory: Path | None = None) -> dict[str, PolicyFile]:
    """The files in force, by name. Raises PolicyError for one of the site's that is no text."""
    own = files("service.policy")
    shipped = [p for p in own.joinpath("detections").iterdir() if p.name.endswith(".toml")]
    shipped += [own.joinpath(name) for name in SETTLED]
    found = {p.name: PolicyFile(p.name, p.read_text("utf-8")) for p in shipped}
    return found | {source.name: source for source in site_sources(directory)}


def site_sources(directory: Path | None) -> Iterator[PolicyFile]:
    """A site's own files, by name. Raises PolicyError for one that is no text."""
    for path in sorted(directory.glob("*.toml")) if directory is not None else ():
        try:
            yield PolicyFile(path.name, path.read_text("utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"{path}: cannot be read ({error}); mend or remove the file") from error


def to_detection(source: PolicyFile) -> Detection:
    return _convert(source, Detection)


def to_budget(source: PolicyFile, alerts_per_day: float | None = None) -> Budget:
    """The budget, with another number of alerts a day if one is given."""
    budget = _convert(source, Budget)
    if alerts_per_day is not None:
        budget = msgspec.structs.replace(budget, alerts_per_day=float(alerts_per_day))
    if not 0 < budget.alerts_per_day <= MOST_ALERTS:
        raise PolicyError(
            f"{source.line('alerts_per_day')}: alerts_per_day must be more than 0 and at most "
            f"{MOST_ALERTS:,}; say how many alerts can be read a day"
        )
    _known(source, "members", budget.members, MEMBERS)
    return budget


def to_training(source: PolicyFile) -> Training:
    training = _convert(source, Training)
    _known(source, "families", training.families, tuple(FAMILIES))
    return training


def _known(source: PolicyFile, word: str, names: Sequence[str], known: Sequence[str]) -> None:
    if not names or set(names) - set(known):
        raise PolicyError(f"{source.line(word)}: {word} must be some of {', '.join(known)}")


def _parse(source: PolicyFile) -> dict[str, Any]:
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{source.line('')}: not valid TOML: {error}; mend that line") from error


def _convert(source: PolicyFile, kind: type[T]) -> T:
    try:
        return msgspec.convert(_parse(source), kind, strict=False)
    except msgspec.ValidationError as error:
        raise PolicyError(
            f"{source.line(_named(str(error)))}: {error}; compare it with the file of that name that ships"
        ) from error


def _named(message: str) -> str:
    """The key that msgspec's message is about: the last one of its path, or an unknown field."""
    path = re.search(r"at `\$([^`]*)`", message)
    words = re.findall(r"\w+", path[1]) if path else re.findall(r"unknown field `(\w+)`", message)
    return next((word for word in reversed(words) if not word.isdigit()), "")


def _assign(detections: Mapping[str, Detection]) -> tuple[str, ...]:
    """Every measure belongs to exactly one detection."""
    owner: dict[str, str] = {}
    for detection in detections.values():
        for name in detection.measures:
            if name not in M.__members__:
                raise PolicyError(
                    f"policy {detection.id}: unknown measure {name}; known: {', '.join(M.__members__)}"
                )
            if name in owner:
                raise PolicyError(f"policy {detection.id}: measure {name} belongs to {owner[name]} already")
            owner[name] = detection.id
    missing = [m.name for m in M if m.name not in owner]
    if missing:
        raise PolicyError(
            f"policy: no detection reads {', '.join(missing)}; add each to one detection's measures"
        )
    return tuple(owner[m.name] for m in M)


def to_readers(source: PolicyFile) -> Readers:
    return _convert(source, Readers)


def to_prior(source: PolicyFile) -> tuple[tuple[float, float, float, float], ...]:
    quantiles = _parse(source)
    rows = []
    for name in (*(m.name for m in M), *AFTER_MEASURES):
        try:
            row = msgspec.convert(quantiles.get(name), tuple[Quantile, Quantile, Quantile, Quantile])
        except msgspec.ValidationError as error:
            raise PolicyError(
                f"{source.line(name)}: {name}: {error}; give four rising numbers >= 0"
            ) from error
        if not all(low <= high for low, high in pairwise(row)):
            raise PolicyError(f"{source.line(name)}: {name} needs four rising numbers, got {list(row)}")
        rows.append(row)
    return tuple(rows)
