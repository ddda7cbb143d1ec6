"""A bounded memory of a pure function's results, at the cost of a dict lookup."""

from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_LONGEST_TEXT = 2048  # characters; longer keys are computed anew, so that memory stays bounded


class BoundedCache(dict[K, V], Generic[K, V]):
    """``memo[key]`` is ``make(key)``.

    Two generations of at most ``limit`` entries: when the young one is full it becomes the old one, and what
    is still asked for comes back from there. As ``make`` is pure, what is forgotten changes no result.
    """

    def __init__(self, make: Callable[[K], V], limit: int = 65_536) -> None:
        super().__init__()
        self._make = make
        self._limit = limit
        self._old: dict[K, V] = {}

    def forget(self, values: Collection[V]) -> None:
        """These results are made anew when they are asked for."""
        for made in (self, self._old):
            for key in [key for key, value in made.items() if value in values]:
                del made[key]

    def __missing__(self, key: K) -> V:
        value = self._old[key] if key in self._old else self._make(key)
        if isinstance(key, str) and len(key) > _LONGEST_TEXT:
            return value
        if len(self) >= self._limit:
            self._old = dict(self)
            self.clear()
        self[key] = value
        return value
