"""What a shipper says of itself: the newest checkpoint, not too often, rejected lines without their text."""

import pytest

from service.distributed.protocol.wire import StatusRecord, decode
from service.distributed.shipper import status
from service.distributed.shipper.status import NEWEST, StatusReporter
from service.records.checkpoints import Changes, Checkpoint
from service.records.events import Rejected


def checkpoint(lines: int, *rejected: Rejected) -> Checkpoint:
    return Checkpoint(
        changes=Changes(),
        positions={},
        counters={"lines_total": lines},
        rejected=rejected,
        last_event_time=100,
        forget_before=0,
        written_at=5.0,
    )


def test_only_news_is_told() -> None:
    sent: list[bytes] = []
    said = StatusReporter("shipper/2", sent.append)
    said.send()
    said.take(checkpoint(10))
    said.send()
    said.send()
    assert [decode(value, StatusRecord) for value in sent] == [
        StatusRecord(1, "shipper/2", {"lines_total": 10}, 100, 5.0)
    ]


def test_the_newest_counts_and_waits_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "SECONDS", 3600.0)
    sent: list[bytes] = []
    said = StatusReporter("shipper/2", sent.append)
    for lines in (1, 2, 3):
        said.take(checkpoint(lines, Rejected("no-time", "a.log", lines, 80)))
        said.send(at_once=lines == 3)
    last = decode(sent[-1], StatusRecord)
    assert last.counters == {"lines_total": 3}
    assert [line.line for line in last.rejected][-2:] == [2, 3]


def test_of_many_rejected_lines_the_newest_are_told() -> None:
    sent: list[bytes] = []
    said = StatusReporter("shipper/2", sent.append)
    said.take(checkpoint(99, *(Rejected("no-time", "a.log", n, 80) for n in range(99))))
    said.send()
    assert [line.line for line in decode(sent[0], StatusRecord).rejected] == list(range(99 - NEWEST, 99))
