"""Families told apart from readers, and the ways a linear model goes wrong."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from river.linear_model import LogisticRegression
from river.optim import AdaGrad
from river.optim.losses import Log

from models import terms
from models.classifiers import (
    INTERCEPT_RATE,
    L2,
    NO_THEFT,
    RATE,
    SOME_THEFT,
    Classifiers,
    ClassifiersSnapshot,
    OneRate,
    combined_logit,
)
from models.scale import BINS

K, G, C = 4, 4, 2
GROUP_OF = np.arange(G)
TABLE = np.tile(np.minimum(np.arange(BINS) / 10.0, 16.0).astype(np.float32), (K, 1))  # surprise 16 at 160


def row(*surprises: float, who: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.float64]:
    out = np.zeros(terms.count(K, G, C))
    terms.fill(np.array(surprises) * 10.0, TABLE, GROUP_OF, np.zeros(G), np.array(who), out)
    return out


@pytest.fixture(scope="module")
def taught() -> Classifiers:
    """Thieves are strange in the first two measures together; readers in any single one."""
    rng = random.Random(1)
    models = Classifiers(["both", "other"], terms.count(K, G, C), terms.context_from(K, G), 5.0)
    for _ in range(12):
        rows, families = [], []
        for _ in range(40):
            values = [rng.uniform(0, 2) for _ in range(K)]
            thief = rng.random() < 0.3
            if thief:
                values[:2] = [rng.uniform(4, 8), rng.uniform(4, 8)]
            else:
                values[rng.randrange(K)] = rng.uniform(2, 9)
            rows.append(row(*values))
            families.append(0 if thief else -1)
        models.learn(np.array(rows), families)
    return models


def test_terms_are_surprises_hinges_and_products_of_groups() -> None:
    made = row(1.0, 3.0, 5.0, 9.0)
    assert made[:4].tolist() == pytest.approx([0.25, 0, 0, 0])
    assert made[4:8].tolist() == pytest.approx([0.75, 0.25, 0, 0])
    assert made[12:16].tolist() == pytest.approx([2.25, 1.75, 1.1, 0.25], abs=1e-5)
    products = made[K * 4 : K * 4 + 6]
    assert len(products) == 6
    assert products[-1] == pytest.approx(0.5 * 5.0 * 8.0 / 16)


def test_a_combination_is_told_from_its_parts(taught: Classifiers) -> None:
    both = taught.score(row(6, 6, 1, 1))
    parts = (row(8, 1, 1, 1), row(1, 8, 1, 1), row(1, 1, 8, 1))
    assert both > max(taught.score(part) for part in parts)


def test_a_blatant_theft_scores_no_less_than_a_modest_one(taught: Classifiers) -> None:
    """Of several strange groups none pulls another down by their product."""
    assert taught.score(row(16, 16, 1, 1)) >= taught.score(row(6, 6, 1, 1))
    assert (taught._average[:, 1 : 1 + terms.context_from(K, G)] >= 0).all()


@given(st.lists(st.floats(0, 16), min_size=K, max_size=K), st.integers(0, K - 1), st.floats(0, 16))
def test_nothing_unusual_speaks_for_a_reader(
    taught: Classifiers, surprises: list[float], at: int, more: float
) -> None:
    louder = [min(16.0, s + more) if n == at else s for n, s in enumerate(surprises)]
    for who in ((0.0, 0.0), (17.0, 0.0), (17.0, 27.0)):
        assert taught.score(row(*louder, who=who)) >= taught.score(row(*surprises, who=who)) - 1e-6


def test_the_context_may_speak_for_a_reader() -> None:
    """Strangers are strange where everyone is: of these only those at home are thieves."""
    rng = random.Random(2)
    models = Classifiers(["any"], terms.count(K, G, C), terms.context_from(K, G), 5.0)
    for _ in range(12):
        thieves = [rng.random() < 0.3 for _ in range(40)]
        rows = [row(*(rng.uniform(3, 6) for _ in range(K)), who=(0.0, 0.0 if t else 24.0)) for t in thieves]
        models.learn(np.array(rows), [0 if t else NO_THEFT for t in thieves])
    assert models.score(row(5, 5, 5, 5)) > models.score(row(5, 5, 5, 5, who=(0.0, 24.0))) + 12


def test_a_family_without_examples_stays_silent(taught: Classifiers) -> None:
    alone = Classifiers(["other"], terms.count(K, G, C), terms.context_from(K, G), 5.0)
    rows = np.array([row(float(n % 5), 1, 1, 1) for n in range(400)])
    alone.learn(rows, [-1] * 400)
    assert alone.score(row(3, 1, 1, 1)) < taught.score(row(6, 6, 1, 1))


def test_days_of_training_are_counted(taught: Classifiers) -> None:
    assert taught.days == 12
    assert Classifiers.from_snapshot(taught.snapshot()).days == 12


def test_a_theft_of_no_known_family_teaches_the_one_that_it_is_likest(taught: Classifiers) -> None:
    again = Classifiers.from_snapshot(taught.snapshot())
    new = row(5, 5, 3, 1)
    for _ in range(5):
        again.learn(np.array([new] * 5), [SOME_THEFT] * 5)
    assert again.score(new) > taught.score(new)
    before, after = (dict(models._learners[1].weights) for models in (taught, again))
    assert after == before, "the other family has learnt nothing"


def test_what_was_found_to_be_no_theft_is_scored_less(taught: Classifiers) -> None:
    again = Classifiers.from_snapshot(taught.snapshot())
    false_alarm = row(7, 7, 1, 9)
    for _ in range(5):
        again.learn(np.array([false_alarm] * 5), [NO_THEFT] * 5)
    assert again.score(false_alarm) < taught.score(false_alarm)


def test_one_night_does_not_turn_everything(taught: Classifiers) -> None:
    """A day's examples move what scores by a fifth of the way; the learners themselves went all of it."""
    again = Classifiers.from_snapshot(taught.snapshot())
    again.learn(np.array([row(1, 1, 9, 9)] * 50), [0] * 50)
    step = again._average - taught._average
    assert step == pytest.approx(0.2 * (again._newest() - taught._average))


