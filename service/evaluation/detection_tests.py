"""Whether detections fire as their examples say: each goes through the kernel and tables of a new site.

A detection fires where one of its measures reaches what one in a hundred account-days does. Whether there is
an alert is the budget's business, and no detection's.
"""

import math
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from service.decision import reasons
from service.kernel.account_record import ACCOUNT
from service.kernel.encoder import EventEncoder
from service.kernel.features import absorb
from service.kernel.measures import GROUP_OF
from service.kernel.moments import KernelOutput, Moment
from service.learning.account_update import close_accounts
from service.learning.site_model import SiteModel
from service.policy.examples import DAY, Example, doings, history
from service.policy.model import Policy
from service.records.events import AccessEvent

RARE = math.log(100)  # surprise of what one in a hundred account-days reaches


class Result(msgspec.Struct, frozen=True):
    """What came of one example."""

    detection: str
    example: Example
    fired: tuple[str, ...]  # every detection that fired

    @property
    def passed(self) -> bool:
        return (self.detection in self.fired) is self.example.fires


def try_all(policy: Policy) -> Iterator[Result]:
    """Every example of every detection in force."""
    site = SiteModel(policy)
    for detection in policy.detections.values():
        for example in detection.examples:
            yield Result(detection.id, example, fired(example, policy, site))


def fired(example: Example, policy: Policy, site: SiteModel) -> tuple[str, ...]:
    """The detections that fire at any moment of what the example does."""
    reader = _Reader(site)
    for day in history(example):
        reader.lives(day)
    names = set()
    for day in doings(example):
        for moment in reader.lives(day):
            found = reasons.reasons(moment.state, moment.measures, site.table[moment.state["rank"]], policy)
            names |= {reason.detection for reason in found if reason.surprise >= RARE}
    return tuple(sorted(names))


class _Reader:
    """One account, and the days it lives."""

    def __init__(self, site: SiteModel) -> None:
        self._site = site
        self._columns = EventEncoder(site.prevalence)
        self._states = np.zeros(1, ACCOUNT)

    def lives(self, events: Sequence[AccessEvent]) -> list[Moment]:
        """Takes in the events of one day and closes it; the moments after each of them."""
        site, group_of = self._site, np.array(GROUP_OF)
        rows = self._columns.rows(events, [0] * len(events))
        out = KernelOutput.of(len(events))
        moments: list[Moment] = []
        at = 0
        while at < len(events):
            at, count = absorb(
                self._states, rows, at, self._columns.wheres, self._columns.whats,
                site.table, group_of, site.mean, site.var, 0.0, 0.0, 0.0,
                out.flags, out.evidence, out.selected, out.states, out.measures, out.groups,
            )  # fmt: skip
            moments += [out.moment(row) for row in range(count)]
        if events:
            day = events[0].time // DAY
            close_accounts(self._states, np.array([0]), day, day * DAY, site.guards)
        return moments
