"""How a process that goes on for ever is told to end."""

import signal
from threading import Event


def stop_on_signals() -> Event:
    """Set by SIGTERM and SIGINT from now on."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
