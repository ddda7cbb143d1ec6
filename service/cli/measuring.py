"""What `run` tells Prometheus of itself: a store that times its checkpoints, and the lag behind the logs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from math import nan

from pseudonymiser.geo import LocalGeo
from pseudonymiser.tail import Tail
from service.config.settings import Settings
from service.distributed.shipper.lag import unread_bytes
from service.records.checkpoints import Checkpoint, SavedState, Store
from service.runtime.telemetry import RunMetrics, registry_of, serve, tell_databases


class TimedStore:
    """A store whose checkpoints are timed; it knows the positions of the last one."""

    def __init__(self, store: Store, metrics: RunMetrics, positions: Mapping[str, bytes]) -> None:
        self._store = store
        self._metrics = metrics
        self.positions = positions

    def load(self) -> SavedState:
        return self._store.load()

    def commit(self, checkpoint: Checkpoint) -> None:
        with self._metrics.checkpoints.time():
            self._store.commit(checkpoint)
        self.positions = checkpoint.positions

    def close(self) -> None:
        self._store.close()


@contextmanager
def measured(
    store: Store,
    settings: Settings,
    policy: str,
    logs: tuple[Sequence[str], Sequence[str]],
    positions: Mapping[str, bytes],
    geo: LocalGeo,
) -> Iterator[tuple[TimedStore, RunMetrics]]:
    """The site's store, timed, and the metrics; served at the settings' ``metrics_port`` meanwhile.

    Args:
        policy: hash of the policy in force.
        logs: access and audit logs, as the tail is given them.
        positions: those that were saved before.
        geo: whose databases' age is told.
    """
    registry = registry_of(policy)
    metrics = RunMetrics(registry)
    tell_databases(registry, {edition.kind: edition.built_at for edition in geo.editions})
    timed = TimedStore(store, metrics, positions)

    def lag() -> float:
        """In the thread of the metrics, which must not fail where a log is away for a moment."""
        try:
            keys = [source.key for source in Tail(*logs, {}).sources()]
            known = timed.positions
            return sum(unread_bytes(key.partition(":")[2], known.get(key)) for key in keys)
        except OSError:
            return nan

    metrics.watch(lag)
    if not settings.metrics_port:
        yield timed, metrics
        return
    with closing(serve(registry, settings.metrics_address, settings.metrics_port)):
        yield timed, metrics
