"""Sink and publisher beside the pages: two threads that are started again whenever they fail."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Event, Thread

from service.base.retry import Pauses, retrying

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # s
CALM = 60.0  # s of work after which pauses begin short again
STOP_SECONDS = 5.0

Task = Callable[[Event], None]

_log = logging.getLogger("journalguard.feed")


class Supervisor:
    """Runs each task in a thread until :meth:`stop`; what a task raises never leaves it."""

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        self._stop = Event()
        # A broker that does not answer does not hold up the end of the process.
        self._threads = [
            Thread(target=_persist, args=(name, task, self._stop), name=name, daemon=True)
            for name, task in tasks.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Waits a few seconds for the threads to end."""
        self._stop.set()
        until = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))


def _persist(name: str, task: Task, stop: Event) -> None:
    pauses = Pauses(FIRST_PAUSE, LONGEST_PAUSE)

    def tell(error: BaseException, pause: float) -> None:
        _log.warning("%s-waits %s; tried again in %g s", name, _describe(error), pause)

    def attempt() -> None:
        while not stop.is_set():
            started = time.monotonic()
            try:
                task(stop)
            except Exception:
                if time.monotonic() - started > CALM:
                    pauses.begin_again()
                raise

    with suppress(Exception):  # that came while it was ended
        retrying(Exception, pauses, tell, stop)(attempt)


def _describe(error: BaseException) -> str:
    """In one line, with the error's kind: what other libraries raise may have no words."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]
