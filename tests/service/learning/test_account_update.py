"""The close of a day: what an account learns of itself, and what a suspect's day may not teach."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.kernel.account_record import ACCOUNT, BIN_UNIT, DAY_UNIT
from service.kernel.measures import OWN, K, M
from service.kernel.peer_groups import CLASSES
from service.learning.account_update import FADE, GUARDED, HISTORY, REGULAR_DAYS, close_accounts
from tests.service.factories import DAY, FAR, NOON, TODAY, event, walk

NEVER, ALWAYS = np.full(CLASSES, 1e9), np.zeros(CLASSES)
START = TODAY * DAY


def close(state: NDArray[np.void], day: int = TODAY, guards: NDArray[np.float64] = NEVER) -> None:
    close_accounts(state, np.arange(len(state)), day, day * DAY, guards)


def bins(documents: float) -> int:
    """Position of a daily maximum in the units of ``day_max`` and ``usual``."""
    return round(24 * math.log1p(documents) * BIN_UNIT)


def day_of(state: NDArray[np.void], documents: float, evidence: float = 0.0) -> None:
    """Write into the state a day with this daily maximum of every measure."""
    state[0]["day_max"][:] = bins(documents)
    state[0]["day_evidence"] = evidence
    state[0]["day_events"] = 1


def mean_of(state: NDArray[np.void], measure: int = M.DOCS_1D) -> float:
    """Mean of ln(1 + daily maximum)."""
    return float(state[0]["usual"][measure]) / BIN_UNIT / 24


def learned(days: list[float], guards: NDArray[np.float64] = NEVER) -> NDArray[np.void]:
    state = np.zeros(1, ACCOUNT)
    for d, documents in enumerate(days):
        state[0]["active_last"] = d
        day_of(state, documents)
        close(state, d, guards)
    return state


def test_the_first_day_is_learned_whole() -> None:
    state = walk([event(document=i) for i in range(5)]).states
    close(state)
    assert mean_of(state) == pytest.approx(math.log1p(5), abs=0.01)
    assert state[0]["history"] == 1
    assert state[0]["active_days"] == 1


def test_a_day_s_counts_start_again() -> None:
    state = walk([event(document=i, place=FAR) for i in range(5)]).states
    close(state)
    for name in ("day_events", "hour_seen", "kinds", "day_evidence", "day_joined", "model_day"):
        assert state[0][name] == 0
    assert not state[0]["day_max"].any()
    assert state[0]["active_last"] == TODAY


def test_rolling_counters_are_no_business_of_midnight() -> None:
    state = walk([event(document=i) for i in range(5)]).states
    before = state.copy()
    close(state)
    for name in ("counters", "ring", "hours", "days", "last_time", "documents", "events"):
        assert np.array_equal(state[name], before[name]), name


def test_the_mean_of_many_days() -> None:
    days = [3.0, 5.0, 8.0] * 13
    state = learned(days)
    assert mean_of(state) == pytest.approx(np.mean(np.log1p(days)), abs=0.1)
    assert state[0]["spread"][2] == pytest.approx(np.var(np.log1p(days)), rel=0.3)
    assert state[0]["history"] == len(days)


def test_history_is_long_but_not_endless() -> None:
    state = learned([3.0] * 60)
    assert state[0]["history"] == HISTORY
    changed = learned([3.0] * 60 + [30.0] * 120)
    assert mean_of(changed) == pytest.approx(math.log1p(30), abs=0.15)


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 500), st.integers(1, 60), st.floats(0, 30_000))
def test_a_suspect_s_day_moves_the_picture_at_most_a_fifth(usual: float, days: int, top: float) -> None:
    trusting, guarded = (learned([usual] * days) for _ in range(2))
    before = trusting.copy()
    for state, guards in ((trusting, NEVER), (guarded, ALWAYS)):
        state[0]["active_last"] = days
        day_of(state, top, evidence=50.0)
        close(state, days, guards)
    rounding = 1
    for k in range(K):
        free = abs(int(trusting[0]["usual"][k]) - int(before[0]["usual"][k]))
        held = abs(int(guarded[0]["usual"][k]) - int(before[0]["usual"][k]))
        assert held <= GUARDED * free + rounding
    assert guarded[0]["history"] <= before[0]["history"] + GUARDED + 1e-6
    for table in ("networks", "platforms"):
        assert (guarded[0][table]["days"] <= before[0][table]["days"] + GUARDED * DAY_UNIT + 1).all()


def test_a_suspect_s_networks_become_familiar_five_times_slower() -> None:
    for guards, expected in ((NEVER, DAY_UNIT), (ALWAYS, GUARDED * DAY_UNIT)):
        state = walk([event(network="n9", place=FAR)]).states
        close(state, guards=guards)
        for table in ("networks", "owners", "cities", "countries", "platforms"):
            assert state[0][table]["days"].max() == pytest.approx(expected, abs=1), table
        assert state[0]["hour_days"][4] == pytest.approx(expected, abs=1)


def test_the_guard_is_the_account_s_own_class_s() -> None:
    for rank in range(CLASSES):
        guards = np.full(CLASSES, 1e9)
        guards[rank] = 1.0
        states = np.zeros(CLASSES, ACCOUNT)
        states["rank"] = range(CLASSES)
        states["day_evidence"] = 2.0
        close(states, guards=guards)
        assert [s["active_days"] < 1 for s in states] == [c == rank for c in range(CLASSES)]


def ramp(guards: NDArray[np.float64], factor: float) -> float:
    """A thief who doubles his take step by step: the picture's mean after 30 days."""
    state = learned([3.0] * 40)
    documents = 3.0
    for d in range(40, 70):
        documents = min(400.0, documents * factor)
        state[0]["active_last"] = d
        day_of(state, documents, evidence=50.0)
        close(state, d, guards)
    return math.expm1(mean_of(state))


