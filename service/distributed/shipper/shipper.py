"""The shipper: a site's lines become events, and go to Kafka in frames.

It is ``FollowLoop`` over other parts than the embedded runner's: a ``FrameBuilder`` instead of a pipeline,
files instead of a database. While the brokers are away reading stops as soon as the buffer is full: the logs
themselves are the buffer then.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from functools import partial
from math import nan
from threading import Event

from pseudonymiser.ingest import Ingest
from service.base.locks import SHIP_LOCK, exclusive_lock
from service.base.retry import Pauses, each_new, retrying
from service.config.settings import SiteFolder
from service.distributed.protocol.connection import kafka_of
from service.distributed.protocol.errors import BrokerError
from service.distributed.protocol.topics import check, topics_of
from service.distributed.protocol.wire import VERSION, IdentityRecord, encode
from service.distributed.shipper.checkpoint import CheckpointFile
from service.distributed.shipper.command_spool import CommandSpool
from service.distributed.shipper.framing import FrameBuilder
from service.distributed.shipper.intake import Intake
from service.distributed.shipper.merge_order import MergeOrderFile, RecordedMerge
from service.distributed.shipper.producer import Producer, connector
from service.distributed.shipper.status import StatusReporter
from service.records.checkpoints import Checkpoint, SavedState
from service.runtime.merge import Clock
from service.runtime.runner import FollowLoop, FollowSettings, Runner
from service.runtime.telemetry import ShipperMetrics, registry_of, serve, tell_databases

PAUSE = 0.1  # s between looks at logs that had nothing new
ASK_AGAIN = 2.0  # s between questions for the topics
LOOK_AGAIN = 1.0  # s between looks for commands
CHECKPOINT, TURNS = "ship.checkpoint", "ship.turns"  # in the site's folder

NO_DATABASES: Mapping[str, int] = {}

OpenIntake = Callable[[Mapping[str, bytes]], Intake]  # positions of the checkpoint -> sources

_log = logging.getLogger("journalguard.ship")


def ship(
    site: SiteFolder,
    ingest: Ingest,
    clock: Clock,
    open_intake: OpenIntake,
    stop: Event,
    databases: Mapping[str, int] = NO_DATABASES,
) -> None:
    """Ships until ``stop`` is set or the intake ends; ``clock`` orders several sources.

    ``databases`` are those of places, and of which time each is, s UTC.
    Raises operators' errors: topics that are not as they must be, a damaged checkpoint, a folder in use.
    """
    with ExitStack() as closes:
        closes.enter_context(exclusive_lock(site.folder / SHIP_LOCK, "ship"))
        parts = closes.enter_context(closing(_Shipper(site, ingest, clock, open_intake, stop)))
        tell_databases(parts.registry, databases)
        if site.settings.metrics_port:
            closes.enter_context(
                closing(serve(parts.registry, site.settings.metrics_address, site.settings.metrics_port))
            )
        if _topics_are_right(site, stop):
            parts.run()


class _Shipper:
    """The shipper's parts; also its port to a store, where each hears of a checkpoint."""

    def __init__(
        self, site: SiteFolder, ingest: Ingest, clock: Clock, open_intake: OpenIntake, stop: Event
    ) -> None:
        kafka = kafka_of(site)
        topics = topics_of(kafka)
        settings = site.settings
        self._settings = settings
        self._stop = stop
        self._file = CheckpointFile(site.folder / CHECKPOINT)
        self._saved = self._file.load()
        self._producer = Producer(
            connector(kafka, site.folder, (topics.access, topics.status, topics.identities)), stop
        )
        self._access, self._identities = topics.access, topics.identities
        flush = self._producer.flush
        self._frames = FrameBuilder(settings.shipper, kafka.partitions, self._send, time.monotonic, flush)
        self._runner = Runner(ingest, self._frames, absorb=1)
        self._runner.restore(self._saved)
        self._commands = CommandSpool(site.folder)
        self._looked_at = -LOOK_AGAIN
        process = f"shipper/{settings.shipper}"
        say = partial(self._producer.send, topics.status, None, key=process.encode())
        self._status = StatusReporter(process, say)
        self._merge_order = MergeOrderFile(site.folder / TURNS)
        self._merge = RecordedMerge(clock, self._merge_order, self._merge_order.begin(self._file.serial))
        self._intake = open_intake(self._saved.positions)
        self.registry = registry_of()
        self._metrics = ShipperMetrics(self.registry)
        self._metrics.begin(self._runner.counters)
        self._metrics.watch(self._lag, lambda: self._producer.buffered_bytes)

    def run(self) -> None:
        """Reads and sends until told to stop."""
        try:
            FollowLoop(
                self._runner,
                self._intake,
                self._merge,
                self,
                pace=FollowSettings(self._settings.checkpoint_lines, self._settings.checkpoint_seconds, 0),
                positions=self._saved.positions,
                retry_on=(BrokerError, OSError),
                poll=self._poll,
                pause=PAUSE,
            ).run(self._stop)
            self._status.send(at_once=True)
            self._producer.flush()
        except BrokerError as error:
            _log.warning("ended-early %s; the lines are read again at the next start", error)

    def load(self) -> SavedState:
        """What the last checkpoint said."""
        return self._saved

    def commit(self, checkpoint: Checkpoint) -> None:
        """All acknowledged, then written, then told. Raises ``BrokerError``, ``OSError``."""
        for account in checkpoint.changes.unnamed:  # what is sealed anew comes behind its tombstone
            self._producer.send(self._identities, None, None, key=account.encode())
        for identity in checkpoint.changes.identities:
            value = encode(IdentityRecord(VERSION, identity))
            self._producer.send(self._identities, None, value, key=identity.pseudonym.encode())
        self._producer.flush()
        if self._merge.repeating:
            self._file.keep(checkpoint)
            return
        self._file.commit(checkpoint)
        self._merge_order.renew(self._file.serial)
        self._commands.done()
        self._status.take(checkpoint)
        self._metrics.acknowledged(checkpoint.counters, checkpoint.written_at)
        self._intake.acknowledged(checkpoint.positions)

    def close(self) -> None:
        """Ends what is open."""
        self._producer.close()
        self._merge_order.close()
        self._intake.close()

    def _lag(self) -> float:
        """In the thread of the metrics, which must not fail where a log is away for a moment."""
        try:
            return self._intake.lag_bytes(self._file.positions)
        except OSError:
            return nan

    def _send(self, partition: int, value: bytes) -> None:
        if self._merge.several:
            self._merge_order.sync()
        self._producer.send(self._access, partition, value)

    def _poll(self) -> None:
        self._take_commands()
        self._frames.send_old()
        self._producer.tick()
        self._status.send()
        if self._intake.ended(self._file.positions):
            self._stop.set()

    def _take_commands(self) -> None:
        if time.monotonic() - self._looked_at < LOOK_AGAIN or self._merge.repeating:
            return
        self._looked_at = time.monotonic()
        if orders := self._commands.take():
            self._runner.apply(orders)


def _topics_are_right(site: SiteFolder, stop: Event) -> bool:
    """Waits for the brokers and looks at the topics; false where ``stop`` came. Raises ``TopicError``."""
    pauses = Pauses(ASK_AGAIN, ASK_AGAIN)
    try:
        retrying(BrokerError, pauses, each_new(_tell_waiting), stop)(check, site)
    except BrokerError:
        return False
    return not stop.is_set()


def _tell_waiting(error: BaseException, _: float) -> None:
    _log.warning("broker-waits %s; tried again until it works, the logs keep the lines", error)
