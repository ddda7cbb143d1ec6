"""What the kernel hands back: flags per event, and the moments the models must be asked about."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.scale import BINS, BINS_PER_E
from service.kernel.account_record import ACCOUNT, BIN_UNIT
from service.kernel.context import context
from service.kernel.measures import G, K
from service.kernel.training_rows import Examples

MOMENTS = 64  # at most in one go of the kernel; each carries a copy of the account's state


@dataclass(frozen=True, slots=True)
class Moment:
    """One account as it was right after one event."""

    states: NDArray[np.void]  # (1,) ACCOUNT
    evidence: float
    measures: Sequence[float]  # (K,)
    groups: Sequence[float]  # (G,)

    @property
    def state(self) -> np.void:
        """The account's."""
        found: np.void = self.states[0]
        return found


def as_examples(
    key: int, states: NDArray[np.void], measures: NDArray[np.float64], home: int, family: int
) -> Examples:
    """Of one account at n moments: its states (n,) and its measures (n, K)."""
    n = len(states)
    at = np.minimum(BINS_PER_E * np.log1p(np.where(measures > 0.0, measures, 0.0)), BINS - 1.001)
    return Examples.packed(
        np.full(n, key, np.uint64),
        np.full(n, family, np.uint8),
        states["rank"].copy(),
        (at * BIN_UNIT).astype(np.uint16),
        context(states, home),
    )


@dataclass(frozen=True, slots=True)
class KernelOutput:
    """The kernel's outputs for a batch of n events."""

    flags: NDArray[np.uint8]  # (n,)
    evidence: NDArray[np.float32]  # (n,)
    selected: NDArray[np.int32]  # (MOMENTS,), as are the rest
    states: NDArray[np.void]
    measures: NDArray[np.float64]
    groups: NDArray[np.float64]

    @classmethod
    def of(cls, n: int) -> "KernelOutput":
        return cls(
            flags=np.zeros(n, np.uint8),
            evidence=np.zeros(n, np.float32),
            selected=np.zeros(MOMENTS, np.int32),
            states=np.zeros(MOMENTS, ACCOUNT),
            measures=np.zeros((MOMENTS, K)),
            groups=np.zeros((MOMENTS, G)),
        )

    def moment(self, row: int) -> Moment:
        """The row-th moment of the last go."""
        return Moment(
            # Bytes are copied in a fraction of the time that numpy takes for a record of many fields.
            states=np.frombuffer(self.states[row : row + 1].tobytes(), ACCOUNT),
            evidence=float(self.evidence[self.selected[row]]),
            measures=self.measures[row].tolist(),
            groups=self.groups[row].tolist(),
        )
