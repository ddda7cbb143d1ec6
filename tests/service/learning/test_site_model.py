"""What the site knows: changed by closed days only, by sums, and back again from its blobs."""

import itertools
import zlib
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.baselines import WINDOW_DAYS
from models.calibration import FLOOR
from models.ensemble import ensemble_score
from service.kernel.account_record import ACCOUNT, BIN_UNIT
from service.kernel.encoder import key32
from service.kernel.measures import OWN, G, K, M
from service.kernel.peer_groups import CLASSES
from service.learning import site_blobs
from service.learning.aggregation import SAMPLE, merge, summarise_day
from service.learning.day_summary import DaySummary
from service.learning.site_blobs import RING
from service.learning.site_learning import learn_day
from service.learning.site_model import ROWS, SiteModel
from service.pipeline.account_table import stable_id
from tests.service.factories import POLICY, TODAY

DAY = 86_400
GOLDEN = Path(__file__).parents[1] / "golden" / "site.v1.bin"


def readers(n: int, seed: int = 1, day: int = TODAY, evidence: float = 0.0) -> NDArray[np.void]:
    """States at the end of a day on which each account did something ordinary on the campus network."""
    rng = np.random.default_rng(seed)
    made = np.zeros(n, ACCOUNT)
    made["day_max"] = (rng.exponential(12.0, (n, K)) * BIN_UNIT).clip(0, 254 * BIN_UNIT)
    made["day_evidence"] = rng.exponential(1.0, n) + evidence
    made["day_joined"] = rng.exponential(1.0, n)
    made["last_time"] = day * DAY + 50_000
    made["rank"] = rng.integers(0, CLASSES, n)
    made["networks"][:, 0] = (key32("campus"), day * DAY + 50_000, 512, day)
    return made


def close(site: SiteModel, states: NDArray[np.void], day: int = TODAY, opened: int = 0) -> None:
    learn_day(site, sums_of(site, states, day, opened))


def sums_of(
    site: SiteModel, states: NDArray[np.void], day: int = TODAY, opened: int = 0, first: int = 0
) -> DaySummary:
    """Of accounts numbered from ``first``."""
    ids = np.array([stable_id(f"a{first + i}") for i in range(len(states))], np.uint64)
    return summarise_day(day, states, ids, opened, site.table, site.guards, site.home, POLICY)


def tables(site: SiteModel) -> list[bytes]:
    return [x.tobytes() for x in (site.table, site.tails, site.mean, site.var, site.guards)]


def test_a_new_site_judges_by_the_prior() -> None:
    site = SiteModel(POLICY)
    assert site.table.shape[:2] == (CLASSES, K)
    assert np.array_equal(site.table[0], site.table[1])
    assert site.mean.shape == site.var.shape == (CLASSES, len(OWN))
    assert (site.var > 0).all()
    assert (site.guards > 1).all()
    assert site.prevalence("networks", key32("campus")) == 0.0


def test_tables_follow_the_site_s_own_days() -> None:
    site = SiteModel(POLICY)
    before = site.table.copy()
    for day in range(5):
        states = readers(2000, seed=day)
        states["day_max"][:, M.DOCS_1H] = 24 * np.log1p(100) * BIN_UNIT
        close(site, states, TODAY + day)
    at = int(24 * np.log1p(90))
    assert before[0, M.DOCS_1H, at] > 5
    assert site.table[0, M.DOCS_1H, at] < 0.2


def test_the_order_of_accounts_does_not_matter() -> None:
    site = SiteModel(POLICY)
    states = readers(500)
    ids = np.array([stable_id(f"a{i}") for i in range(500)], np.uint64)
    turned = np.random.default_rng(2).permutation(500)
    made = [
        summarise_day(TODAY, states[order], ids[order], 3, site.table, site.guards, site.home, POLICY)
        for order in (np.arange(500), turned)
    ]
    assert made[0] == made[1]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 300), max_size=5), st.randoms())
def test_parts_counted_apart_merge_into_the_whole(cuts: list[int], chance: Random) -> None:
    site = taught()
    states = readers(300, seed=9)
    edges = [0, *sorted(cuts), 300]
    parts = [sums_of(site, states[a:b], opened=b - a, first=a) for a, b in itertools.pairwise(edges)]
    chance.shuffle(parts)
    assert merge(parts, POLICY) == sums_of(site, states, opened=300)


def test_parts_of_more_accounts_than_the_trees_see_merge_too() -> None:
    site = taught()
    states = readers(SAMPLE + 700, seed=9)
    states["day_joined"] += 2.0  # more candidates than are kept
    parts = [sums_of(site, states[:900], first=0), sums_of(site, states[900:], first=900)]
    assert merge(parts, POLICY) == sums_of(site, states)


def test_closing_leaves_the_states_alone() -> None:
    states = readers(100)
    before = states.tobytes()
    close(SiteModel(POLICY), states)
    assert states.tobytes() == before


def test_days_without_readers_close_too() -> None:
    site = SiteModel(POLICY)
    close(site, readers(0))
    assert site.day == TODAY
    assert np.isfinite(site.table).all()


def test_a_window_of_days_is_remembered() -> None:
    site, fresh = SiteModel(POLICY), SiteModel(POLICY)
    close(site, readers(3000, seed=99), TODAY)
    for day in range(1, WINDOW_DAYS + 1):
        close(site, readers(50, seed=day), TODAY + day)
        close(fresh, readers(50, seed=day), TODAY + day)
    assert np.array_equal(site.table, fresh.table)


