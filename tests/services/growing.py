"""A proxy's log that grows and rotates while it is read."""

import os
import random
import shutil
import threading
import time
from pathlib import Path


class Writer(threading.Thread):
    """Appends lines as far as it is allowed to, in odd pieces, and rotates the log now and then."""

    def __init__(
        self, log: Path, lines: list[bytes], rng: random.Random, *, most: int = 40, rotating: float = 0.08
    ) -> None:
        super().__init__(daemon=True)
        self.allowed = 0
        self.written = 0
        self.rotations = 0
        self._log = log
        self._lines = lines
        self._rng = rng
        self._most = most  # lines written at once
        self._rotating = rotating  # how likely after each

    def run(self) -> None:
        while self.written < len(self._lines):
            last = min(self.written + self._rng.randint(1, self._most), self.allowed)
            piece = self._lines[self.written : last]
            if piece:
                self._append(b"".join(piece))
                self.written += len(piece)
                if self._rng.random() < self._rotating:
                    self._rotate()
            time.sleep(0.004)

    def _append(self, data: bytes) -> None:
        cut = self._rng.randrange(len(data))  # a line is half written for a moment
        with self._log.open("ab", buffering=0) as file:
            file.write(data[:cut])
            time.sleep(self._rng.choice((0, 0, 0.002)))
            file.write(data[cut:])

    def _rotate(self) -> None:
        self.rotations += 1
        numbers = sorted(
            (int(path.suffix[1:]) for path in self._log.parent.glob("access.log.*")), reverse=True
        )
        for number in numbers:
            self._log.with_name(f"access.log.{number}").rename(
                self._log.with_name(f"access.log.{number + 1}")
            )
        time.sleep(0.01)  # file times are as coarse as the kernel's tick
        first = self._log.with_name("access.log.1")
        if self._rng.random() < 0.5:
            self._log.rename(first)
            return
        shutil.copyfile(self._log, first)  # nothing is written between copy and truncation
        time.sleep(0.01)
        os.truncate(self._log, 0)
