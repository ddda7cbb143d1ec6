"""Takes the pictures of the documents from the running demonstration: ``make pictures``.

Everything in them is simulated. Another day gives another library, so the pictures differ from run to run.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.browser.conftest import ARGUMENTS, chromium

SIZE = ViewportSize(width=1200, height=760)  # CSS pixels
READY_MS = 60_000


@contextmanager
def demonstration() -> Iterator[str]:
    """Address of ``journalguard demo``, once its four weeks of history are read."""
    command = [sys.executable, "-P", "-m", "service.cli", "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            found = next(filter(None, (re.search(r"Look at (http\S+)", line) for line in process.stdout)))
            yield found[1]
        finally:
            process.terminate()


def take(page: Page, address: str, folder: Path) -> None:
    """The queue, and the page of its strongest alert."""
    page.goto(address, timeout=READY_MS)
    page.screenshot(path=folder / "queue.png")
    page.locator("a.row").first.click()
    page.locator("h1").wait_for()
    page.screenshot(path=folder / "alert.png")


def main() -> int:
    folder = Path(sys.argv[1])
    path = chromium()
    if path is None:
        print("no Chromium on this machine: install the package chromium", file=sys.stderr)  # noqa: T201
        return 1
    with demonstration() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        take(browser.new_page(viewport=SIZE, color_scheme="light"), address, folder)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
