"""Thefts carried out: sittings of a thief to kernel rows. Numbers only, no URLs and no lines."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.attacks.families import Draws
from service.attacks.sittings import MOST_FETCHES, SessionPlan
from service.kernel.input_rows import EVENT, LOGIN_FAILED, LOGIN_OK, PAGE, READING, WHAT


class TheftRows(NamedTuple):
    """Kernel rows of one theft, in time order; ``times`` are s after the theft's midnight."""

    events: NDArray[np.void]  # EVENT; time and local still 0, `where` as in the sittings
    whats: NDArray[np.void]  # WHAT
    times: NDArray[np.float64]


def render(
    sittings: Sequence[SessionPlan],
    draws: Draws,
    own: NDArray[np.uint32],
    known: NDArray[np.uint32],
    p_platform: Callable[[int], float],
) -> TheftRows:
    """The rows of all sittings; ``own`` and ``known`` are platforms of the account and of the site."""
    sessions = draws.rng.integers(1, 2**32, len(sittings) + 64, dtype=np.uint32)
    drawn = [_drawn(sitting, draws, own, known) for sitting in sittings]
    times, kinds, platforms, failed, sizes, documents, journals, sequences = (
        np.concatenate(column) for column in zip(*drawn, strict=True)
    )
    which = np.repeat(np.arange(len(sittings)), [len(one.times) for one in drawn])
    whats, events = np.zeros(len(times), WHAT), np.zeros(len(times), EVENT)
    whats["kind"], whats["platform"] = kinds, platforms
    whats["document"], whats["journal"], whats["sequence"] = documents, journals, sequences
    shares = {key: p_platform(key) for key in set(platforms.tolist())}
    whats["p_platform"] = [shares[key] for key in platforms.tolist()]
    events["what"] = np.arange(len(events))
    events["where"] = np.array([s.where for s in sittings])[which]
    of = [n + 64 if s.session < 0 else s.session for n, s in enumerate(sittings)]
    events["session"] = sessions[of][which]
    events["mb"] = sizes
    events["error"], events["document"] = failed, (kinds == READING) & ~failed
    order = np.argsort(times, kind="stable")
    return TheftRows(events[order], whats, times[order])


class _Drawn(NamedTuple):
    """What was drawn of the m rows of a sitting. Not yet in time order; each has a resource of its own."""

    times: NDArray[np.float64]  # s after the theft's midnight
    kinds: NDArray[np.uint8]  # of service.rows
    platforms: NDArray[np.uint32]
    failed: NDArray[np.bool_]
    sizes: NDArray[np.float64]  # MB
    documents: NDArray[np.int64]  # 0 none
    journals: NDArray[np.uint32]  # 0 none
    sequences: NDArray[np.int64]  # -1 none


def _drawn(sitting: SessionPlan, draws: Draws, own: NDArray[np.uint32], known: NDArray[np.uint32]) -> _Drawn:
    rng, n = draws.rng, min(max(1, sitting.fetches), MOST_FETCHES)
    at = sitting.start + np.cumsum(sitting.gap * np.exp(sitting.spread * rng.standard_normal(n)))
    of = _platforms(sitting, draws, own, known)[rng.integers(0, 1 << 30, n) % max(1, sitting.platforms)
                                               if sitting.platforms > 0 else np.arange(n)]  # fmt: skip
    looks = np.arange(n).repeat(rng.poisson(sitting.pages, n))
    tries = sitting.guesses + (sitting.guesses > 0)
    kinds = (
        np.full(n, READING if sitting.texts else PAGE),
        np.full(len(looks), PAGE),
        np.full(tries, LOGIN_FAILED),
    )
    kinds[2][-1:] = LOGIN_OK
    kind, rows = np.concatenate(kinds), n + len(looks) + tries
    journals = rng.integers(1, 2**32, 40, dtype=np.uint32)
    of_n = np.zeros(n, np.intp) if sitting.ordered else rng.integers(0, 40, n)
    nothing = np.zeros(rows - n, np.int64)
    texts = int(sitting.texts)
    return _Drawn(
        times=np.concatenate(
            [at, at[looks] - rng.uniform(1, 15, len(looks)), sitting.start - 8.0 * np.arange(tries)[::-1]]
        ),
        kinds=kind.astype(np.uint8),
        platforms=np.concatenate([of, of[looks], np.zeros(tries, np.uint32)]),
        failed=(rng.random(rows) < sitting.refused) & (kind <= READING),
        sizes=np.where(kind == READING, np.exp(0.9 * rng.standard_normal(rows)), 0.05),
        documents=np.concatenate([texts * rng.integers(1, 2**63, n), nothing]),
        journals=np.concatenate([texts * journals[of_n], nothing.astype(np.uint32)]).astype(np.uint32),
        sequences=np.concatenate(
            [np.arange(n) + 1000 if sitting.ordered else rng.integers(0, 4000, n), nothing - 1]
        ),
    )


def _platforms(
    sitting: SessionPlan, draws: Draws, own: NDArray[np.uint32], known: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Keys to choose from: the account's, those of the site, now and then one nobody uses."""
    count = sitting.platforms if sitting.platforms > 0 else max(1, sitting.fetches)
    if sitting.own and len(own):
        return own[draws.rng.integers(0, len(own), count)]
    drawn = draws.rng.integers(1, 2**32, count, dtype=np.uint32)
    for i, (mine, site) in enumerate(draws.rng.random((count, 2)).tolist()):
        if mine < 0.25 and len(own):
            drawn[i] = own[int(site * len(own))]
        elif mine < 0.97 and len(known):
            drawn[i] = known[int(site * site * len(known))]
    return drawn
