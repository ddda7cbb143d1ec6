"""Failures of strangers, counted: at most one leaf a minute of each kind, which says how many it stands for.

Whoever has no session could otherwise fill the log, and the disk, as fast as the pages answer.
"""

from threading import Lock

import msgspec

from alerts_api.audit.leaves import Leaf

SECONDS = 60.0  # between two leaves of a kind
KINDS = 1_000  # remembered
SEVERAL = "several"  # outcome of a leaf that stands for failures at more than one place


class _Counted(msgspec.Struct):
    leaf: Leaf  # the first of them
    times: int
    told_at: float


class Tally:
    """Safe to use from several threads. Times are wall clock, s UTC."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counted: dict[Leaf, _Counted] = {}

    def note(self, leaf: Leaf, *, anywhere: bool = False) -> None:
        """It happened once more. ``anywhere``: wherever it happens, it is of one kind."""
        kind = msgspec.structs.replace(leaf, at=0, outcome="" if anywhere else leaf.outcome)
        with self._lock:
            found = self._counted.setdefault(kind, _Counted(leaf, 0, -SECONDS))
            if not found.times:
                found.leaf = leaf
            elif leaf.outcome != found.leaf.outcome:
                found.leaf = msgspec.structs.replace(found.leaf, outcome=SEVERAL)
            found.times += 1

    def take(self, now: float, *, everything: bool = False) -> list[Leaf]:
        """The leaves to write now: of the kinds that were not told within the last minute, or of all."""
        with self._lock:
            due = [
                each
                for each in self._counted.values()
                if each.times and (everything or not 0 <= now - each.told_at < SECONDS)
            ]
            leaves = [_leaf(each, now) for each in due]
            for each in due:
                each.times, each.told_at = 0, now
            if len(self._counted) > KINDS:
                self._counted = {kind: each for kind, each in self._counted.items() if each.times}
        return leaves


def _leaf(counted: _Counted, now: float) -> Leaf:
    """One that stands for several says for how many."""
    if counted.times == 1:
        return counted.leaf
    return msgspec.structs.replace(counted.leaf, at=int(now), times=counted.times)
