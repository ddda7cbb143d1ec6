"""What the site's models say of one selected moment of an account."""

from service.decision.decider import ScoredMoment
from service.kernel.moments import Moment
from service.learning.site_model import SiteModel
from service.records.events import AccessEvent


def score_moment(
    site: SiteModel, event: AccessEvent, number: int, day: int, moment: Moment, peer_group: int
) -> ScoredMoment:
    """Score one moment by what the site knew at the last midnight.

    Args:
        site: what is known.
        event: the event after which the moment was taken; ``number`` is its place in the stream.
        day: local day of the site.
        moment: state, measures and evidence of the account.
        peer_group: the peer group whose tails count.
    """
    table = site.table[int(moment.state["rank"])]
    classified = site.classified(moment.states, moment.measures)
    members = site.member_scores(peer_group, moment.evidence, moment.groups, classified)
    at = event.account, event.time, number, day
    return ScoredMoment(*at, moment, members, classified, table, site.version, site.home)
