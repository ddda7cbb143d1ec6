"""What models learn of readers: of each account's day one of the moments that they were asked about.

Any of them is as likely as another. The day's largest values would be a poorer lesson: no moment of it is as
unusual as all of them together, and what a thief's moments are compared with would be no moments.
"""

import numpy as np
from numpy.typing import NDArray

from service.kernel.moments import Moment, as_examples
from service.kernel.training_rows import READER, Examples, mixed
from service.pipeline.account_table import AccountTable, Sample


def sample(states: AccountTable, slot: int, moment: Moment, home: int, day: int) -> None:
    """Remember a moment of ``day`` if it is the one that the account is to be learnt from."""
    account, number = states.names[slot], np.uint64(moment.state["events"])
    key = int(mixed(states.ids[slot : slot + 1] ^ number, day)[0])
    known = states.samples.get(account)
    if known is None or key < known.key:
        measures = np.array([moment.measures])
        states.samples[account] = Sample(key, as_examples(0, moment.states, measures, home, READER))


def sampled(states: AccountTable, active: NDArray[np.intp], day: int, most: int) -> Examples:
    """Those of the accounts at the slots ``active`` (n,), at most so many."""
    keys = mixed(states.ids[active], day).tolist()
    samples = (states.samples.get(states.names[i]) for i in active)
    found = [s.moment.labelled(key, READER) for s, key in zip(samples, keys, strict=True) if s is not None]
    return Examples.concatenated(found).lowest(most)


def forget(states: AccountTable, active: NDArray[np.intp]) -> None:
    """The day is closed for these."""
    for i in active.tolist():
        states.samples.pop(states.names[i], None)
