"""Versions of the learnt models: kept once a week, to be looked up, promoted again, or rolled back to.

A version is plain data: the classifiers and the trees as they were at the close of a day, with the policy
they were trained under and since when. A promotion takes effect at the close of a day, for the whole site.
"""

from collections.abc import Mapping

import msgspec

from models.classifiers import Classifiers
from models.detectors import Trees
from service.base.decoding import decoding_guard

PREFIX = "model/"
KEPT = 12
EVERY = 7  # days
VERSION = 1  # of the record


class Version(msgspec.Struct, frozen=True):
    """The learnt models as they were when a day had closed."""

    day: int  # newest day learnt, days since 1970; its name
    since: int  # first day learnt
    branch: int  # the version that was promoted last before, 0 for none
    policy: str  # version of the policy they were trained under
    classifiers: bytes
    trees: bytes
    v: int = VERSION

    def models(self) -> tuple[Classifiers, Trees]:
        """With the same scores and the same future."""
        return Classifiers.from_snapshot(self.classifiers), Trees.from_snapshot(self.trees)


def ring_slot(day: int) -> str:
    """Versions are kept in a ring of blobs."""
    return f"{PREFIX}{day // EVERY % KEPT:02d}"


def with_version(versions: Mapping[int, Version], new: Version) -> dict[int, Version]:
    """With a new one, which takes the place of the one in its slot."""
    return {**{day: v for day, v in versions.items() if ring_slot(day) != ring_slot(new.day)}, new.day: new}


def read_versions(shared: Mapping[str, bytes]) -> dict[int, Version]:
    """By day, oldest first, from a site's blobs. Raises StateError."""
    with decoding_guard("versions of the models"):
        decoder = msgspec.msgpack.Decoder(Version)
        found = [decoder.decode(blob) for name, blob in shared.items() if name.startswith(PREFIX) and blob]
    return {version.day: version for version in sorted(found, key=lambda version: version.day)}
