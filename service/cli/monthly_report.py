"""The monthly report beside ``run``: a child of low priority, started when it is due."""

import logging
import subprocess
import sys
import time
from datetime import UTC, datetime

from service.config.settings import SiteFolder
from service.evaluation.report import listed
from service.evaluation.schedule import is_due, made_at

LOOK_SECONDS = 600.0  # between looks at the calendar
AGAIN_SECONDS = 86_400.0  # before one that failed is tried again

_log = logging.getLogger("journalguard.evaluate")


class MonthlyReport:
    """Looked at now and then by the process that reads; does nothing while ``evaluation_day`` is 0."""

    def __init__(self, site: SiteFolder) -> None:
        self._site = site
        self._process: subprocess.Popen[bytes] | None = None
        self._look_at = 0.0

    def check(self) -> None:
        """Starts the report if it is due, and says how it ended."""
        if self._process is not None:
            self._ended(self._process)
        elif self._site.settings.evaluation_day and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            made = map(made_at, listed(self._site.reports))
            if is_due(made, self._site.settings.evaluation_day, datetime.now(UTC)):
                self._process = self._start()

    def stop(self) -> None:
        """Ends it; the next start makes it anew."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        _log.info("evaluation-due: a report is being made, at low priority")
        command = [sys.executable, "-P", "-m", "service.cli", "evaluate", "--site", str(self._site.folder)]
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, "--recent"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        code = process.poll()
        if code is None:
            return
        self._process = None
        if code:
            self._look_at = time.monotonic() + AGAIN_SECONDS
            _log.warning("evaluation-failed code=%d: tried again tomorrow; its reason stands above", code)
        else:
            _log.info("evaluation-made: see the pages")
