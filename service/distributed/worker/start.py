"""Starts a worker: what must be right before it joins the others, then Faust's loop until a signal."""

import logging
from contextlib import ExitStack

import faust

from service.config.settings import SiteFolder
from service.distributed.protocol.topics import check
from service.distributed.worker.app import Worker
from service.learning.site_model import SiteModel
from service.pipeline.shard import Shard
from service.policy.model import Policy
from service.records.events import AccessEvent, EventKind, Location, Resource
from service.runtime.telemetry import WorkerMetrics, registry_of, serve

_log = logging.getLogger("journalguard.worker")


def start_worker(site: SiteFolder, policy: Policy, name: str) -> None:
    """Until SIGTERM or SIGINT. Raises ``TopicError`` and ``BrokerError`` before it joins."""
    check(site)
    warm(policy)
    registry = registry_of(policy.hash)
    worker = Worker(site, policy, name, WorkerMetrics(registry))
    with ExitStack() as stack:
        if site.settings.metrics_port:
            settings = site.settings
            stack.callback(serve(registry, settings.metrics_address, settings.metrics_port).close)
        _log.info("worker-starts name=%s", name)
        faust.Worker(
            worker.app, loglevel="ERROR", quiet=True, redirect_stdouts=False, override_logging=False
        ).execute_from_commandline()


def warm(policy: Policy) -> None:
    """Compile the kernels now: a worker that compiles while it has partitions looks dead to the broker."""
    model = SiteModel(policy)
    shard = Shard(policy, model)
    resource = Resource("example", EventKind.PDF, document="0" * 12, journal="0" * 12)
    event = AccessEvent(
        86_400, 0, "nobody", "", "", "", Location(), method="GET", status=200, size=1, resource=resource
    )
    shard.absorb([event], [0], 1)
    shard.close(1, 0, model.guards)
