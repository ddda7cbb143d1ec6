"""Policy: detections, budget and prior as data, read from TOML.

``detections/*.toml`` say what each detection sees, how to look into it and what it takes for theft
wrongly; ``budget.toml`` the operator's budget and the gates; ``prior.toml`` what is believed of
readers before a site's own days come in. A site's ``policy/`` folder may replace any of them by a
file of the same name.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from service.errors import PolicyError
from service.measures import M
from service.thieves import FAMILIES

Quantile = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
MOST_ALERTS = 10_000  # a day
FILES = ("budget.toml", "prior.toml", "training.toml")  # besides the detections

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
    measures: tuple[str, ...]  # names of service.measures.M


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may be asked of the analysts, and when the models are asked."""

    alerts_per_day: float
    thefts_per_10000_account_days: Annotated[float, msgspec.Meta(gt=0, lt=5_000)]  # behind the probability
    gate: Annotated[float, msgspec.Meta(ge=0)]  # least evidence at which the models are asked
    gate_moved: Annotated[float, msgspec.Meta(ge=0)]  # or asked again after it moved by so much,
    gate_minutes: Annotated[float, msgspec.Meta(ge=0)]  # or after so many minutes
    guard: Annotated[float, msgspec.Meta(gt=0)]  # -ln share of account-days from which a day does not teach
    trees_handicap: Annotated[
        float, msgspec.Meta(ge=0)
    ]  # taken off the trees' tail before it competes with the evidence's


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the models learn theft (see ``service.shadows``)."""

    families: tuple[str, ...]  # of service.thieves; a name more than once is a larger share
    shadows: Annotated[int, msgspec.Meta(ge=0, le=200)]  # a day, over the whole site
    moments: Annotated[int, msgspec.Meta(ge=1, le=50)]  # of each theft
    ordinary: Annotated[int, msgspec.Meta(ge=0, le=2000)]  # account-days of readers a day
    warm_days: Annotated[int, msgspec.Meta(ge=1)]  # of training before the models' score counts
    thefts_weigh: Annotated[float, msgspec.Meta(gt=0)]  # an example of theft against one of a reader


class Policy(msgspec.Struct, frozen=True):
    """Everything the pipeline is told by people."""

    detections: Mapping[str, Detection]
    detection_of: tuple[str, ...]  # by measure, an id
    budget: Budget
    training: Training
    prior: tuple[tuple[float, float, float, float], ...]  # by measure, then evidence, then trees
    hash: str  # of the files, 12 hexadecimal digits

    @property
    def alerts_per_day(self) -> float:
        return self.budget.alerts_per_day

    @property
    def guard(self) -> float:
        return self.budget.guard

    @property
    def trees_handicap(self) -> float:
        return self.budget.trees_handicap


def load_policy(directory: Path | None = None, *, alerts_per_day: float | None = None) -> Policy:
    """Read the policies that ship with journalguard, overlaid by a site's own folder.

    Raises PolicyError naming the file and the mend.
    """
    texts = _texts(directory)
    detections = {}
    for name, text in texts.items():
        if name not in FILES:
            found = _convert(name, text, Detection)
            if found.id in detections:
                raise PolicyError(f"policy {name}: id {found.id} stands in another file too; choose another")
            detections[found.id] = found
    budget = _convert("budget.toml", texts["budget.toml"], Budget)
    if alerts_per_day is not None:
        budget = msgspec.structs.replace(budget, alerts_per_day=float(alerts_per_day))
    if not 0 < budget.alerts_per_day <= MOST_ALERTS:
        raise PolicyError(
            f"budget.toml: alerts_per_day must be more than 0 and at most {MOST_ALERTS:,}; "
            "say how many alerts can be read a day"
        )
    digest = hashlib.sha256("\0".join(f"{n}\0{t}" for n, t in sorted(texts.items())).encode())
    digest.update(repr(budget.alerts_per_day).encode())
    return Policy(
        detections=dict(sorted(detections.items())),
        detection_of=_assign(detections),
        budget=budget,
        training=_training(texts["training.toml"]),
        prior=_prior(texts["prior.toml"]),
        hash=digest.hexdigest()[:12],
    )


def _texts(directory: Path | None) -> dict[str, str]:
    own = files("service.policy")
    found = {
        p.name: p.read_text("utf-8") for p in own.joinpath("detections").iterdir() if p.name.endswith(".toml")
    }
    for name in FILES:
        found[name] = own.joinpath(name).read_text("utf-8")
    if directory is not None and directory.is_dir():
        for path in sorted(directory.glob("*.toml")):
            try:
                found[path.name] = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise PolicyError(f"{path}: cannot be read ({error}); mend or remove the file") from error
    return found


def _parse(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"policy {name}: not valid TOML: {error}") from error


def _convert(name: str, text: str, kind: type[T]) -> T:
    try:
        return msgspec.convert(_parse(name, text), kind, strict=False)
    except msgspec.ValidationError as error:
        raise PolicyError(
            f"policy {name}: {error}; compare it with the file of that name that ships"
        ) from error


def _training(text: str) -> Training:
    training = _convert("training.toml", text, Training)
    unknown = sorted(set(training.families) - set(FAMILIES))
    if unknown or not training.families:
        raise PolicyError(
            f"policy training.toml: families: unknown {', '.join(unknown) or 'nothing'}; "
            f"give some of {', '.join(FAMILIES)}"
        )
    return training


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


def _prior(text: str) -> tuple[tuple[float, float, float, float], ...]:
    quantiles = _parse("prior.toml", text)
    rows = []
    for name in (*(m.name for m in M), "EVIDENCE", "TREES"):
        try:
            row = msgspec.convert(quantiles.get(name), tuple[Quantile, Quantile, Quantile, Quantile])
        except msgspec.ValidationError as error:
            raise PolicyError(f"policy prior.toml: {name}: {error}; give four rising numbers >= 0") from error
        if not all(low <= high for low, high in pairwise(row)):
            raise PolicyError(f"policy prior.toml: {name} needs four rising numbers, got {list(row)}")
        rows.append(row)
    return tuple(rows)
