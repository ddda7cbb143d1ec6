"""Thefts on copies of accounts: the same from anywhere, and nothing real is touched."""

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from service.attacks import families as thieves
from service.attacks.families import Dice, carry_out
from service.kernel.input_rows import EVENT
from service.kernel.measures import K, M
from service.kernel.moments import as_examples
from service.kernel.training_rows import READER, Examples, mixed
from service.learning import attack_injection
from service.learning.attack_injection import merge_shadows
from service.learning.day_summary import Shadows
from service.pipeline.site_pipeline import Pipeline
from service.policy import load_policy
from service.records.commands import Act, Order
from tests.service.worlds import POLICY, TODAY, library

STREAM = library(days=3, readers=20)
OWN, KNOWN = np.array([11, 12], np.uint32), np.array([11, 12, 13, 14], np.uint32)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    made = Pipeline(POLICY)
    made.absorb(STREAM)
    return made


def shadowed(pipeline: Pipeline, day: int = TODAY + 2) -> Examples:
    return pipeline._share.sums(day, 0).shadows.thefts


def states_of(pipeline: Pipeline) -> tuple[NDArray[np.void], NDArray[np.uint64]]:
    """(n,) each."""
    states = pipeline._share._states
    return states.array[: len(states.names)], states.ids


def test_thefts_come_from_the_accounts_of_the_lowest_hashes(pipeline: Pipeline) -> None:
    keys, families, _, positions = shadowed(pipeline).columns()
    ids = pipeline._share._states.ids
    assert set(keys.tolist()) <= set(mixed(ids, TODAY + 2).tolist())
    assert len(set(families.tolist())) > 3
    assert READER not in families
    assert positions.shape == (len(keys), K)
    assert max(np.unique(keys, return_counts=True)[1]) <= POLICY.training.moments
    assert (positions[:, M.REQUESTS_1H] > 0).all()


def test_another_day_is_another_draw(pipeline: Pipeline) -> None:
    assert shadowed(pipeline) == shadowed(pipeline)
    assert shadowed(pipeline) != shadowed(pipeline, TODAY + 3)


def test_shadows_leave_no_trace(pipeline: Pipeline) -> None:
    states = pipeline._share._states
    before, tables = states.array.tobytes(), pipeline._site.table.tobytes()
    counters, names = dict(pipeline.counters), list(states.names)
    shadowed(pipeline)
    assert states.array.tobytes() == before
    assert pipeline._site.table.tobytes() == tables
    assert (dict(pipeline.counters), states.names) == (counters, names)


@pytest.mark.parametrize("known", [1, 20, 1_000])
def test_shadows_of_parts_are_those_of_the_whole(pipeline: Pipeline, known: int) -> None:
    states, ids = states_of(pipeline)
    training = msgspec.structs.replace(POLICY.training, shadows=5)
    policy = msgspec.structs.replace(POLICY, training=training)

    def offered(slots: NDArray[np.intp], day: int) -> Shadows:
        chosen = slots[attack_injection.lowest(ids[slots], day, 5, known)]
        return attack_injection.walked(day, 0, states[chosen], ids[chosen], pipeline._site, policy)

    for day in range(TODAY, TODAY + 20):
        whole = offered(np.arange(len(ids)), day)
        parts = [offered(np.arange(at, len(ids), 3), day) for at in range(3)]
        assert merge_shadows(parts, 5) == whole


def test_a_shadow_of_which_nothing_was_seen_takes_the_place_of_another() -> None:
    def offered(*keys: int, silent: int = 0) -> Shadows:
        seen = [as_examples(key, [(0, [1.0] * K)], 0) for key in keys if key != silent]
        return Shadows(np.array(keys, "<u8").tobytes(), Examples.joined(seen))

    merged = merge_shadows([offered(1, 5, silent=1), offered(3, 7)], 2)
    assert merged == offered(1, 3, silent=1)


def test_of_a_restricted_reader_nothing_is_learnt(pipeline: Pipeline) -> None:
    share = Pipeline(POLICY)
    share.absorb(STREAM)
    account = share._share._states.names[0]
    key = mixed(share._share._states.ids[:1], TODAY + 2)
    drawn = np.frombuffer(share._share.sums(TODAY + 2, 0).shadows.drawn, "<u8")
    share._share.obey(Order(Act.RESTRICT, account))
    after = share._share.sums(TODAY + 2, 0)
    assert set(drawn.tolist()) - set(np.frombuffer(after.shadows.drawn, "<u8").tolist()) == set(key.tolist())
    assert after.known == len(drawn) - 1


@pytest.mark.parametrize("family", thieves.FAMILIES)
def test_every_family_makes_rows_in_time_order(family: str) -> None:
    for seed in range(20):
        dice = Dice(np.random.default_rng(seed))
        sittings = list(thieves.FAMILIES[family](dice))
        theft = carry_out(sittings, dice, OWN, KNOWN, lambda key: 0.5 if key == 11 else 0.0)
        assert theft.events.dtype == EVENT
        assert (np.diff(theft.times) >= 0).all()
        assert len(theft.events) == len(theft.times) == len(theft.whats)
        assert theft.whats["p_platform"][theft.whats["platform"] == 11].min(initial=0.5) == 0.5
        documents = theft.events["document"] > 0
        assert (theft.whats["document"][theft.events["what"]][documents] > 0).all()


def test_on_the_first_day_nobody_is_shadowed() -> None:
    pipeline = Pipeline(POLICY)
    pipeline.absorb(STREAM[:5])
    assert pipeline._share.sums(TODAY, 0).shadows == Shadows()


def test_families_left_out_are_not_taught(pipeline: Pipeline) -> None:
    training = msgspec.structs.replace(load_policy().training, families=("burst", "drip"))
    policy = msgspec.structs.replace(POLICY, training=training)
    made = attack_injection.walked(TODAY, 0, *states_of(pipeline), pipeline._site, policy).thefts
    names = list(thieves.FAMILIES)
    assert {names[f] for f in made.columns()[1].tolist()} == {"burst", "drip"}
