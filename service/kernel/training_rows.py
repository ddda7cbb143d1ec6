"""What models learn from: moments and account-days as positions of their measures, and whose they were.

Bounded and mergeable as all of a day's sums are: of all examples those of the lowest keys are kept, whoever
counted the parts.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.kernel.context import C
from service.kernel.measures import K

READER = 255  # in place of a family: no theft
STOLEN = 254  # a theft of which nobody says of what family


def mixed(ids: NDArray[np.uint64], day: int) -> NDArray[np.uint64]:
    """A number of account and day, evenly spread (splitmix64, Steele et al. 2014)."""
    x = ids + np.uint64(0x9E3779B97F4A7C15 * day & 0xFFFFFFFFFFFFFFFF)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class Examples(msgspec.Struct, frozen=True):
    """n examples, by ascending key; all of one account and day have one key."""

    keys: bytes = b""  # u8 (n,)
    families: bytes = b""  # u1 (n,): index in thieves.FAMILIES, or READER
    ranks: bytes = b""  # u1 (n,): activity class
    positions: bytes = b""  # u2 (n, K): of the measures on the common scale, in 1/256
    contexts: bytes = b""  # u2 (n, C): see service.kernel.context

    @classmethod
    def packed(
        cls,
        keys: NDArray[np.uint64],
        families: NDArray[np.uint8],
        ranks: NDArray[np.uint8],
        positions: NDArray[np.uint16],
        contexts: NDArray[np.uint16],
    ) -> "Examples":
        """From columns in any order; those of one key stay in theirs."""
        order = np.argsort(keys, kind="stable")
        return cls(
            keys[order].astype("<u8").tobytes(),
            families[order].tobytes(),
            ranks[order].tobytes(),
            positions[order].astype("<u2").tobytes(),
            contexts[order].astype("<u2").tobytes(),
        )

    @property
    def fits(self) -> bool:
        """Were these measures taken as this release takes them? Another may have had more."""
        n = len(self.families)
        return len(self.positions) == 2 * K * n and len(self.contexts) in (0, 2 * C * n)

    def labelled(self, key: int, family: int) -> "Examples":
        """The same moments under another key, as what somebody found them to be."""
        n = len(self.families)
        return msgspec.structs.replace(
            self, keys=np.full(n, key, "<u8").tobytes(), families=np.full(n, family, np.uint8).tobytes()
        )

    def columns(
        self,
    ) -> tuple[
        NDArray[np.uint64], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint16], NDArray[np.uint16]
    ]:
        """keys, families, ranks, positions, contexts."""
        return (
            np.frombuffer(self.keys, "<u8").astype(np.uint64),
            np.frombuffer(self.families, np.uint8),
            np.frombuffer(self.ranks, np.uint8),
            np.frombuffer(self.positions, "<u2").astype(np.uint16).reshape(-1, K),
            self._contexts(),
        )

    def _contexts(self) -> NDArray[np.uint16]:
        """Nothing is known of those that were kept by an earlier release."""
        if not self.contexts:
            return np.zeros((len(self.families), C), np.uint16)
        return np.frombuffer(self.contexts, "<u2").astype(np.uint16).reshape(-1, C)

    @classmethod
    def concatenated(cls, parts: Sequence["Examples"]) -> "Examples":
        """All of the parts."""
        if not parts:
            return cls()
        every = [p.columns() for p in parts]
        return cls.packed(
            np.concatenate([keys for keys, _, _, _, _ in every]),
            np.concatenate([families for _, families, _, _, _ in every]),
            np.concatenate([ranks for _, _, ranks, _, _ in every]),
            np.concatenate([positions for _, _, _, positions, _ in every]),
            np.concatenate([contexts for _, _, _, _, contexts in every]),
        )

    def among(self, keys: NDArray[np.uint64]) -> "Examples":
        """Those with one of the keys."""
        ours, families, ranks, positions, contexts = self.columns()
        kept = np.isin(ours, keys)
        return self.packed(ours[kept], families[kept], ranks[kept], positions[kept], contexts[kept])

    def lowest(self, most: int) -> "Examples":
        """Those of the ``most`` lowest keys."""
        return self.among(np.unique(self.columns()[0])[:most])
