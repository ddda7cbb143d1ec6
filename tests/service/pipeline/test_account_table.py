"""All accounts in one array: slots, growth, what changed, and back again."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.base.errors import CheckpointError
from service.decision import episodes
from service.kernel.account_record import ACCOUNT
from service.pipeline.account_table import HEADER, AccountTable
from service.pipeline.site_pipeline import Pipeline
from service.records.events import EventKind
from tests.service.factories import DAY, NOON, POLICY, event


def test_an_account_keeps_its_slot() -> None:
    states = AccountTable()
    assert states.slots(["a", "b", "a"]) == [0, 1, 0]
    assert states.slots(["b", "c"]) == [1, 2]
    assert states.names == ["a", "b", "c"]


def test_growth_keeps_what_was_there() -> None:
    states = AccountTable()
    states.slots(["a"])
    states.array[0]["documents"] = 7
    states.slots([f"x{i}" for i in range(5000)])
    assert len(states.array) >= 5001
    assert states.array[0]["documents"] == 7
    assert states.array[5000]["events"] == 0


def test_drain_gives_each_changed_account_once_and_then_nothing() -> None:
    states = AccountTable()
    states.slots(["a", "b", "c"])
    states.touch([2, 0])
    states.touch([2])
    assert [name for name, _ in states.drain()] == ["a", "c"]
    assert states.drain() == ()


def test_an_episode_travels_with_its_account() -> None:
    states = AccountTable()
    states.slots(["a", "b"])
    states.episodes["a"] = episodes.open_episode("a", 1_760_000_000, 5, 20_370, states.array[0])
    states.touch([0, 1])
    packed = dict(states.drain())
    assert packed["b"] == HEADER + b"\0" * ACCOUNT.itemsize
    other = AccountTable()
    other.restore(packed.items())
    assert other.episodes == states.episodes


def test_restoring_grows_the_array() -> None:
    states = AccountTable()
    for slot in states.slots([f"x{i}" for i in range(3000)]):
        states.array[slot]["documents"] = slot
    states.touch(range(3000))
    packed = states.drain()
    other = AccountTable()
    other.restore(packed)
    assert [int(other.array[slot]["documents"]) for slot in other.slots([name for name, _ in packed])] == [
        *range(3000)
    ]


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.text(min_size=1, max_size=12), st.integers(0, 2**32 - 1), max_size=20))
def test_restore_undoes_drain(accounts: dict[str, int]) -> None:
    states = AccountTable()
    for slot, events in zip(states.slots(list(accounts)), accounts.values(), strict=True):
        states.array[slot]["events"] = events
    states.touch(range(len(accounts)))
    other = AccountTable()
    other.restore(states.drain())
    slots = other.slots(list(accounts))
    assert [int(other.array[s]["events"]) for s in slots] == list(accounts.values())
    other.touch(slots)
    assert other.drain() == tuple((n, HEADER + np.asarray(states.array[s]).tobytes()) for s, n in
                                  enumerate(accounts))  # fmt: skip


def test_a_damaged_episode_is_a_state_error() -> None:
    blob = HEADER + b"\0" * ACCOUNT.itemsize + msgspec.msgpack.encode({"alert": 1})
    with pytest.raises(CheckpointError):
        AccountTable().restore([("a", blob)])


def test_what_is_known_goes_on_under_another_name() -> None:
    states = AccountTable()
    (slot,) = states.slots(["old"])
    states.array[slot]["documents"] = 7
    states.episodes["old"] = episodes.open_episode("old", 1_760_000_000, 5, 20_370, states.array[0])
    states.rename("old", "new")
    states.rename("old", "new")
    assert states.slots(["new"]) == [slot]
    assert [name for name, _ in states.drain()] == ["new"]
    assert states.drain_gone() == ("old",)
    assert (list(states.episodes), states.episodes["new"].alert.account) == (["new"], "new")


def test_a_name_that_has_a_state_keeps_it() -> None:
    states = AccountTable()
    states.slots(["old", "new"])
    states.rename("old", "new")
    assert states.slots(["old", "new"]) == [0, 1]
    assert states.drain_gone() == ()


def test_a_forgotten_account_comes_back_as_new() -> None:
    states = AccountTable()
    states.slots(["a", "b"])
    states.array[0]["documents"] = 7
    states.touch([0, 1])
    states.forget("a")
    assert states.slots(["c"]) == [0], "its place is free"
    assert states.array[0]["documents"] == 0
    states.slots(["a"])
    assert [name for name, _ in states.drain()] == ["b"]
    assert states.drain_gone() == (), "it is there again"
    states.forget("a")
    assert states.drain_gone() == ("a",)


def test_states_of_which_nothing_was_measured_go_at_midnight_and_old_ones_in_time() -> None:
    pipeline = Pipeline(POLICY, states_days=3)
    pipeline.absorb([event(account="reader"), event(NOON + 60, account="poller", kind=EventKind.POLL)])
    assert {name for name, _ in pipeline.drain().accounts} == {"reader", "poller"}
    gone = []
    for day in range(1, 6):
        pipeline.absorb([event(NOON + day * DAY, account="another")])
        gone.append(pipeline.drain().gone)
    assert gone == [("poller",), (), (), ("reader",), ()]
