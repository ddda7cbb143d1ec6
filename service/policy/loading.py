"""Reads policies: the files that ship, overlaid by a site's own; errors name file, line and mend."""

import hashlib
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from service.attacks.families import FAMILIES
from service.base.conversion import Fault, Trouble, faults
from service.base.errors import PolicyError
from service.base.toml import line_of
from service.kernel.measures import M
from service.policy.model import AFTER_MEASURES, MEMBERS, Budget, Detection, Policy, Readers, Training

SETTLED = ("budget.toml", "prior.toml", "readers.toml", "training.toml")  # every other file is a detection
Quantile = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
MOST_ALERTS = 10_000  # a day

T = TypeVar("T")


class PolicyFile(msgspec.Struct, frozen=True):
    """A policy file as it was read."""

    name: str  # of the file, under which it replaces the one that ships
    text: str
    path: str = ""  # of a site's own file

    def line(self, *path: str | int) -> str:
        """Say where the file is, with the line that sets a key if there is one."""
        place = self.path or f"policy {self.name}"
        line = line_of(self.text, path)
        return f"{place}, line {line}" if line else place


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
    prior = to_prior(sources["prior.toml"])
    digest.update(repr((budget.alerts_per_day, prior)).encode())
    return Policy(
        detections=dict(sorted(detections.items())),
        detection_of=_assign(detections),
        budget=budget,
        training=to_training(sources["training.toml"]),
        prior=prior,
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


def check_file(source: PolicyFile) -> None:
    """Check one file by itself. Raises PolicyError."""
    checks: dict[str, Callable[[PolicyFile], object]] = {
        "budget.toml": to_budget,
        "prior.toml": to_prior,
        "readers.toml": to_readers,
        "training.toml": to_training,
    }
    checks.get(source.name, to_detection)(source)


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
        raise PolicyError(f"{source.line()}: not valid TOML: {error}; mend that line") from error


def _convert(source: PolicyFile, kind: type[T]) -> T:
    values = _parse(source)
    for fault in faults(values, kind, strict=False):
        wrong = f"{source.line(*fault.path)}: {_sentence(fault)}"
        raise PolicyError(f"{wrong}; compare it with the file of that name that ships")
    return msgspec.convert(values, kind, strict=False)


def _sentence(fault: Fault) -> str:
    if fault.trouble is Trouble.MISSING:
        return f"{fault.field!r} is missing"
    if fault.trouble is Trouble.UNKNOWN:
        return f"unknown field {fault.field!r}"
    if fault.trouble is Trouble.NO_TABLE:
        return f"{fault.field}: is a table"
    return f"{fault.field}: {fault.plain_words}"


def _assign(detections: Mapping[str, Detection]) -> tuple[str, ...]:
    """Every measure belongs to exactly one detection."""
    owner: dict[str, str] = {}
    for detection in detections.values():
        for name in _measures(detection):
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


def _measures(detection: Detection) -> tuple[str, ...]:
    """The measures that a detection reads: those its file names, else those that name it."""
    if detection.measures is not None:
        return detection.measures
    return tuple(m.name for m in M if m.spec.detection == detection.id)


def to_readers(source: PolicyFile) -> Readers:
    return _convert(source, Readers)


def to_prior(source: PolicyFile) -> tuple[tuple[float, float, float, float], ...]:
    """The prior: of each measure what the file says, else what the measure says of itself."""
    quantiles = {m.name: m.spec.prior for m in M} | _parse(source)
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
