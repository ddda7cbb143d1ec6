"""Thefts on copies of accounts: the same from anywhere, and nothing real is touched."""

from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.attacks.execution import render
from service.attacks.families import FAMILIES, Draws, drawn, family
from service.attacks.sittings import MOST_DAYS, OWN, session_plans
from service.kernel.account_record import ACCOUNT
from service.kernel.context import C
from service.kernel.input_rows import EVENT, LOGIN_FAILED
from service.kernel.measures import K, M
from service.kernel.moments import as_examples
from service.kernel.training_rows import READER, Examples, mixed
from service.learning import attack_injection
from service.learning.attack_injection import merge_injected
from service.learning.day_summary import InjectedAttacks
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.records.commands import Command, CommandKind
from tests.service.factories import POLICY, TODAY, library, shifted

STREAM = library(days=3, readers=20)
MINE, KNOWN = np.array([11, 12], np.uint32), np.array([11, 12, 13, 14], np.uint32)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    made = Pipeline(POLICY)
    made.absorb(STREAM)
    return made


def shadowed(pipeline: Pipeline, day: int = TODAY + 2) -> Examples:
    return pipeline._shard.summary(day, 0).injected.thefts


def states_of(pipeline: Pipeline) -> tuple[NDArray[np.void], NDArray[np.uint64]]:
    """(n,) each."""
    states = pipeline._shard._states
    return states.array[: len(states.names)], states.ids


def test_thefts_come_from_the_accounts_of_the_lowest_hashes(pipeline: Pipeline) -> None:
    keys, families, _, positions, contexts = shadowed(pipeline).columns()
    ids = pipeline._shard._states.ids
    assert set(keys.tolist()) <= set(mixed(ids, TODAY + 2).tolist())
    assert len(set(families.tolist())) > 3
    assert READER not in families
    assert positions.shape == (len(keys), K)
    assert max(np.unique(keys, return_counts=True)[1]) <= POLICY.training.moments
    assert contexts.shape == (len(keys), C)
    assert (positions[:, M.REQUESTS_1H] > 0).all()


def test_another_day_is_another_draw(pipeline: Pipeline) -> None:
    assert shadowed(pipeline) == shadowed(pipeline)
    assert shadowed(pipeline) != shadowed(pipeline, TODAY + 3)


def test_shadows_leave_no_trace(pipeline: Pipeline) -> None:
    states = pipeline._shard._states
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

    def offered(slots: NDArray[np.intp], day: int) -> InjectedAttacks:
        chosen = slots[attack_injection.lowest(ids[slots], day, 5, known)]
        return attack_injection.inject_attacks(day, 0, states[chosen], ids[chosen], pipeline._site, policy)

    for day in range(TODAY, TODAY + 20):
        whole = offered(np.arange(len(ids)), day)
        parts = [offered(np.arange(at, len(ids), 3), day) for at in range(3)]
        assert merge_injected(parts, 5) == whole


def test_a_shadow_of_which_nothing_was_seen_takes_the_place_of_another() -> None:
    def offered(*keys: int, silent: int = 0) -> InjectedAttacks:
        seen = [
            as_examples(key, np.zeros(1, ACCOUNT), np.ones((1, K)), 0, 0) for key in keys if key != silent
        ]
        return InjectedAttacks(np.array(keys, "<u8").tobytes(), Examples.concatenated(seen))

    merged = merge_injected([offered(1, 5, silent=1), offered(3, 7)], 2)
    assert merged == offered(1, 3, silent=1)


def test_of_a_restricted_reader_nothing_is_learnt(pipeline: Pipeline) -> None:
    share = Pipeline(POLICY)
    share.absorb(STREAM)
    account = share._shard._states.names[0]
    key = mixed(share._shard._states.ids[:1], TODAY + 2)
    drawn = np.frombuffer(share._shard.summary(TODAY + 2, 0).injected.drawn, "<u8")
    share._shard.apply(Command(CommandKind.RESTRICT, account))
    after = share._shard.summary(TODAY + 2, 0)
    assert set(drawn.tolist()) - set(np.frombuffer(after.injected.drawn, "<u8").tolist()) == set(key.tolist())
    assert after.known == len(drawn) - 1


@given(st.integers(0, 2**32 - 1))
def test_every_theft_makes_rows_in_time_order(seed: int) -> None:
    draws = Draws(np.random.default_rng(seed))
    dials = drawn(draws)
    plans = session_plans(dials, draws)
    assert any(s.where != OWN for s in plans)
    assert max(s.start for s in plans) < (MOST_DAYS + 4) * 86_400
    theft = render(plans, draws, MINE, KNOWN, lambda key: 0.5 if key == 11 else 0.0)
    assert theft.events.dtype == EVENT
    assert (np.diff(theft.times) >= 0).all()
    assert len(theft.events) == len(theft.times) == len(theft.whats)
    assert theft.whats["p_platform"][theft.whats["platform"] == 11].min(initial=0.5) == 0.5
    documents = theft.events["document"] > 0
    assert (theft.whats["document"][theft.events["what"]][documents] > 0).all()
    failed = theft.whats["kind"] == LOGIN_FAILED
    assert failed.any() == (dials.guesses > 0)


def test_every_region_of_the_dials_is_drawn() -> None:
    draws = Draws(np.random.default_rng(1))
    drawn_of = Counter(family(drawn(draws)) for _ in range(3000))
    assert set(drawn_of) == set(FAMILIES)
    assert min(drawn_of.values()) > 25


def test_a_thief_shows_nothing_that_the_log_does_not_show() -> None:
    """No reader of this log has a session or an error: a thief with one would be known by that alone."""
    pipeline = Pipeline(POLICY)
    pipeline.absorb([shifted(event, session="", status=200, size=0) for event in STREAM])
    assert M.SESSIONS_1D not in pipeline._site.shows
    seen = shadowed(pipeline).columns()[3]
    assert len(seen)
    for measure in (M.SESSIONS_1D, M.ERRORS_1H, M.MB_1D, M.LOGIN_FAILED_1H, M.SESSION_MOVED):
        assert not seen[:, measure].any()


def test_on_the_first_day_nobody_is_shadowed() -> None:
    pipeline = Pipeline(POLICY)
    pipeline.absorb(STREAM[:5])
    assert pipeline._shard.summary(TODAY, 0).injected == InjectedAttacks()


def test_families_left_out_are_not_taught(pipeline: Pipeline) -> None:
    training = msgspec.structs.replace(load_policy().training, families=("burst", "drip"))
    policy = msgspec.structs.replace(POLICY, training=training)
    made = attack_injection.inject_attacks(TODAY, 0, *states_of(pipeline), pipeline._site, policy).thefts
    assert {FAMILIES[f] for f in made.columns()[1].tolist()} == {"burst", "drip"}
