"""Orders of readers' rights in the stream: before is known, after is new, and others notice nothing."""

from pathlib import Path

import pytest

from service.distributed.protocol import wire
from service.distributed.shipper.command_spool import CommandSpool
from service.distributed.shipper.framing import FrameBuilder
from service.distributed.worker.partition_processor import PartitionProcessor
from service.distributed.worker.site_replica import SiteReplica
from service.pipeline.site_pipeline import Pipeline
from service.records.commands import Command, CommandKind
from service.records.events import AccessEvent
from tests.service.factories import DAY, NOON, POLICY, Kept, event

FORGET, RESTRICT, LIFT = (
    Command(act, "thief") for act in (CommandKind.FORGET, CommandKind.RESTRICT, CommandKind.LIFT)
)


def theft(at: int, count: int = 400) -> list[AccessEvent]:
    """Enough documents for an alert, with another reader's in between."""
    return [
        each
        for n in range(count)
        for each in (event(at + 3 * n, "thief", document=n), event(at + 3 * n, "reader", document=n % 3))
    ]


def test_nothing_of_what_came_before_leaves_the_pipeline() -> None:
    pipeline = Pipeline(POLICY)
    pipeline.absorb(theft(NOON))
    pipeline.apply([FORGET])
    changes = pipeline.drain()
    assert changes.erased == changes.untraced == changes.unnamed == changes.gone == ("thief",)
    assert [account for account, _ in changes.accounts] == ["reader"]
    assert not [alert for alert in changes.alerts if alert.account == "thief"]
    assert not [trace for trace in changes.traces if trace.event.account == "thief"]
    assert pipeline.drain().erased == ()


def test_what_comes_after_is_a_strangers() -> None:
    pipeline, stranger = Pipeline(POLICY), Pipeline(POLICY)
    pipeline.absorb(theft(NOON))
    pipeline.drain()
    pipeline.apply([FORGET])
    later = [event(NOON + 7200, "thief", document=1)]
    pipeline.absorb(later)
    stranger.absorb(later)
    changes = pipeline.drain()
    assert changes.erased == ("thief",)
    assert changes.gone == (), "it is back"
    assert dict(changes.accounts) == dict(stranger.drain().accounts)


def test_a_restricted_account_stays_as_it_is_until_it_is_lifted() -> None:
    store = Kept()
    pipeline = Pipeline(POLICY)
    pipeline.absorb([event(NOON, "thief"), event(NOON, "reader")])
    store.take(pipeline.drain())
    before = store.accounts["thief"]
    pipeline.apply([RESTRICT])
    pipeline.absorb(theft(NOON + 60))
    pipeline.absorb([event(NOON + 2 * DAY, "reader")])  # days are closed meanwhile
    store.take(pipeline.drain())
    assert store.accounts["thief"] == before
    assert not [alert for alert in store.alerts.values() if alert.account == "thief"]
    assert pipeline.counters["events_restricted_total"] == 400
    pipeline.apply([LIFT])
    pipeline.absorb([event(NOON + 2 * DAY + 60, "thief")])
    store.take(pipeline.drain())
    assert store.accounts["thief"] != before


@pytest.mark.parametrize(("days", "kept"), [(89, True), (91, False)])
def test_a_state_goes_when_its_account_was_not_seen_for_so_long(days: int, kept: bool) -> None:
    pipeline = Pipeline(POLICY, 90)
    pipeline.absorb([event(NOON, "thief"), event(NOON, "reader")])
    pipeline.drain()
    for day in range(10, days + 1, 10):
        pipeline.absorb([event(NOON + day * DAY, "reader")])
        assert "thief" not in pipeline.drain().gone
    pipeline.absorb([event(NOON + days * DAY, "reader")])
    assert ("thief" in pipeline.drain().gone) is not kept


def test_a_restricted_state_does_not_go_by_age() -> None:
    pipeline = Pipeline(POLICY, 90)
    pipeline.absorb([event(NOON, "thief"), event(NOON, "reader")])
    pipeline.apply([RESTRICT])
    pipeline.absorb([event(NOON + 100 * DAY, "reader")])
    assert "thief" not in pipeline.drain().gone


def processor_after(
    *steps: list[AccessEvent] | Command, restarts: bool
) -> tuple[PartitionProcessor, dict[str, bytes], list[str]]:
    """A partition that took all that a shipper sent; states saved, and accounts erased on the way."""
    frames: list[bytes] = []
    builder = FrameBuilder(0, 1, lambda _, value: frames.append(value), lambda: 0.0, lambda: None)
    for step in steps:
        builder.apply([step]) if isinstance(step, Command) else builder.absorb(step)
    builder.drain()
    replica, states, erased = SiteReplica(POLICY, 1), dict[str, bytes](), list[str]()
    processor = PartitionProcessor(0, 1, POLICY, replica.site)
    for offset, frame in enumerate(frames):
        assert processor.take(offset, wire.decode_frame(frame))
        changes, ledger = processor.drain()
        for account in changes.gone:
            states.pop(account, None)
        states.update(changes.accounts)
        erased += changes.erased
        if restarts:
            processor = PartitionProcessor(0, 1, POLICY, replica.site)
            processor.restore(states.items(), ledger)
    return processor, states, erased


@pytest.mark.parametrize("restarts", [False, True])
def test_a_lane_takes_orders_in_their_place(restarts: bool) -> None:
    _, states, erased = processor_after(theft(NOON), FORGET, restarts=restarts)
    assert (sorted(states), erased) == (["reader"], ["thief"])
    _, again, _ = processor_after(theft(NOON), FORGET, [event(NOON + 7200, "thief")], restarts=restarts)
    assert sorted(again) == ["reader", "thief"]
    processor, frozen, _ = processor_after(
        [event(NOON, "thief")], RESTRICT, theft(NOON + 60), restarts=restarts
    )
    _, alone, _ = processor_after([event(NOON, "thief")], restarts=restarts)
    assert frozen["thief"] == alone["thief"]
    assert processor.counters["events_restricted_total"] == 400


def test_orders_wait_for_the_shipper_and_go_once_they_are_acknowledged(tmp_path: Path) -> None:
    CommandSpool(tmp_path).put(FORGET)
    CommandSpool(tmp_path).put(RESTRICT)
    box = CommandSpool(tmp_path)
    assert box.take() == [FORGET, RESTRICT]
    assert box.take() == []
    assert CommandSpool(tmp_path).waiting() == [FORGET, RESTRICT], "after a crash they are there"
    box.done()
    assert CommandSpool(tmp_path).waiting() == []
