"""What a site's policy says otherwise than the one that ships, in plain words. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from service.kernel.measures import M
from service.policy.model import AFTER_MEASURES, Detection, Policy

_SHARES = ("2", "10", "100", "1,000")  # one in so many account-days reaches each number of the prior


def differences(shipped: Policy, here: Policy) -> tuple[str, ...]:
    """A sentence for everything that differs; none where the two say the same."""
    return (
        *_settings(shipped, here),
        *_detections(shipped, here),
        *_owners(shipped, here),
        *_prior(shipped, here),
        *_readers(shipped, here),
    )


def _settings(shipped: Policy, here: Policy) -> Iterator[str]:
    for word, old, new in (
        ("budget", shipped.budget, here.budget),
        ("training", shipped.training, here.training),
    ):
        for name in old.__struct_fields__:
            ours, theirs = getattr(old, name), getattr(new, name)
            if ours != theirs:
                yield f"{word}: {name} is {_value(theirs)} here, {_value(ours)} as shipped"


def _value(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value:g}"


def _detections(shipped: Policy, here: Policy) -> Iterator[str]:
    for name, detection in here.detections.items():
        if name in shipped.detections:
            yield from _changed(shipped.detections[name], detection)
        else:
            yield f"{name}: a detection of this site, {detection.severity}: {detection.title}"
    for name in shipped.detections.keys() - here.detections.keys():
        yield f"{name}: is shipped and not here"


def _changed(ours: Detection, theirs: Detection) -> Iterator[str]:
    for name in ours.__struct_fields__:
        if name != "measures" and (old := getattr(ours, name)) != (new := getattr(theirs, name)):
            yield f"{theirs.id}: {name} {_changed_value(old, new)}"


def _changed_value(old: Any, new: Any) -> str:
    if isinstance(new, str):
        return f"is “{new}” here, “{old}” as shipped"
    added, gone = _only(new, old), _only(old, new)
    parts = [
        f"new here: {'; '.join(added)}" if added else "",
        f"shipped and not here: {'; '.join(gone)}" if gone else "",
    ]
    return "; ".join(part for part in parts if part) or "come in another order"


def _only(these: Sequence[Any], those: Sequence[Any]) -> list[str]:
    return [f"“{each if isinstance(each, str) else each.says}”" for each in these if each not in those]


def _owners(shipped: Policy, here: Policy) -> Iterator[str]:
    for measure, ours, theirs in zip(M, shipped.detection_of, here.detection_of, strict=True):
        if ours != theirs:
            yield f"{measure.name}: told by {theirs} here, by {ours} as shipped"


def _prior(shipped: Policy, here: Policy) -> Iterator[str]:
    names = (*(m.name for m in M), *AFTER_MEASURES)
    for name, ours, theirs in zip(names, shipped.prior, here.prior, strict=True):
        for share, old, new in zip(_SHARES, ours, theirs, strict=True):
            if old != new:
                yield f"prior: one in {share} account-days reaches {name} {new:g} here, {old:g} as shipped"


def _readers(shipped: Policy, here: Policy) -> Iterator[str]:
    """How many, not who: a comparison may be handed on."""
    for name in shipped.readers.__struct_fields__:
        if (theirs := getattr(here.readers, name)) != getattr(shipped.readers, name):
            yield f"readers: {len(theirs)} are named as {name} here"
