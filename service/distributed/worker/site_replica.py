"""What all partitions together know: the site, and the sums of days that are over in some of them.

A day is learnt when every partition has gone past it, and the days before it were learnt. All workers read
the same sums in the same topic and so come to the same tables, trees and threshold, to the bit: one budget
for the whole site. Whoever comes late begins with the newest snapshot instead of with the first day.
"""

from collections.abc import Iterable, Iterator, Mapping

from service.distributed.protocol.wire import KnowledgeRecord, SumsRecord
from service.learning import site_blobs
from service.learning.aggregation import merge
from service.learning.site_blobs import SITE  # the blob that completes a snapshot: written after the others
from service.learning.site_learning import learn_day
from service.learning.site_model import SiteModel
from service.policy.model import Policy


class SiteReplica:
    """The site and what it is waiting for."""

    def __init__(self, policy: Policy, partitions: int) -> None:
        self.site = SiteModel(policy)
        self._policy = policy
        self._partitions = partitions
        self._sums: dict[int, dict[int, SumsRecord]] = {}  # day -> partition -> sums
        self._next: dict[int, int] = {}  # partition -> the day it goes on with
        self._published: dict[int, dict[int, int]] = {}  # partition -> day of sums in the topic -> next day
        self._blobs: dict[str, bytes] = {}

    @property
    def horizon(self) -> int:
        """Every day before this one is over in all partitions; 0 while one has closed none."""
        return min(self._next.values()) if len(self._next) == self._partitions else 0

    def ready(self, needs: int) -> bool:
        """Has the site learnt everything before day ``needs``?"""
        return needs == 0 or (self.horizon >= needs and not any(day < needs for day in self._sums))

    def take_sums(self, record: SumsRecord) -> bool:
        """One partition's day; true if the site has learnt something by it. Repeats do not count twice."""
        if not 0 <= record.partition < self._partitions:
            return False
        self._next[record.partition] = max(record.next_day, self._next.get(record.partition, 0))
        self._published.setdefault(record.partition, {})[record.sums.day] = record.next_day
        if record.sums.day > self.site.day:
            self._sums.setdefault(record.sums.day, {})[record.partition] = record
        return self._learn()

    def take_snapshot(self, record: KnowledgeRecord) -> None:
        """One blob of a snapshot; the last of them makes the site start from it, if it is newer."""
        self._blobs[record.name] = record.blob
        if record.name == SITE and record.day > self.site.day:
            site_blobs.restore(self.site, self._blobs)
            self._forget()
            self._learn()

    def _learn(self) -> bool:
        before = self.site.day
        for day in sorted(self._sums):
            parts = list(self._sums[day].values())
            if not self._whole(day) or any(part.after != self.site.day for part in parts):
                break  # or a snapshot comes that knows the day, or the days between
            learn_day(self.site, merge([part.sums for part in parts], self._policy))
        self._forget()
        return self.site.day > before

    def _whole(self, day: int) -> bool:
        """Is there what every partition had of the day? Sums that a snapshot made needless may be gone."""
        known = [self._published.get(partition, {}) for partition in range(self._partitions)]
        return all(any(a == day or a < day < b for a, b in days.items()) for days in known)

    def _forget(self) -> None:
        self._sums = {day: parts for day, parts in self._sums.items() if day > self.site.day}

    def snapshot(self) -> Iterator[KnowledgeRecord]:
        """What changed of the site since the last call, in the order in which it must be written."""
        blobs: Mapping[str, bytes] = site_blobs.drain(self.site)
        for name in sorted(blobs, key=lambda name: name == SITE):
            yield KnowledgeRecord(v=1, name=name, day=self.site.day, blob=blobs[name])

    def unsaved(self, records: Iterable[KnowledgeRecord]) -> None:
        """They were not written after all; the next snapshot holds them."""
        self.site.changed |= {record.name for record in records}

    def outdated(self) -> list[tuple[int, int]]:
        """Partition and day of sums nobody needs after the newest snapshot, told once.

        The newest of each partition stays: it says how far the partition is.
        """
        old = [
            (partition, day)
            for partition, days in self._published.items()
            for day in sorted(days)
            if day <= self.site.day and day < max(days)
        ]
        for partition, day in old:
            del self._published[partition][day]
        return old
