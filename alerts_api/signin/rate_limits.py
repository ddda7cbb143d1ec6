"""How often something may be done: a bucket of turns for each session or address, which fills by itself.

In this process and in bounded memory: who has been away longest is forgotten first, which gives that one a
full bucket back.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

KEYS = 10_000


class Limiter:
    """At most ``turns`` at once, and as many again in each ``seconds``."""

    def __init__(self, turns: int, seconds: float, clock: Callable[[], float], *, keys: int = KEYS) -> None:
        self._turns = float(turns)
        self._rate = turns / seconds
        self._keys = keys
        self._clock = clock
        self._lock = Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> turns left, when

    def allows(self, key: str) -> bool:
        """Takes a turn, if there is one."""
        now = self._clock()
        with self._lock:
            left, before = self._buckets.pop(key, (self._turns, now))
            left = min(self._turns, left + max(0.0, now - before) * self._rate)
            allowed = left >= 1.0
            self._buckets[key] = (left - 1.0 if allowed else left, now)
            if len(self._buckets) > self._keys:
                self._buckets.popitem(last=False)
        return allowed
