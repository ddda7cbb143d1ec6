"""Starts a worker: what must be right before it joins the others, then Faust's loop until a signal."""

import logging
from contextlib import ExitStack

import faust

from service.config.settings import SiteFolder
from service.distributed.protocol.topics import check
from service.distributed.worker.app import Worker
from service.pipeline.warm_up import compile_kernels
from service.policy.model import Policy
from service.runtime.telemetry import WorkerMetrics, registry_of, serve

_log = logging.getLogger("journalguard.worker")


def start_worker(site: SiteFolder, policy: Policy, name: str) -> None:
    """Until SIGTERM or SIGINT. Raises ``TopicError`` and ``BrokerError`` before it joins."""
    check(site)
    compile_kernels(policy)  # a worker that compiles while it has partitions looks dead to the broker
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