def test_what_fades_can_be_learnt_anew(taught: Classifiers) -> None:
    """The same examples move a learner farther whose earlier ones count less."""
    moved = []
    for fade in (1.0, 0.5):
        again = Classifiers.from_snapshot(taught.snapshot())
        again.learn(np.array([row(1, 1, 9, 9)] * 5), [0] * 5, fade=fade)
        moved.append(abs(again._newest() - taught._newest()).sum())
    assert moved[1] > moved[0]


def test_what_a_release_before_the_average_saved_scores_by_its_newest_weights(taught: Classifiers) -> None:
    saved = msgspec.msgpack.decode(taught.snapshot(), type=ClassifiersSnapshot)
    families = tuple(msgspec.structs.replace(family, average=b"") for family in saved.families)
    old = Classifiers.from_snapshot(msgspec.msgpack.encode(msgspec.structs.replace(saved, families=families)))
    assert old._average == pytest.approx(taught._newest())


def test_the_optimizer_steps_as_rivers_own_to_the_bit(taught: Classifiers) -> None:
    """Step after step, over terms that come and go, also going on from a snapshot."""
    rng = random.Random(2)
    again = Classifiers.from_snapshot(taught.snapshot())._learners[0]
    river = LogisticRegression(AdaGrad(RATE), Log(weight_pos=5.0), l2=L2, intercept_lr=INTERCEPT_RATE)
    river.intercept = again.intercept
    river._weights = type(river._weights)(again.weights, river.initializer)
    river.optimizer.g2.update(again.optimizer.g2)
    assert isinstance(again.optimizer, OneRate)
    for _ in range(500):
        example = {rng.randrange(40): rng.expovariate(1.0) for _ in range(8)}
        theft = rng.random() < 0.3
        for learner in (again, river):
            learner.learn_one(example, theft)
        assert list(again.weights.items()) == list(river.weights.items()), "also in their order"
        assert again.optimizer.g2 == river.optimizer.g2
        assert again.intercept == river.intercept


def test_scoring_cleans_terms_as_learning_does(taught: Classifiers) -> None:
    strange = row(6, 6, 1, 1)
    strange[:5] = [np.nan, np.inf, -np.inf, -1.0, 1e9]
    clean = strange.copy()
    clean[:5] = [0.0, 20.0, 0.0, 0.0, 20.0]
    assert combined_logit(strange, taught._average) == combined_logit(clean, taught._average)
    again, other = (Classifiers.from_snapshot(taught.snapshot()) for _ in range(2))
    again.learn(np.array([strange]), [0])
    other.learn(np.array([clean]), [0])
    assert again.snapshot() == other.snapshot()
