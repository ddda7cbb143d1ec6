"""What goes on beside the pages: started again whenever it fails, ended when told to."""

import logging
from threading import Event

import pytest

from service.distributed.sink import supervisor
from service.distributed.sink.supervisor import Supervisor


def test_a_task_that_fails_is_started_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.0)
    done, tries = Event(), []

    def task(stop: Event) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OSError("broker away\nand more of it")
        done.set()
        stop.wait()

    with caplog.at_level(logging.WARNING):
        running = Supervisor({"sink": task})
        running.start()
        assert done.wait(10)
        running.stop()
    assert len(tries) == 3
    assert "sink-waits OSError: broker away; tried again" in caplog.text


def test_one_that_fails_does_not_stop_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 60.0)
    worked = Event()

    def failing(_: Event) -> None:
        raise ValueError

    def working(stop: Event) -> None:
        worked.set()
        stop.wait()

    running = Supervisor({"sink": failing, "verdicts": working})
    running.start()
    assert worked.wait(10)
    running.stop()