def test_prevalence_is_the_share_of_calm_account_days() -> None:
    site = SiteModel(POLICY)
    states = readers(100)
    states["networks"][:30, 0]["key"] = key32("home")
    close(site, states)
    assert site.prevalence("networks", key32("campus")) == pytest.approx(0.7, abs=0.05)
    assert site.prevalence("networks", key32("home")) == pytest.approx(0.3, abs=0.05)
    assert site.prevalence("networks", key32("never")) == 0.0
    assert site.prevalence("owners", key32("campus")) == 0.0


def test_suspects_do_not_make_a_network_known() -> None:
    site = SiteModel(POLICY)
    states = readers(100)
    states["networks"][:30, 0]["key"] = key32("thief")
    states["day_evidence"][:30] = 1e6
    close(site, states)
    assert site.prevalence("networks", key32("thief")) == 0.0


def score(site: SiteModel, evidence: float, groups: list[float]) -> float:
    return ensemble_score(site.member_scores(0, evidence, groups, 0.0), POLICY.budget.weights)


def test_the_joined_score_is_the_tail_of_the_evidence_before_the_trees_are_ready() -> None:
    site = SiteModel(POLICY)
    scores = [score(site, e, [0.0] * G) for e in (0.0, 1.0, 5.0, 20.0, 80.0, 1e9)]
    assert scores == sorted(scores)
    assert scores[0] == 0.0
    assert scores[-1] <= 30.0


def taught() -> SiteModel:
    site = SiteModel(POLICY)
    for day in range(4):
        close(site, readers(800, seed=day), TODAY + day)
    return site


def test_the_trees_join_once_they_know_enough_days() -> None:
    site = taught()
    strange = score(site, 0.5, [14.0] * G)
    assert strange > score(site, 0.5, [0.0] * G)
    assert np.isfinite(strange)


def test_the_trees_see_a_sample_of_a_large_site() -> None:
    site = SiteModel(POLICY)
    close(site, readers(SAMPLE + 500))
    close(site, readers(SAMPLE + 500), TODAY + 1)
    blob = site_blobs.drain(site)[f"histogram/{(TODAY + 1) % RING:02d}"]
    assert len(blob) < 50_000
    restored = SiteModel(POLICY)
    site_blobs.restore(restored, {"site": site_blobs.blob(site, "site"), "histogram/xx": blob})
    assert tables(restored) != tables(SiteModel(POLICY))


def test_the_blobs_hold_everything() -> None:
    site = SiteModel(POLICY)
    blobs: dict[str, bytes] = {}
    for day in range(WINDOW_DAYS + 3):
        close(site, readers(200, seed=day), TODAY + day, opened=2)
        blobs.update(site_blobs.drain(site))
    assert sum(name.startswith("histogram/") for name in blobs) == RING
    other = SiteModel(POLICY)
    site_blobs.restore(other, blobs)
    assert tables(other) == tables(site)
    assert other.threshold.calibration == site.threshold.calibration
    for one in (site, other):
        close(one, readers(200, seed=77), TODAY + WINDOW_DAYS + 3)
    assert site_blobs.drain(other) == site_blobs.drain(site)
    assert tables(other) == tables(site)


def test_old_blobs_of_the_ring_are_not_taken_for_new_days() -> None:
    site = SiteModel(POLICY)
    blobs: dict[str, bytes] = {}
    close(site, readers(3000, seed=5), TODAY)
    blobs.update(site_blobs.drain(site))
    later = TODAY + 10 * WINDOW_DAYS + 3
    close(site, readers(50, seed=6), later)
    blobs.update(site_blobs.drain(site))
    other = SiteModel(POLICY)
    site_blobs.restore(other, blobs)
    assert tables(other) == tables(site)


def test_drain_gives_only_what_changed() -> None:
    site = SiteModel(POLICY)
    assert site_blobs.drain(site) == {}
    close(site, readers(10))
    assert {"site", f"histogram/{TODAY % RING:02d}"} <= set(site_blobs.drain(site))
    assert site_blobs.drain(site) == {}


def test_a_fresh_store_restores_a_fresh_site() -> None:
    site = SiteModel(POLICY)
    site_blobs.restore(site, {})
    assert tables(site) == tables(SiteModel(POLICY))


def test_rows_of_a_histogram() -> None:
    assert ROWS == K + 3 == len(POLICY.prior)


def test_the_threshold_never_falls_below_its_floor() -> None:
    site = SiteModel(POLICY)
    for day in range(20):
        states = readers(30, seed=day)
        states["day_joined"] = 0.0
        close(site, states, TODAY + day)
    assert site.threshold.value >= FLOOR


def test_what_the_release_before_knew_is_read() -> None:
    """Its classifiers are yet to be taught; rows of measures it did not know are empty."""
    blobs = msgspec.msgpack.decode(zlib.decompress(GOLDEN.read_bytes()), type=dict[str, bytes])
    site = SiteModel(POLICY)
    site_blobs.restore(site, blobs)
    assert site.day == TODAY + 18
    assert site.classifiers.days == 0
    assert site.threshold.calibration.days
    assert site.table[1, M.DOCS_1D, 60] != SiteModel(POLICY).table[1, M.DOCS_1D, 60]
    assert np.array_equal(site.table[:, M.DOCS_7D_TREND], SiteModel(POLICY).table[:, M.DOCS_7D_TREND])
    close(site, readers(200), TODAY + 19)
    again = SiteModel(POLICY)
    site_blobs.restore(again, {**blobs, **site_blobs.drain(site)})
    assert tables(again) == tables(site)
