"""Versions of the models: kept by the week, promoted for the whole site at a midnight, named by alerts."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from models.classifiers import Classifiers
from service.distributed.protocol import wire
from service.distributed.protocol.wire import SumsRecord
from service.distributed.shipper.framing import FrameBuilder
from service.distributed.worker.partition_processor import PartitionProcessor
from service.distributed.worker.site_replica import SiteReplica
from service.learning.model_versions import EVERY, KEPT, Version, read_versions, ring_slot, with_version
from service.learning.site_model import MODEL, SiteModel
from service.pipeline.site_pipeline import Pipeline
from service.records.commands import Command, CommandKind
from service.records.events import AccessEvent
from tests.e2e.sites import access_lines, call, followed, made
from tests.service.factories import DAY, POLICY, TODAY, Kept, library

STREAM = library(days=11, readers=12)
FIRST = TODAY  # the first day that is learnt, and so the first version
DAYS = [[e for e in STREAM if e.time // DAY == day] for day in range(TODAY, TODAY + 11)]


def version(day: int) -> Version:
    return Version(day, TODAY, 0, "policy", b"", b"")


def absorbed(days: Sequence[list[AccessEvent]], promoted: int = 0) -> Pipeline:
    """All days; a version is promoted in the last but one."""
    pipeline = Pipeline(POLICY)
    for n, events in enumerate(days):
        pipeline.absorb(events)
        if promoted and n == len(days) - 2:
            pipeline.apply([Command(CommandKind.PROMOTE, model=promoted)])
    return pipeline


def taught(site: SiteModel) -> bytes:
    return site.classifiers.snapshot()


def test_one_is_kept_every_week() -> None:
    site = absorbed(DAYS)._site
    assert list(site.versions) == [FIRST, FIRST + EVERY]
    newest = site.versions[FIRST + EVERY]
    assert (newest.since, newest.branch, newest.policy) == (FIRST, 0, POLICY.hash)


def test_twelve_are_kept() -> None:
    versions: dict[int, Version] = {}
    for day in range(TODAY, TODAY + 30 * EVERY, EVERY):
        versions = with_version(versions, version(day))
    assert len(versions) == KEPT
    blobs = {ring_slot(day): msgspec.msgpack.encode(v) for day, v in versions.items()}
    assert read_versions(blobs) == versions


def test_a_promoted_version_goes_on_learning_from_where_it_was() -> None:
    site, usual = absorbed(DAYS, FIRST)._site, absorbed(DAYS)._site
    assert site.version == f"{MODEL}/{usual.day}/{FIRST}"
    assert usual.version == f"{MODEL}/{usual.day}"
    assert taught(site) != taught(usual)
    assert Classifiers.from_snapshot(taught(site)).days == 2, (
        "that of the first day, and the last day's learning"
    )


def test_a_version_that_is_not_kept_changes_nothing() -> None:
    site, usual = absorbed(DAYS, FIRST + 1)._site, absorbed(DAYS)._site
    assert (site.version, taught(site)) == (usual.version, taught(usual))


def test_a_promotion_waits_over_a_restart_and_comes_once() -> None:
    store, pipeline = Kept(), Pipeline(POLICY)
    for n, events in enumerate(DAYS):
        pipeline.absorb(events)
        if n == 8:
            pipeline.apply([Command(CommandKind.PROMOTE, model=FIRST)])
        store.take(pipeline.drain())
        pipeline = Pipeline(POLICY)
        pipeline.restore(store.accounts.items(), store.shared)
    expected = Pipeline(POLICY)
    for n, events in enumerate(DAYS):
        expected.absorb(events)
        if n == 8:
            expected.apply([Command(CommandKind.PROMOTE, model=FIRST)])
    assert taught(pipeline._site) == taught(expected._site)
    assert pipeline._site.version == expected._site.version


@pytest.mark.parametrize("partitions", [1, 4])
def test_over_partitions_it_is_the_same(partitions: int) -> None:
    frames: dict[int, list[bytes]] = {p: [] for p in range(partitions)}
    builder = FrameBuilder(0, partitions, lambda p, value: frames[p].append(value), lambda: 0.0, lambda: None)
    for n, events in enumerate(DAYS):
        builder.absorb(events)
        if n == len(DAYS) - 2:
            builder.apply([Command(CommandKind.PROMOTE, model=FIRST)])
    builder.drain()
    replica = SiteReplica(POLICY, partitions)
    processors = [PartitionProcessor(p, partitions, POLICY, replica.site) for p in range(partitions)]
    while any(processor.offset + 1 < len(frames[p]) for p, processor in enumerate(processors)):
        for p, processor in enumerate(processors):
            if not replica.ready(processor.needs):
                continue
            processor.begin_next_day()
            while processor.offset + 1 < len(frames[p]):
                if not processor.take(
                    processor.offset + 1, wire.decode_frame(frames[p][processor.offset + 1])
                ):
                    break
            _, ledger = processor.drain()
            assert ledger
            if (closing := processor.closing) is not None:
                replica.take_sums(SumsRecord(1, p, closing.next_day, closing.after, closing.sums))
    expected = absorbed(DAYS, FIRST)._site
    assert replica.site.version == expected.version
    assert taught(replica.site) == taught(expected)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """One that has learnt a day."""
    lines = [*access_lines(range(0, 600, 60)), access_lines([60])[0].replace("24/Nov", "25/Nov")]
    (tmp_path / "access.log").write_text("".join(f"{line}\n" for line in lines))
    folder = made(tmp_path / "site", "--log", tmp_path / "access.log")
    followed(folder, len(lines))
    return folder


def test_the_commands(site: Path) -> None:
    listed = call("models", "list", "--site", site)
    assert listed.exit_code == 0, listed.output
    number, *_ = listed.stdout.split()
    assert f"In force: {MODEL}/{number}, learnt up to 2026-11-24" in listed.stdout
    promoted = call("models", "promote", number, "--site", site)
    assert promoted.stdout == f"Version {number} is promoted at the next close of a day.\n"
    assert promoted.stdout in call("models", "list", "--site", site).stdout
    with (site.parent / "access.log").open("a") as log:
        log.write(access_lines([60])[0].replace("24/Nov", "26/Nov") + "\n")
    followed(site, 12)
    assert f"In force: {MODEL}/{int(number) + 1}/{number}," in call("models", "list", "--site", site).stdout
    assert call("models", "rollback", "--site", site).exit_code == 0


def test_what_cannot_be_done_is_told(site: Path) -> None:
    refused = call("models", "promote", "1", "--site", site)
    assert (refused.exit_code, "version 1 is not kept; there are 2" in refused.stderr) == (1, True)
    refused = call("models", "rollback", "--site", site)
    assert (refused.exit_code, "no version is older" in refused.stderr) == (1, True)
    empty = made(site.parent / "empty")
    followed(empty, 0)
    assert "has not learnt a day yet" in call("models", "list", "--site", empty).stderr
