"""The way from lines to a store: counted, merged by time, saved whole, patient with a store that is busy."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.logfile import Batch
from pseudonymiser.tail import Tail
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.records.checkpoints import Changes, Checkpoint, SavedState
from service.runtime.merge import Merge
from service.runtime.runner import INGEST, FollowLoop, FollowSettings, Runner
from tests.e2e.sites import access_lines
from tests.pseudonymiser.ingest_factory import ingest


class MemoryStore:
    """Keeps checkpoints; refuses as often as it is told to."""

    def __init__(self, refusals: Sequence[Exception] = ()) -> None:
        self.checkpoints: list[Checkpoint] = []
        self.refusals = list(refusals)

    def load(self) -> SavedState:
        return SavedState((), {}, {}, {}, 0)

    def commit(self, checkpoint: Checkpoint) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.checkpoints.append(checkpoint)

    def prune(self, before: int) -> None:
        """Nothing is old here."""

    def close(self) -> None:
        """Nothing to close."""


class BusyError(Exception):
    """What the store of these tests refuses with."""


def runner() -> Runner:
    return Runner(ingest(), Pipeline(load_policy()))


def batch(*lines: str) -> Batch:
    return Batch("access.log", 1, [line.encode() for line in lines], b"{}")


def follow(
    log: Path,
    store: MemoryStore,
    lines: int,
    on_poll: Callable[[], None] = lambda: None,
    *,
    saved: bool = True,
) -> Runner:
    """Follows until so many lines are read, and saved."""
    reader, stop, until = runner(), Event(), time.monotonic() + 20

    def poll() -> None:
        on_poll()
        counters = store.checkpoints[-1].counters if saved and store.checkpoints else reader.counters
        if counters["lines_total"] >= lines or time.monotonic() > until:
            stop.set()

    FollowLoop(
        reader,
        Tail([str(log)], [], {}),
        Merge(lambda lines, audit: []),
        store,
        pace=FollowSettings(20_000, 0.05, 28),
        positions={},
        retry_on=(BusyError,),
        poll=poll,
    ).run(stop)
    return reader


def test_lines_are_events_or_counted_with_a_reason() -> None:
    reader = runner()
    times = reader.feed(batch(*access_lines([0, 60]), *access_lines([120], "-"), "rubbish", ""), audit=False)
    assert len(times) == 3
    assert times[1] - times[0] == 60
    assert dict(reader.counters) == {
        "lines_total": 5,
        "events_total": 3,
        "events_without_account_total": 1,
        "rejected_total:no_match": 1,
        "rejected_total:empty_line": 1,
    }
    assert [(line.reason, line.line) for line in reader.rejected()] == [("no_match", 4), ("empty_line", 5)]
    assert reader.rejected() == ()


def test_the_state_of_ingest_is_saved_with_the_rest_and_only_when_it_changed() -> None:
    reader = runner()
    reader.feed(batch(*access_lines([0, 60])), audit=False)
    assert INGEST in reader.drain().shared
    assert INGEST not in reader.drain().shared


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 30), max_size=8))
def test_a_restart_between_any_lines_changes_nothing(cuts: list[int]) -> None:
    lines = [line for user in ("a", "b") for line in access_lines(range(0, 3600, 120), user)]
    whole = runner()
    whole.feed(batch(*lines), audit=False)
    expected = whole.drain()
    saved, rest = SavedState((), {}, {}, {}, 0), lines
    accounts: dict[str, bytes] = {}
    for cut in [*cuts, len(lines)]:
        part = runner()
        part.restore(saved)
        part.feed(batch(*rest[:cut]), audit=False)
        rest = rest[cut:]
        changes = part.drain()
        accounts.update(changes.accounts)
        saved = SavedState(
            tuple(accounts.items()), {**saved.shared, **changes.shared}, {}, part.counters, part.watermark
        )
    assert accounts == dict(expected.accounts)
    assert saved.counters == whole.counters
    assert saved.shared[INGEST] == expected.shared[INGEST]


def test_where_it_is_and_what_it_learnt_are_one_checkpoint(tmp_path: Path) -> None:
    log, store = tmp_path / "access.log", MemoryStore()
    log.write_text("".join(f"{line}\n" for line in access_lines(range(0, 600, 60))))
    follow(log, store, 10)
    first, *_, last = store.checkpoints
    assert (dict(first.counters)["lines_total"], b'"offset":0' in first.positions[f"log:{log}"]) == (0, True)
    assert dict(last.counters)["lines_total"] == 10
    assert f'"offset":{log.stat().st_size}'.encode() in last.positions[f"log:{log}"]
    assert sum(len(checkpoint.changes.accounts) for checkpoint in store.checkpoints) == 1
    assert last.last_event_time == 1795478940


def test_a_busy_store_is_asked_again_and_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log, store = tmp_path / "access.log", MemoryStore()

    def refuse_once() -> None:
        if store.checkpoints and not log.exists():
            log.write_text("".join(f"{line}\n" for line in access_lines(range(0, 600, 60))))
            store.refusals.append(BusyError("locked"))

    follow(log, store, 10, refuse_once)
    assert "checkpoint-waits locked" in caplog.text
    assert sum(len(checkpoint.changes.accounts) for checkpoint in store.checkpoints) == 1


def test_a_store_that_stays_busy_at_the_end_is_an_error_and_the_position_stays(tmp_path: Path) -> None:
    log, store = tmp_path / "access.log", MemoryStore()

    def refuse_for_good() -> None:
        if store.checkpoints and not log.exists():
            log.write_text("".join(f"{line}\n" for line in access_lines([0])))
            store.refusals = [BusyError("full") for _ in range(50)]

    with pytest.raises(BusyError):
        follow(log, store, 1, refuse_for_good, saved=False)
    assert all(b'"offset":0' in next(iter(saved.positions.values())) for saved in store.checkpoints)


def test_a_log_that_may_not_be_read_is_told_once_and_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loop = tmp_path / "access.log"
    loop.symlink_to(loop)  # refused to everybody, also to root
    count = iter(range(4))

    def mend() -> None:
        if next(count, None) is None and loop.is_symlink():
            loop.unlink()
            loop.write_text(access_lines([0])[0] + "\n")

    reader = follow(loop, MemoryStore(), 1, mend)
    assert reader.counters["events_total"] == 1
    assert caplog.text.count("log-unreadable") == 1


def test_nothing_changed_is_an_empty_drain() -> None:
    assert runner().drain() == Changes(shared=runner().drain().shared)


class Lines:
    """A source of numbers that are their own times."""

    audit = False

    def __init__(self, key: str, times: Sequence[int]) -> None:
        self.key = key
        self._left = list(times)

    def read(self, limit: int) -> Batch | None:
        now, self._left = self._left[:limit], self._left[limit:]
        return Batch(self.key, 1, [str(time).encode() for time in now], b"") if now else None


def merged(*sources: Lines) -> list[int]:
    merge = Merge(lambda lines, audit: [int(line) for line in lines])
    seen = []
    while (batch_taken := merge.next(sources)) is not None:
        times = [int(line) for line in batch_taken.batch.lines]
        merge.fed(batch_taken, times)
        seen += times
    return seen


def test_two_proxies_of_one_day_interleave() -> None:
    evens, odds = range(0, 86_400, 20), range(10, 86_400, 20)
    seen = merged(Lines("a", evens), Lines("b", odds))
    assert sorted(seen) == sorted([*evens, *odds])
    newest = 0
    for time_ in seen:
        newest = max(newest, time_)
        assert newest - time_ < 2 * 3600 + 900, "the slack, and what one batch covers"


@given(st.data())
def test_pieces_of_one_log_read_as_the_whole(data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.integers(-600, 4000), min_size=1, max_size=120))
    times, at = [], 1_000_000
    for step in steps:
        at = max(at, at + step)
        times.append(at + min(step, 0))  # some disorder
    cuts = sorted(data.draw(st.lists(st.integers(0, len(times)), max_size=5)))
    pieces = [times[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(times)], strict=True)]
    assert merged(*(Lines(str(number), piece) for number, piece in enumerate(pieces))) == times
