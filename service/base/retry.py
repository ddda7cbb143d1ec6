"""Trying again what time or the operator mends, with pauses that grow and end at once when told to."""

from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set
from tenacity.wait import wait_base

Errors = type[BaseException] | tuple[type[BaseException], ...]
Told = Callable[[BaseException, float], None]  # the error, and s until the next attempt


class Pauses(wait_base):
    """Pauses between attempts, each twice the one before it.

    >>> pauses = Pauses(first=0.5, longest=3.0)
    >>> [pauses.next() for _ in range(5)]
    [0.5, 1.0, 2.0, 3.0, 3.0]
    >>> pauses.begin_again()
    >>> pauses.next()
    0.5
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def next(self) -> float:
        """Give the next pause, s."""
        pause = self._next
        self._next = min(2 * pause, self._longest)
        return pause

    def begin_again(self) -> None:
        """Let the next pause be the first one: for a while everything went well."""
        self._next = self._first

    def __call__(self, retry_state: RetryCallState) -> float:  # noqa: ARG002 - tenacity's interface
        return self.next()


def retrying(
    errors: Errors, pauses: Pauses, told: Told, stop: Event, *, after_pause: Callable[[], None] | None = None
) -> Retrying:
    """Give a caller of functions that calls again after any of ``errors``; others are raised.

    Args:
        errors: what time mends.
        pauses: how long to wait.
        told: called before each pause.
        stop: ends a pause at once; an error while it is set is raised.
        after_pause: what must go on while the function is not called.
    """

    def sleep(seconds: float) -> None:
        stop.wait(seconds)
        if after_pause is not None:
            after_pause()

    return Retrying(
        retry=retry_if_exception_type(errors),
        wait=pauses,
        stop=stop_when_event_set(stop),
        sleep=sleep,
        before_sleep=_before_sleep(told),
        reraise=True,
    )


def retrying_async(
    errors: Errors, pauses: Pauses, told: Told, sleep: Callable[[float], Awaitable[Any]]
) -> AsyncRetrying:
    """Give a caller of coroutine functions, as ``retrying``; ``sleep`` may end early."""
    return AsyncRetrying(
        retry=retry_if_exception_type(errors), wait=pauses, sleep=sleep, before_sleep=_before_sleep(told)
    )


def _before_sleep(told: Told) -> Callable[[RetryCallState], None]:
    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if error is not None:
            told(error, state.upcoming_sleep)

    return tell


def each_new(told: Told) -> Told:
    """Tell of an error only where its text is not that of the one before it."""
    last = ""

    def tell(error: BaseException, pause: float) -> None:
        nonlocal last
        if str(error) != last:
            told(error, pause)
        last = str(error)

    return tell
