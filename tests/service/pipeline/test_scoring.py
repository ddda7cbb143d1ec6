"""What the site's models say of one moment."""

from service.kernel.measures import G, K
from service.kernel.moments import Moment
from service.learning.site_model import SiteModel
from service.pipeline.scoring import score_moment
from tests.service.factories import NOON, POLICY, TODAY, event, theft, walk


def moment_of(evidence: float) -> Moment:
    walked = walk(theft("stolen", 0))
    last = max(walked.measured)
    return Moment(walked.states, evidence, walked.measured[last].tolist(), walked.groups[last].tolist())


def test_a_moment_carries_what_it_was_measured_by() -> None:
    site = SiteModel(POLICY)
    moment = moment_of(12.0)
    assert (len(moment.measures), len(moment.groups)) == (K, G)
    case = score_moment(site, event(NOON, "stolen"), 7, TODAY, moment, 0)
    assert (case.account, case.time, case.sequence, case.day) == ("stolen", NOON, 7, TODAY)
    assert case.model == site.version
    assert case.table is not None
    assert case.member_scores.classifiers is None  # a fresh site's have seen no theft yet


def test_more_evidence_is_rarer() -> None:
    site = SiteModel(POLICY)
    low, high = (
        score_moment(site, event(), 0, TODAY, moment_of(e), 0).member_scores.evidence or 0.0
        for e in (4.0, 20.0)
    )
    assert 0.0 < low < high
