"""Thefts on copies of accounts: the same from anywhere, and nothing real is touched."""

import msgspec
import numpy as np
import pytest

from service import shadows, thieves
from service.examples import READER, Examples, mixed
from service.measures import K, M
from service.pipeline import Pipeline
from service.policy import load_policy
from service.rows import EVENT
from service.sums import TABLES, DaySums, merge
from service.thieves import Dice, carry_out
from tests.service.worlds import POLICY, TODAY, library

STREAM = library(days=3, readers=20)
OWN, KNOWN = np.array([11, 12], np.uint32), np.array([11, 12, 13, 14], np.uint32)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    made = Pipeline(POLICY)
    made.absorb(STREAM)
    return made


def shadowed(pipeline: Pipeline, day: int = TODAY + 2) -> Examples:
    return pipeline._share.sums(day, 0).thefts


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


def test_parts_offer_their_lowest_and_the_site_keeps_its_own(pipeline: Pipeline) -> None:
    whole = shadowed(pipeline)
    states = pipeline._share._states
    policy = msgspec.structs.replace(POLICY, training=msgspec.structs.replace(POLICY.training, shadows=5))
    all_states = states.array[: len(states.names)]
    parts = []
    for part in (slice(0, 9), slice(9, None)):
        ids = states.ids[part]
        chosen = shadows.drawn(all_states[part], ids, TODAY + 2, 5)
        made = shadows.examples(TODAY + 2, 0, all_states[part][chosen], ids[chosen], pipeline._site, policy)
        seen = dict.fromkeys(TABLES, (b"", b""))
        parts.append(DaySums(TODAY + 2, seen=seen, thefts=made))
    merged = merge(parts, policy).thefts
    assert merged == Examples.joined([whole], 5)


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


def test_a_site_without_any_history_can_be_shadowed() -> None:
    pipeline = Pipeline(POLICY)
    pipeline.absorb(STREAM[:5])
    assert shadowed(pipeline, TODAY).columns()[0].size >= 0


def test_families_left_out_are_not_taught(pipeline: Pipeline) -> None:
    training = msgspec.structs.replace(load_policy().training, families=("burst", "drip"))
    policy = msgspec.structs.replace(POLICY, training=training)
    states = pipeline._share._states
    made = shadows.examples(TODAY, 0, states.array[: len(states.names)], states.ids, pipeline._site, policy)
    names = list(thieves.FAMILIES)
    assert {names[f] for f in made.columns()[1].tolist()} == {"burst", "drip"}
