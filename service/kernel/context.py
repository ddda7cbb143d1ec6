"""What a moment is seen against: whose account it is and how it usually reads, as numbers for the models.

Rare readers, readers abroad and behind VPNs look like thieves to every measure of novelty. A model that is
told who reads can tell them apart.
"""

import numpy as np
from numpy.typing import NDArray

from models.scale import BINS, BINS_PER_E
from service.kernel.account_record import BIN_UNIT
from service.kernel.measures import M
from service.kernel.peer_groups import locality
from service.records.events import NetworkKind

USUAL = (
    M.DOCS_1H, M.DOCS_1D, M.DOCS_7D, M.REQUESTS_1H, M.PLATFORMS_1H, M.PDF_ONLY, M.NETWORKS_1D, M.OWNERS_1D,
    M.COUNTRIES_1D, M.DOCS_NEW_NETWORK_1D, M.DOCS_HOSTING_1D, M.DOCS_JOINT_1D, M.DOCS_NEW_PLATFORM_1D,
)  # fmt: skip
OF_STATE = (
    "class",
    "locality",
    "active days",
    "days since first seen",
    "history",
    "asleep",
    "networks",
    "owners",
)
C = len(OF_STATE) + len(USUAL) + len(NetworkKind)


def context(states: NDArray[np.void], home: int) -> NDArray[np.uint16]:
    """Of each state (n,): (n, C) on the common scale of histograms, in 1/256."""
    n = len(states)
    age = np.where(states["first_time"] > 0, (states["last_time"] - states["first_time"]) / 86_400.0, 0.0)
    counts = np.stack(
        [
            states["rank"], locality(states, home), states["active_days"], np.maximum(age, 0.0),
            states["history"], states["asleep"],
            ((states["networks"]["key"] != 0) & (states["networks"]["days"] > 0)).sum(axis=1),
            ((states["owners"]["key"] != 0) & (states["owners"]["days"] > 0)).sum(axis=1),
        ],
        axis=1,
    ).astype(np.float64)  # fmt: skip
    kinds = (states["kinds"][:, None].astype(np.int64) >> np.arange(len(NetworkKind))) & 1
    numbers = np.concatenate([counts, kinds], axis=1)
    at = np.minimum(BINS_PER_E * np.log1p(numbers), BINS - 1.001) * BIN_UNIT
    usual = states["usual"][:, [int(m) for m in USUAL]].reshape(n, len(USUAL))
    found: NDArray[np.uint16] = np.concatenate(
        [at[:, : len(OF_STATE)], usual, at[:, len(OF_STATE) :]], axis=1
    ).astype(np.uint16)
    return found
