"""One River logistic regression per family of theft over the terms of a moment, joined by log-sum-exp.

Each learns its own family's examples against readers'; most readers' days are plain to it and skipped, so
that it spends itself on those it takes for theft. River learns; a dense copy of the weights scores, compiled.

What scores is an average of the last days' weights: one night's examples alone must not make a crowd of
readers into suspects by the morning.

Weights of what is unusual, and of its products, are kept from falling below zero: else a moment at which
everything is strange at once, a blatant theft, would score less than one at which only half of it is. What
speaks for a reader is the context.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numba import njit
from numpy.typing import NDArray
from river.linear_model import LogisticRegression
from river.optim import AdaGrad
from river.optim.base import DictLike
from river.optim.losses import Log

from models.scale import BINS

RATE, L2, INTERCEPT_RATE = 0.05, 1e-5, 0.01
PLAIN = 0.02  # probability below which a reader's example is learnt only now and then,
NOW_AND_THEN = 20  # one in so many
STEP = 0.2  # of the average towards a day's weights
NO_THEFT, SOME_THEFT = -1, -2  # in place of the index of a family
MOST_TERM = 20.0
LOWEST, PER_UNIT = -8.0, 12.0  # logit of position 0 on the common scale of histograms, and bins for each unit


class OneFamily(msgspec.Struct, frozen=True):
    """A learner's memory. Weights keep their order, in which River sums them."""

    name: str
    intercept: float
    terms: bytes  # i4 (n,)
    weights: bytes  # f8 (n,)
    steps: tuple[bytes, bytes]  # of AdaGrad: terms i4 (m,), sums of squares f8 (m,)
    average: bytes = b""  # f8 (1 + T,): intercept and weights that score; in earlier releases the newest did


class ClassifiersSnapshot(msgspec.Struct, frozen=True):
    """All learners."""

    terms: int
    days: int  # of training
    thefts_weigh: float
    families: tuple[OneFamily, ...]
    floored: int = 0  # in earlier releases other weights were


class OneRate(AdaGrad):  # type: ignore[misc]  # River is not typed
    """River's AdaGrad to the bit, but it asks for its rate once a step, not once for every term."""

    def _step_with_dict(self, w: DictLike, g: DictLike) -> DictLike:
        rate, eps, squares = self.learning_rate, self.eps, self.g2
        for term, slope in g.items():
            squares[term] = square = squares[term] + slope**2
            w[term] -= rate / (square + eps) ** 0.5 * slope
        return w


