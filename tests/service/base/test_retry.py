"""Trying again: which errors, how long between, and that a wish to stop is heard at once."""

import asyncio
from itertools import pairwise
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.base.retry import Pauses, each_new, retrying, retrying_async

NONE = Pauses(0.0, 0.0)


class Failing:
    """Raises the errors it was given, then gives how often it was called."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.calls


@given(st.floats(0.01, 10), st.floats(0.01, 100))
def test_pauses_double_up_to_the_longest(first: float, longest: float) -> None:
    pauses = Pauses(first, max(first, longest))
    given_out = [pauses.next() for _ in range(20)]
    assert given_out[0] == first
    assert all(later == min(2 * earlier, max(first, longest)) for earlier, later in pairwise(given_out))
    pauses.begin_again()
    assert pauses.next() == first


def test_it_goes_on_until_it_works() -> None:
    told: list[str] = []
    act = Failing(OSError("away"), OSError("still away"))
    assert retrying(OSError, NONE, lambda error, _: told.append(str(error)), Event())(act) == 3
    assert told == ["away", "still away"]


def test_each_pause_is_told_before_it_begins() -> None:
    told: list[float] = []
    act = Failing(*(OSError() for _ in range(4)))
    retrying(OSError, Pauses(0.001, 0.004), lambda _, pause: told.append(pause), Event())(act)
    assert told == [0.001, 0.002, 0.004, 0.004]


def test_other_errors_are_raised() -> None:
    act = Failing(ValueError("never mends"))
    with pytest.raises(ValueError, match="never mends"):
        retrying(OSError, NONE, lambda *_: None, Event())(act)
    assert act.calls == 1


def test_what_must_go_on_goes_on_in_every_pause() -> None:
    polls: list[int] = []
    act = Failing(OSError(), OSError(), OSError())
    retrying(OSError, NONE, lambda *_: None, Event(), after_pause=lambda: polls.append(1))(act)
    assert len(polls) == 3


def test_a_wish_to_stop_ends_a_pause_and_raises_the_error_itself() -> None:
    stop, paused = Event(), Event()

    def end() -> None:
        paused.wait()
        stop.set()

    Thread(target=end, daemon=True).start()
    with pytest.raises(OSError, match="away"):
        retrying(OSError, Pauses(3600, 3600), lambda *_: paused.set(), stop)(Failing(*[OSError("away")] * 9))


def test_arguments_and_results_pass() -> None:
    assert retrying(OSError, NONE, lambda *_: None, Event())(divmod, 7, 2) == (3, 1)


def test_coroutines_are_tried_again_and_their_pause_may_end_early() -> None:
    slept: list[float] = []
    act = Failing(OSError(), OSError())

    async def attempt() -> int:
        return act()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    call = retrying_async(OSError, Pauses(100, 200), lambda *_: None, sleep)
    assert asyncio.run(call(attempt)) == 3
    assert slept == [100, 200]


def test_a_coroutine_is_cancelled_at_once() -> None:
    async def attempt() -> int:
        raise OSError

    async def run() -> None:
        call = retrying_async(OSError, Pauses(3600, 3600), lambda *_: None, asyncio.sleep)
        task: asyncio.Future[int] = asyncio.ensure_future(call(attempt))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_the_same_trouble_is_told_once() -> None:
    told: list[str] = []
    tell = each_new(lambda error, _: told.append(str(error)))
    for text in ("full", "full", "denied", "full"):
        tell(OSError(text), 1.0)
    assert told == ["full", "denied", "full"]
