"""Sink and publisher beside the pages: two threads that are started again whenever they fail."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from threading import Event, Thread

LONGEST_PAUSE = 30.0  # s
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
    pauses = _pauses()
    while not stop.is_set():
        started = time.monotonic()
        try:
            task(stop)
        except Exception as error:
            if time.monotonic() - started > CALM:
                pauses = _pauses()
            pause = next(pauses)
            _log.warning("%s-waits %s; tried again in %g s", name, _describe(error), pause)
            stop.wait(pause)


def _describe(error: Exception) -> str:
    """In one line, with the error's kind: what other libraries raise may have no words."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _pauses() -> Iterator[float]:
    pause = 1.0
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE)
