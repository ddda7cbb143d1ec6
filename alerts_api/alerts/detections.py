"""What the policies say of a detection: title, guide, known false positives, severity."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from alerts_api.storage.backend import DatabaseLocation, is_url
from service.policy.loading import load_policy
from service.policy.model import Detection, Policy

SEVERITIES = ("low", "medium", "high")
_UNKNOWN = "medium"  # of a detection that the policies in force no longer name


Detections = Mapping[str, Detection]


def severity_of(detections: Sequence[str], known: Detections) -> str:
    """The severity of the strongest of an alert's detections, which comes first."""
    return _severity(detections[0], known) if detections else SEVERITIES[0]


def of_severity(severity: str, known: Detections) -> tuple[bool, tuple[str, ...]]:
    """Which strongest detections make an alert one of ``severity``.

    Returns ``(inside, names)``: those in ``names`` if ``inside``, otherwise those not in ``names``,
    which also takes in detections that the policies in force no longer name.
    """
    inside = severity != _UNKNOWN
    return inside, tuple(name for name in known if (_severity(name, known) == severity) is inside)


def title_of(name: str, known: Detections) -> str:
    """The detection's title, or its bare id if the policies no longer have it."""
    return known[name].title if name in known else name


def site_policy(database: DatabaseLocation) -> Policy:
    """The policy in force at the site that ``database`` belongs to; of a server, the one we come with.

    Raises:
        service.base.errors.PolicyError: one of the site's own policy files cannot be read.
    """
    folder = None if is_url(database) else Path(database).parent / "policy"
    return load_policy(folder if folder and folder.is_dir() else None)


def _severity(name: str, known: Detections) -> str:
    severity = known[name].severity if name in known else _UNKNOWN
    return severity if severity in SEVERITIES else _UNKNOWN
