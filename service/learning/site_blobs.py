"""How what the site knows is saved: named blobs, of which a checkpoint writes those that changed."""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import baselines
from models.calibration import Calibration
from models.classifiers import Classifiers
from models.detectors import Trees
from models.scale import BINS
from service.base.decoding import decoding_guard
from service.decision.reader_groups import KEPT_DAYS, PREFIX, GroupHistory, read_group_history
from service.kernel.measures import K
from service.kernel.peer_groups import CLASSES, HOME, LOCALITIES, PEER_GROUPS
from service.learning import drift, model_versions
from service.learning.aggregation import CLASSIFIERS, EVIDENCE, TABLES, pack_counts, unpack_counts
from service.learning.drift import Drift
from service.learning.model_versions import read_versions
from service.learning.rarity_log import RarityLog
from service.learning.site_model import ROWS, TREES, SiteModel
from service.records import drift_report

SITE = "site"  # name of the snapshot among the blobs
DRIFT = "drift"  # name of what is remembered of drift among the blobs
VERSION = 2  # of SiteSnapshot
RING = baselines.WINDOW_DAYS + 2  # slots of histograms: today's never overwrites one still in use
_OTHERS = ROWS - K  # rows behind those of the measures
_ROWS_V1 = [*range(42), EVIDENCE, TREES]  # where rows of the first version stand now


class SiteSnapshot(msgspec.Struct, frozen=True):
    """All but the histograms, which are kept a day each."""

    version: int
    day: int
    trees: bytes
    calibration: Calibration
    account_days: float
    prevalence: Mapping[str, tuple[bytes, bytes]]  # table -> keys u4, faded account-days f8
    classifiers: bytes = b""  # none in version 1
    known: int = 0
    since: int = 0
    branch: int = 0
    rarity: RarityLog = RarityLog()


def drain(site: SiteModel) -> dict[str, bytes]:
    """Blobs of what changed since the last call."""
    out = {name: blob(site, name) for name in sorted(site.changed)}
    site.changed.clear()
    return out


def blob(site: SiteModel, name: str) -> bytes:
    if name == SITE:
        return msgspec.msgpack.encode(_snapshot(site))
    if name == DRIFT:
        return msgspec.msgpack.encode(site.drift)
    if name == drift_report.NAME:
        return msgspec.json.encode(drift.report(site.drift, site.rarity.calibrations))
    return _of_ring(site, name)


def _of_ring(site: SiteModel, name: str) -> bytes:
    """A blob that a later day's will replace; empty where the day is too old."""
    if name.startswith(PREFIX):
        return site.threshold.blob(name)
    if name.startswith(model_versions.PREFIX):
        kept = (v for day, v in site.versions.items() if model_versions.ring_slot(day) == name)
        return msgspec.msgpack.encode(next(kept))
    day = next((d for d in site.histograms if histogram_slot(d) == name), None)
    return b"" if day is None else day.to_bytes(4, "little") + pack_counts(site.histograms[day])


def _snapshot(site: SiteModel) -> SiteSnapshot:
    packed = {
        name: (
            np.fromiter(p.keys(), "<u4", len(p)).tobytes(),
            np.fromiter(p.values(), "<f8", len(p)).tobytes(),
        )
        for name, p in site.shares.items()
    }
    return SiteSnapshot(
        VERSION, site.day, site.trees.snapshot(), site.threshold.calibration, site.account_days, packed,
        site.classifiers.snapshot(), site.known, site.since, site.branch, site.rarity,
    )  # fmt: skip


def restore(site: SiteModel, shared: Mapping[str, bytes]) -> None:
    """Start again from the blobs of ``drain``. Raises StateError for what cannot be read."""
    if SITE not in shared:
        return
    with decoding_guard("knowledge of the site"):
        _restore(site, shared)
    site.rebuild()


def _restore(site: SiteModel, shared: Mapping[str, bytes]) -> None:
    saved = msgspec.msgpack.decode(shared[SITE], type=SiteSnapshot)
    site.day, site.known = saved.day, saved.known
    site.account_days = saved.account_days
    site.since, site.branch, site.rarity = saved.since, saved.branch, saved.rarity
    site.versions = read_versions(shared)
    site.trees = Trees.from_snapshot(saved.trees)
    kept = Classifiers.from_snapshot(saved.classifiers) if saved.classifiers else site.classifiers
    anew = not kept.fits(
        site.classifiers
    )  # they saw other terms, and are taught anew: their scores say nothing
    site.classifiers = site.classifiers if anew else kept
    site.shares = {
        name: dict(
            zip(np.frombuffer(keys, "<u4").tolist(), np.frombuffer(values, "<f8").tolist(), strict=True)
        )
        for name, (keys, values) in saved.prevalence.items()
    }
    site.drift = msgspec.msgpack.decode(shared[DRIFT], type=Drift) if DRIFT in shared else Drift()
    site.shares = {name: site.shares.get(name, {}) for name in TABLES}
    site.find_home()
    days = {}
    for name, blob in shared.items():
        if name.startswith("histogram/") and blob:
            day = int.from_bytes(blob[:4], "little")
            if site.day - baselines.WINDOW_DAYS < day <= site.day:
                days[day] = _histogram(blob[4:])
                days[day][:, CLASSIFIERS] *= not anew
    site.histograms = dict(sorted(days.items()))
    since = site.day - KEPT_DAYS
    ledger = GroupHistory({d: c for d, c in read_group_history(shared).items() if since < d <= site.day})
    site.threshold.restore(saved.calibration, ledger)


def _histogram(packed: bytes) -> NDArray[np.uint32]:
    """Unpack a day's counts (PEER_GROUPS, ROWS, BINS); version 1 had fewer rows and no localities."""
    flat = unpack_counts(packed, 1)[:, 0]
    if len(flat) == PEER_GROUPS * ROWS:
        return flat.reshape(PEER_GROUPS, ROWS, BINS)
    rows = len(flat) // PEER_GROUPS
    if len(flat) == PEER_GROUPS * rows and rows > len(_ROWS_V1):  # fewer measures, the rest as today
        grown = np.zeros((PEER_GROUPS, ROWS, BINS), np.uint32)
        grown[:, [*range(rows - _OTHERS), *range(K, ROWS)]] = flat.reshape(PEER_GROUPS, rows, BINS)
        return grown
    counts = np.zeros((CLASSES, LOCALITIES, ROWS, BINS), np.uint32)
    counts[:, HOME, _ROWS_V1] = flat.reshape(CLASSES, len(_ROWS_V1), BINS)
    return counts.reshape(PEER_GROUPS, ROWS, BINS)


def histogram_slot(day: int) -> str:
    """Histograms are kept in a ring of blobs, one a day."""
    return f"histogram/{day % RING:02d}"
