"""Compiles or loads the kernels when imported, for processes that are forked from one that did."""

from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.records.events import AccessEvent, EventKind, Location, Resource


def _event(time: int) -> AccessEvent:
    resource = Resource("example", EventKind.PDF, "0123456789ab", "0123456789ab")
    return AccessEvent(time, 0, "u1_a", "s1_a", "a1_a", "n1_a", Location(), "GET", 200, 1000, resource)


Pipeline(load_policy()).absorb([_event(1_000_000_000), _event(1_000_100_000)])
