"""Compile what scores before anything waits for it: half a minute, once for an installation on a machine."""

from service.base.progress import said_if_long
from service.learning.site_model import SiteModel
from service.pipeline.shard import Shard
from service.policy.model import Policy
from service.records.events import AccessEvent, EventKind, Location, Resource

COMPILING = "compiling what scores for this machine; once, and half a minute or so"
PATIENCE = 3.0  # s: what is compiled already loads in less


def compile_kernels(policy: Policy) -> None:
    """Run one event through to the close of its day; say so if that is long."""
    with said_if_long(COMPILING, PATIENCE):
        model = SiteModel(policy)
        shard = Shard(policy, model)
        resource = Resource("example", EventKind.PDF, document="0" * 12, journal="0" * 12)
        event = AccessEvent(
            86_400, 0, "nobody", "", "", "", Location(), method="GET", status=200, size=1, resource=resource
        )
        shard.absorb([event], [0], 1)
        shard.close(1, 0, model.guards)
