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
    rank = int(moment.state["rank"])
    classified = site.classified(rank, moment.measures)
    members = site.member_scores(peer_group, moment.evidence, moment.groups, classified)
    return ScoredMoment(
        event.account, event.time, number, day, moment, members, classified, site.table[rank], site.version
    )
