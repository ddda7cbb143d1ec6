"""Balance: no group of readers is looked at much more often than everyone for being what it is.

Researchers read more than students, guests of another university come over networks that nobody else uses:
the same score is rarer among everyone than among them. At the close of a day the account-days whose score
came near the threshold are counted by group, and where a group has more of them than its share, its scores
are lowered by the logarithm of the excess: scores are ``-ln share``, so that the same share of every group's
account-days is raised. The same accounts come near day after day without a new alert, so alerts are counted
too, as far as nobody has confirmed a theft: thieves who all come by one country's networks are no reason to
look away from its readers. Alerts are few, but they tell of what is to be mended: what they have too much is
taken off more than once. The larger of the two counts.
"""

import math
from collections.abc import Mapping, Sequence

from service.decision.reader_groups import EVERYONE, Counts, GroupCount, dimension_of
from service.records.events import NetworkKind

NEAR = 0.7  # below the threshold, -ln share: so many more account-days tell of a group's tail
PRIOR = 3.0  # account-days near the threshold that a group is taken to have had at everyone's rate,
PRIOR_ALERTS = 2.0  # and alerts
FEEDBACK = 2.5  # times the logarithm of a group's excess of alerts
MOST = 2.0  # that is ever taken off
# Guests at other universities are few, each on networks that nobody here uses: until the site's days say how
# often they are raised, it is believed to be twice as often as everyone, as in simulated libraries.
BELIEVED = {f"network kind: {NetworkKind.EDUCATION}": 2.0}
SIGN = f"network kind: {NetworkKind.HOSTING}"  # hardly a reader is there: no group, but a sign of theft
DIMENSIONS = frozenset({"user type", "off-campus country", "network kind", "arrangements", "time of day"})


def group_excess(counts: Counts) -> dict[str, float]:
    """Group -> what is taken off its scores; without those of which nothing is."""
    everyone = counts.get(EVERYONE)
    if everyone is None or not everyone.near:
        return {}
    found = {}
    for group, count in counts.items():
        if dimension_of(group)[0] in DIMENSIONS and group != SIGN:
            part = count.account_days / everyone.account_days
            believed = BELIEVED.get(group, 1.0)
            near = _more(count.near, everyone.near * part, PRIOR, believed)
            alerts = _more(_harmless(count), _harmless(everyone) * part, PRIOR_ALERTS, believed)
            if (more := max(near, FEEDBACK * alerts)) > 0.0:
                found[group] = min(MOST, more)
    return found


def _harmless(count: GroupCount) -> int:
    """Alerts that nobody has confirmed."""
    return max(0, count.alerts - count.thefts)


def _more(had: float, share: float, prior: float, believed: float) -> float:
    """Logarithm of how many times its share a group had, where so much of it is ``believed`` beforehand."""
    return math.log((had + prior * believed) / (share + prior))


def score_adjustment(excesses: Mapping[str, float], groups: Sequence[str]) -> float:
    """The largest of a reader's groups: they overlap."""
    return max((excesses.get(group, 0.0) for group in groups), default=0.0)
