import io
import threading

from service.base.progress import said_if_long


class Heard(io.StringIO):
    """Tells when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = threading.Event()

    def flush(self) -> None:
        self.flushed.set()


def test_long_work_is_announced_once() -> None:
    heard = Heard()
    with said_if_long("compiling", 0.01, heard):
        assert heard.flushed.wait(60)
    assert heard.getvalue() == "compiling\n"


def test_short_work_is_not() -> None:
    heard = Heard()
    with said_if_long("compiling", 600, heard):
        pass
    assert heard.getvalue() == ""
