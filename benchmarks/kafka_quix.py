"""What stands beside a worker in the bench: the same kernel for every event, in Quix Streams.

    python -m benchmarks.kafka_quix SERVER TOPIC FOLDER EVENTS kernel|states

Reads so many events of TOPIC, one a message with the account as its key, and prints the seconds from the
first event to the last as JSON. An account's bytes are in Quix's state store, with its changelog topic, as
Quix sets it up by default. ``states`` reads and writes these bytes without computing anything.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from quixstreams import Application, State

from service.base.gc_tuning import relax_garbage_collection
from service.kernel.account_record import ACCOUNT
from service.kernel.encoder import EventEncoder
from service.kernel.features import absorb
from service.kernel.measures import GROUP_OF
from service.kernel.moments import KernelOutput
from service.learning.site_model import SiteModel
from service.policy.loading import load_policy
from service.records.events import AccessEvent

KEY = "account"  # of an account's bytes in its part of the store

Bytes = State[str, bytes]
Step = Callable[[bytes, Bytes], None]


class Kernel:
    """One event over one account's bytes: what a shard does with a batch, up to the evidence."""

    def __init__(self) -> None:
        policy = load_policy()
        self._budget = policy.budget
        self._site = SiteModel(policy)
        self._columns = EventEncoder(self._site.prevalence)
        self._groups = np.array(GROUP_OF)
        self._out = KernelOutput.of(1)
        self._decode = msgspec.json.Decoder(AccessEvent).decode

    def step(self, value: bytes, state: Bytes) -> None:
        """Decode, read the state, compute, write the state."""
        saved = state.get_bytes(KEY)
        account = np.zeros(1, ACCOUNT) if saved is None else np.frombuffer(bytearray(saved), ACCOUNT)
        rows = self._columns.rows([self._decode(value)], [0])
        site, budget, out = self._site, self._budget, self._out
        absorb(
            account, rows, 0, self._columns.wheres, self._columns.whats,
            site.table, self._groups, site.mean, site.var,
            budget.gate, budget.gate_moved, budget.gate_minutes,
            out.flags, out.evidence, out.selected, out.states, out.measures, out.groups,
        )  # fmt: skip
        state.set_bytes(KEY, account.tobytes())


def keep(_: bytes, state: Bytes) -> None:
    """The states alone."""
    saved = state.get_bytes(KEY)
    state.set_bytes(KEY, bytes(ACCOUNT.itemsize) if saved is None else saved)


def run(server: str, topic: str, folder: str, events: int, step: Step) -> float:
    """Seconds from the first event to the last."""
    app = Application(
        server,
        consumer_group=f"{topic}-{step.__name__}",
        auto_offset_reset="earliest",
        state_dir=folder,
        loglevel="ERROR",
    )
    frame: Any = app.dataframe(app.topic(topic, value_deserializer="bytes"))
    moments: list[float] = []

    def timed(value: bytes, state: Bytes) -> None:
        if not moments:
            moments.append(time.perf_counter())
        step(value, state)
        moments.append(time.perf_counter())
        if len(moments) > events:
            app.stop()

    frame.update(timed, stateful=True)
    app.run()
    return moments[-1] - moments[0]


if __name__ == "__main__":
    relax_garbage_collection()
    steps = {"kernel": Kernel().step, "states": keep}
    server, topic, folder, events, step = sys.argv[1:]
    print(json.dumps(run(server, topic, folder, int(events), steps[step])))
