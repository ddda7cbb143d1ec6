"""Accounts' records as earlier releases wrote them, and how this one reads them.

A layout stands here as it was for ever, in numbers: what it was made of may have changed since.
"""

import numpy as np

from service.kernel.account_record import ACCOUNT, SEEN, SESSION, SLOT, layout
from service.kernel.measures import VERSION

V1 = np.dtype(
    [
        ("last_time", "i8"), ("first_time", "i8"), ("scored_time", "i8"), ("place_time", "i8"),
        ("document_time", "i8"), ("failed_time", "i8"), ("events", "u4"), ("documents", "u4"),
        ("day_events", "u4"), ("active_last", "i4"), ("ring_day", "i4"), ("ring_hour", "i4"),
        ("ring_next", "u2"), ("asleep", "u2"), ("last_address", "u4"), ("last_network", "u4"),
        ("last_platform", "u4"), ("last_journal", "u4"), ("last_city", "u4"), ("failed_network", "u4"),
        ("last_sequence", "i8"), ("latitude", "f4"), ("longitude", "f4"), ("active_days", "f4"),
        ("history", "f4"), ("counters", "f4", (23,)), ("gap_mean", "f4"), ("gap_var", "f4"),
        ("gaps", "f4"), ("run", "f4"),
        ("scored", "f4"), ("day_evidence", "f4"), ("day_joined", "f4"), ("evidence", "f4"),
        ("spread", "f4", (6,)), ("day_max", "u2", (42,)), ("usual", "u2", (42,)), ("hour_days", "u2", (8,)),
        ("hour_seen", "u1"), ("rank", "u1"), ("spare", "u2"), ("hours", "u1", (48,)), ("days", "u2", (28,)),
        ("networks", SLOT, (16,)), ("owners", SLOT, (8,)), ("cities", SLOT, (8,)),
        ("countries", SLOT, (6,)), ("platforms", SLOT, (24,)), ("addresses", SEEN, (12,)),
        ("journals", SEEN, (16,)), ("sessions", SESSION, (8,)), ("ring", "u4", (96,)),
    ]
)  # fmt: skip
LAYOUTS = {1: V1} | {version: layout(version) for version in range(2, VERSION + 1)}  # version -> layout


def unpack(record: bytes, old_layout: np.dtype[np.void]) -> bytes:
    """A record of one of ``LAYOUTS`` as ACCOUNT, by the names of the fields; what is new since is 0."""
    if old_layout == ACCOUNT:
        return record
    old = np.frombuffer(record, old_layout)
    new = np.zeros(1, ACCOUNT)
    for name in set(ACCOUNT.names or ()) & set(old_layout.names or ()):
        kept = old[name]
        new[name][tuple(slice(n) for n in kept.shape)] = kept
    return new.tobytes()
