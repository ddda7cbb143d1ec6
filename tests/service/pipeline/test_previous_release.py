"""A whole site as the release before saved it, read by this one."""

import zlib
from pathlib import Path

import msgspec
import pytest

from service.pipeline.site_pipeline import Pipeline
from tests.service.factories import DAY, POLICY, TODAY, library, shifted

GOLDEN = Path(__file__).parents[1] / "golden" / "pipeline.v2.bin"  # five days of a small library


@pytest.fixture
def pipeline() -> Pipeline:
    accounts, shared = msgspec.msgpack.decode(
        zlib.decompress(GOLDEN.read_bytes()), type=tuple[tuple[tuple[str, bytes], ...], dict[str, bytes]]
    )
    made = Pipeline(POLICY)
    made.restore(accounts, shared)
    return made


def test_accounts_tables_threshold_and_episodes_are_read(pipeline: Pipeline) -> None:
    site, states = pipeline._site, pipeline._shard._states
    assert site.day == TODAY + 3
    assert site.threshold.calibration.days
    assert states.episodes
    assert not states.samples
    assert float(states.array["documents"].sum()) > 40


def test_its_classifiers_saw_other_terms_and_begin_anew(pipeline: Pipeline) -> None:
    assert pipeline._site.classifiers.days == 0
    pipeline.absorb([shifted(e, time=e.time + 5 * DAY) for e in library(days=2, readers=12)])
    assert pipeline._site.classifiers.days > 0
    saved = pipeline.drain()
    again = Pipeline(POLICY)
    again.restore(saved.accounts, saved.shared)
    assert again._site.classifiers.days == pipeline._site.classifiers.days