class Classifiers:
    """``score`` then ``learn``."""

    def __init__(self, names: Sequence[str], terms: int, floored: int, thefts_weigh: float) -> None:
        """Weights of the first ``floored`` of ``terms`` never fall below zero."""
        self.days = 0
        self._names, self._terms, self._floored = tuple(names), terms, floored
        self._thefts_weigh = thefts_weigh
        self._learners = [self._fresh() for _ in names]
        self._average = np.zeros((len(names), 1 + terms))

    def _fresh(self) -> LogisticRegression:
        loss = Log(weight_pos=self._thefts_weigh, weight_neg=1.0)
        return LogisticRegression(OneRate(RATE), loss=loss, l2=L2, intercept_lr=INTERCEPT_RATE)

    def _newest(self) -> NDArray[np.float64]:
        """The learners' intercepts and weights, (F, 1 + T)."""
        dense = np.zeros_like(self._average)
        for row, learner in zip(dense, self._learners, strict=True):
            row[0] = float(learner.intercept)
            for term, weight in learner.weights.items():
                row[1 + term] = weight
        return dense

    def score(self, terms: NDArray[np.float64]) -> float:
        """Where terms (T,) fall on the common scale of histograms: a logit, shifted and stretched."""
        logit: float = combined_logit(terms, self._average)
        return min(max((logit - LOWEST) * PER_UNIT, 0.0), BINS - 1.001)

    def learn(self, rows: NDArray[np.float64], families: Sequence[int], *, fade: float = 1.0) -> None:
        """A day's examples, terms (n, T), in order; ``NO_THEFT`` and ``SOME_THEFT`` stand for a family.

        A theft of no known family is learnt as one of the family that it is likeliest to be of. ``fade`` is
        what earlier days count: AdaGrad's steps shrink with all that was learnt, and by it they grow again.
        """
        for learner in self._learners:
            squares = learner.optimizer.g2
            squares.update({term: fade * square for term, square in squares.items()})
        for number, (row, family) in enumerate(zip(_clean(rows), families, strict=True)):
            used = np.flatnonzero(row)
            terms = dict(zip(used.tolist(), row[used].tolist(), strict=True))
            if family == SOME_THEFT:
                self._likeliest(terms).learn_one(terms, True)
            for index, learner in enumerate(self._learners):
                if family == index:
                    learner.learn_one(terms, True)
                elif family == NO_THEFT and self._worth_it(learner, terms, number + index):
                    learner.learn_one(terms, False)
        for learner in self._learners:
            weights = learner.weights
            _set_weights(learner, {t: max(w, 0.0) if t < self._floored else w for t, w in weights.items()})
        self.days += 1
        self._average += max(STEP, 1.0 / self.days) * (self._newest() - self._average)

    def _likeliest(self, terms: dict[int, float]) -> LogisticRegression:
        return max(self._learners, key=lambda learner: learner.predict_proba_one(terms)[True])

    def _worth_it(self, learner: LogisticRegression, terms: dict[int, float], number: int) -> bool:
        turn = (number + self.days) % NOW_AND_THEN == 0
        return turn or bool(learner.predict_proba_one(terms)[True] >= PLAIN)

    def fits(self, other: "Classifiers") -> bool:
        """Do they see the same terms and know the same families?"""
        ours, theirs = ((c._terms, c._floored, c._names) for c in (self, other))
        return ours == theirs

    def snapshot(self) -> bytes:
        """Plain data."""
        families = tuple(
            OneFamily(
                name,
                float(one.intercept),
                *_packed(one.weights),
                _packed(one.optimizer.g2),
                average.astype("<f8").tobytes(),
            )
            for name, one, average in zip(self._names, self._learners, self._average, strict=True)
        )
        return msgspec.msgpack.encode(
            ClassifiersSnapshot(self._terms, self.days, self._thefts_weigh, families, self._floored)
        )

    @classmethod
    def from_snapshot(cls, blob: bytes) -> "Classifiers":
        """With the same scores and the same future."""
        saved = msgspec.msgpack.decode(blob, type=ClassifiersSnapshot)
        names = [family.name for family in saved.families]
        made = cls(names, saved.terms, saved.floored, saved.thefts_weigh)
        made.days = saved.days
        made._learners = [made._rebuilt(family) for family in saved.families]
        made._average = made._newest()
        for row, family in zip(made._average, saved.families, strict=True):
            if family.average:
                row[:] = np.frombuffer(family.average, "<f8")
        return made

    def _rebuilt(self, family: OneFamily) -> LogisticRegression:
        learner = self._fresh()
        learner.intercept = family.intercept
        _set_weights(learner, _unpacked(family.terms, family.weights))
        learner.optimizer.g2.update(_unpacked(*family.steps))
        return learner


@njit
def combined_logit(terms: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """log-sum-exp over the families' logits: terms (T,) as by `_clean`, intercepts and weights (F, 1 + T)."""
    top, total = -math.inf, 0.0
    for f in range(weights.shape[0]):
        logit = weights[f, 0]
        for t in range(terms.shape[0]):
            if terms[t] > 0.0:  # not NaN
                logit += weights[f, 1 + t] * min(terms[t], MOST_TERM)
        if logit > top:
            total = total * math.exp(top - logit) + 1.0
            top = logit
        else:
            total += math.exp(logit - top)
    return top + math.log(total)


def _set_weights(learner: LogisticRegression, weights: dict[int, float]) -> None:
    learner._weights = type(learner._weights)(weights, learner.initializer)


def _clean(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """One NaN would poison a learner for ever."""
    return np.minimum(np.where(terms > 0.0, terms, 0.0), MOST_TERM)


def _packed(values: dict[int, float]) -> tuple[bytes, bytes]:
    keys = np.fromiter(values.keys(), "<i4", len(values))
    return keys.tobytes(), np.fromiter(values.values(), "<f8", len(values)).tobytes()


def _unpacked(keys: bytes, values: bytes) -> dict[int, float]:
    pairs = zip(np.frombuffer(keys, "<i4").tolist(), np.frombuffer(values, "<f8").tolist(), strict=True)
    return dict(pairs)
