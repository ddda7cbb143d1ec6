"""The worker: a Faust application whose agent hands every frame to its partition's task.

Faust brings the group of workers, the partitions to each, and the messages in order; states, checkpoints and
what is committed are ours (``runner``, ``changelog``), so nothing is acknowledged to Faust.
"""

import asyncio
import logging
import os
import threading
from typing import Any, cast

import faust
from faust.types import TP

from service.base.logs import bind
from service.config.settings import SiteFolder
from service.distributed.protocol.connection import aiokafka_options, faust_options, kafka_of
from service.distributed.protocol.topics import identity_of, topics_of
from service.distributed.worker.cache import forget_others
from service.distributed.worker.partition_task import PartitionTask, WorkerContext
from service.distributed.worker.site_replica import SiteReplica
from service.distributed.worker.topic_reader import TopicReader, VerdictReader, summaries_into
from service.policy.model import Policy
from service.runtime.telemetry import WorkerMetrics

SESSION = 10.0  # s after which a worker that is silent loses its partitions
HEARTBEAT = 2.0
END = 15.0  # s for the last checkpoints
PATIENCE = 5.0  # s for leaving the group after them

_log = logging.getLogger("journalguard.worker")


class Worker:
    """The partitions that are this process's at the moment."""

    def __init__(self, site: SiteFolder, policy: Policy, name: str, metrics: WorkerMetrics) -> None:
        kafka = kafka_of(site)
        self._topics = topics_of(kafka)
        self._replica = SiteReplica(policy, kafka.partitions)
        folder = site.folder / "workers" / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = aiokafka_options(kafka, site.folder)
        verdicts = VerdictReader()
        self._readers = (
            TopicReader(self._topics.summaries, 1, options, summaries_into(self._replica), self._wake),
            TopicReader(self._topics.verdicts, kafka.partitions, options, verdicts.take, self._wake),
        )
        self._runners: dict[int, tuple[PartitionTask, asyncio.Task[None]]] = {}
        self._earliest: asyncio.Future[Any] | None = None  # offsets of the oldest frames
        self.app = faust.App(
            kafka.group,
            **faust_options(kafka, site.folder),
            key_serializer="raw",
            value_serializer="raw",
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            broker_session_timeout=SESSION,
            broker_heartbeat_interval=HEARTBEAT,
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=False,  # for acknowledgements, which are not Faust's here
            datadir=str(folder),
        )
        self._around = WorkerContext(
            kafka=kafka,
            topics=self._topics,
            policy=policy,
            states_days=site.settings.retention.states,
            replica=self._replica,
            verdicts=verdicts,
            options=options,
            log=identity_of(site),
            folder=folder / "accounts",
            checkpoint_seconds=site.settings.checkpoint_seconds,
            checkpoint_events=site.settings.checkpoint_lines,
            fetching=self._fetching,
            beginning=self._beginning,
            metrics=metrics,
        )
        self._declare()

    def _declare(self) -> None:
        app, topics = self.app, self._topics
        access = app.topic(topics.access, key_type=bytes, value_type=bytes, internal=False)

        @app.agent(access, name=f"{topics.access}-agent")
        async def absorb(stream: Any) -> None:
            async for event in stream.noack().events():
                message = event.message
                found = self._runners.get(message.partition)
                if found is not None:
                    found[0].push(message.offset, event.value or b"")

        # Faust's types know no arguments of a signal.
        app.on_partitions_assigned.connect(cast(Any, self._assigned))
        app.on_partitions_revoked.connect(cast(Any, self._revoked))
        app.on_before_shutdown.connect(self._shutdown)
        app.task(self._learn)

    async def _learn(self) -> None:
        await asyncio.gather(*(reader.run() for reader in self._readers))

    async def _assigned(self, _: Any, *assigned: Any, **__: Any) -> None:
        mine = {tp.partition for tp in assigned[0] if tp.topic == self._topics.access}
        forget_others(self._around.folder, mine | set(self._runners))
        for partition in sorted(mine - set(self._runners)):
            runner = PartitionTask(self._around, partition)
            task = asyncio.ensure_future(self._run(runner))
            self._runners[partition] = (runner, task)

    async def _run(self, runner: PartitionTask) -> None:
        bind(partition=runner.partition)
        try:
            await runner.run()
        except Exception as error:  # noqa: BLE001 - the whole worker ends, loudly: one partition standing still tells nobody
            _log.exception("partition-failed")
            await self.app.crash(error)

    async def _revoked(self, _: Any, *revoked: Any, **__: Any) -> None:
        gone = {tp.partition for tp in revoked[0] if tp.topic == self._topics.access}
        await self._end([self._runners.pop(partition) for partition in gone & set(self._runners)])

    async def _shutdown(self, *_: Any, **__: Any) -> None:
        # Faust's consumer may wait for a rebalance that never ends; by then all that matters is saved.
        patience = threading.Timer(END + PATIENCE, os._exit, (0,))
        patience.daemon = True
        patience.start()
        await self._end([self._runners.pop(partition) for partition in list(self._runners)])

    async def _end(self, runners: list[tuple[PartitionTask, asyncio.Task[None]]]) -> None:
        """Saves what was taken, so that the next owner need not take it again."""
        for runner, _ in runners:
            runner.stop()
        tasks = [task for _, task in runners]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=END)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _wake(self) -> None:
        for runner, _ in self._runners.values():
            runner.wake()

    def _fetching(self, partition: int, go_on: bool) -> None:
        tp = TP(self._topics.access, partition)
        consumer = self.app.consumer
        if go_on:
            consumer.resume_partitions([tp])
        else:
            consumer.pause_partitions([tp])

    async def _beginning(self, partition: int) -> int:
        # Faust's consumer answers between two fetches, which may take 1.5 s: all partitions ask at once.
        if self._earliest is None or self._earliest.done():
            tps = [TP(self._topics.access, n) for n in range(self._around.kafka.partitions)]
            self._earliest = asyncio.ensure_future(self.app.consumer.earliest_offsets(*tps))
        found = await asyncio.shield(self._earliest)
        return int(found[TP(self._topics.access, partition)])
