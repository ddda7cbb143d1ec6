"""The broker is away while the log grows: the log is the buffer, and the metrics tell of it.

``python -m tests.kafka.outage --seconds 300 --rate 500`` is the long run behind ``make soak``.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks.bench_ingest import made_lines
from service.config.settings import Settings
from service.distributed.shipper.producer import BUFFER
from tests.kafka.arrivals import arrived
from tests.kafka.end_to_end import LOG_FORMAT, Parts, fed, lines_shipped, site_over, wait
from tests.services.kafka import Cluster

LINES_BEFORE = 2_000
GROWTH_MB = 40.0  # more than this and something piles up: 150,000 events would be 200 MB


def outage(
    folder: Path, broker: Cluster, prefix: str, seconds: float, rate: int, say: Callable[[str], None]
) -> None:
    """``rate`` lines a second for so long. Raises ``AssertionError`` where anything is not as it must be."""
    log = folder / "access.log"
    lines = made_lines(LINES_BEFORE + int(seconds * rate))
    before = b"".join(line + b"\n" for line in lines[:LINES_BEFORE])
    log.write_bytes(before)
    settings = Settings(log_format=LOG_FORMAT, timezone="Europe/London", logs=(str(log),))
    site = site_over(folder / "site", broker.servers, prefix, settings)
    parts = Parts(site)
    parts.start("ship")
    try:
        wait(lambda: lines_shipped(site) >= LINES_BEFORE, parts.reported)
        wait(lambda: parts.metric("ship", "journalguard_shipper_lag_bytes") == 0, parts.reported)
        usual = resident_mb(parts.process("ship"))
        broker.kill()
        most = _grow(log, lines[LINES_BEFORE:], rate, parts)
        say(f"resident: {usual:.0f} MB before, {most:.0f} MB at most in {seconds:g} s without a broker")
        assert most < usual + GROWTH_MB, f"{usual:.0f} MB grew to {most:.0f} MB"
        wait(lambda: "broker-waits" in parts.reported(), parts.reported)
        broker.restart()
        took = wait(lambda: lines_shipped(site) >= len(lines), parts.reported)
        wait(lambda: parts.metric("ship", "journalguard_shipper_lag_bytes") == 0, parts.reported)
        say(f"{len(lines) - LINES_BEFORE} lines arrived within {took:.1f} s of its return")
        assert parts.metric("ship", "journalguard_shipper_lines_total") == len(lines)
    finally:
        parts.stop()
    assert arrived(site).events == fed(site, lines)


def _grow(log: Path, lines: list[bytes], rate: int, parts: Parts) -> float:
    """Writes at the rate; the most memory that the shipper had, MB. The lag is told to the byte meanwhile."""
    most, waiting = 0.0, 0
    began = time.monotonic()
    for at in range(0, len(lines), rate):
        time.sleep(max(0.0, began + at / rate - time.monotonic()))
        with log.open("ab") as file:
            waiting += file.write(b"".join(line + b"\n" for line in lines[at : at + rate]))
        assert parts.metric("ship", "journalguard_shipper_lag_bytes") == waiting
        assert parts.metric("ship", "journalguard_shipper_buffered_bytes") <= BUFFER
        most = max(most, resident_mb(parts.process("ship")))
    return most


def resident_mb(process: subprocess.Popen[bytes]) -> float:
    pages = Path(f"/proc/{process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096 / 1e6


@click.command()
@click.option("--seconds", default=300.0, show_default=True)
@click.option("--rate", default=500, show_default=True, help="Lines a second.")
def main(seconds: float, rate: int) -> None:
    """A broker that is away for a while."""
    with tempfile.TemporaryDirectory(prefix="journalguard-soak-") as folder:
        broker = Cluster(Path(folder) / "kafka", 1)
        try:
            broker.start()
            outage(Path(folder), broker, "soak", seconds, rate, click.echo)
        finally:
            broker.stop()


if __name__ == "__main__":
    main()