def test_a_patient_ramp_teaches_little_above_the_guard() -> None:
    usual = math.expm1(mean_of(learned([3.0] * 40)))
    assert ramp(ALWAYS, 1.3) < 2 * usual
    assert ramp(NEVER, 1.3) > 5 * usual


def test_familiarity_fades_with_the_days_between() -> None:
    state = walk([event()]).states
    close(state)
    fresh = int(state[0]["networks"]["days"].max())
    later = walk([event(NOON + 50 * DAY, network="n2")], state).states
    close(later, TODAY + 50)
    kept = later[0]["networks"]["days"]
    assert sorted(kept[kept > 0].tolist()) == [pytest.approx(fresh * FADE**50, abs=1), DAY_UNIT]
    assert later[0]["active_days"] == pytest.approx(1 + FADE**50, rel=1e-5)


def test_an_account_becomes_a_regular() -> None:
    days = math.ceil(REGULAR_DAYS) + 1
    state = learned([2.0] * days)
    assert state[0]["rank"] == 1
    assert learned([2.0] * 3)[0]["rank"] == 0


def test_a_return_from_sleep_wears_off_over_some_days() -> None:
    state = walk([event()]).states
    close(state)
    state = walk([event(NOON + 200 * DAY, document=2)], state).states
    assert state[0]["asleep"] == 200
    close(state, TODAY + 200)
    assert state[0]["asleep"] == 100


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**16 - 1), st.floats(0, 1e4), st.integers(0, 400)), min_size=1, max_size=40
    )
)
def test_any_days_leave_numbers_from_zero_up(days: list[tuple[int, float, int]]) -> None:
    state = np.zeros(1, ACCOUNT)
    day = TODAY
    for top, evidence, gap in days:
        day += gap
        state[0]["day_max"][:] = min(top, 255 * BIN_UNIT)
        state[0]["day_evidence"] = evidence
        state[0]["hour_seen"] = top & 255
        close(state, day, np.full(CLASSES, 100.0))
        for name in ("spread", "history", "active_days"):
            assert np.isfinite(state[0][name]).all()
            assert (state[0][name] >= 0).all()
        assert len(OWN) == len(state[0]["spread"])
        assert state[0]["history"] <= HISTORY
        assert state[0]["active_days"] <= 1 / (1 - FADE) + 1
