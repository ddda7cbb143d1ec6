"""What is remembered of one account: one fixed-size record in a dense array.

At most 2,304 bytes, readable across versions: a packed record starts with its version, and
``unpack`` refuses one it does not know. No identifier is inside; keys are 32-bit hashes of keyed
pseudonyms. Times are s UTC; days are local days since 1970 in the site's zone.

Layout of the parts: ``Slot`` tables keep the networks, owners, cities, countries and platforms
with the number of active days on each (fading by 0.99 a day, in 1/512), the first day and the
newest time; the weakest leaves. ``ring`` holds fingerprints of the last distinct (document, day)
pairs, so that a document counts once a day however often it is asked for.
"""

import numpy as np

from service.kernel.measures import COUNTERS, OWN, TRENDS, VERSION, M

DAY_UNIT = 512  # of Slot.days
BIN_UNIT = 256  # of day_max and usual
RING = 96
HOURS = 48
DAYS = 28
NETWORKS, OWNERS, CITIES, COUNTRIES, PLATFORMS = 16, 8, 8, 6, 24

SLOT = np.dtype([("key", "u4"), ("last", "u4"), ("days", "u2"), ("first", "u2")])
SEEN = np.dtype([("key", "u4"), ("last", "u4")])
SESSION = np.dtype([("key", "u4"), ("last", "u4"), ("network", "u4")])


def layout(version: int) -> np.dtype[np.void]:
    """Lay out the record of one version from 2 on: later ones have more measures, behind the others."""

    def known(measure: M) -> bool:
        return measure.spec.since <= version

    return np.dtype(
        [
            ("last_time", "i8"),
            ("first_time", "i8"),
            ("scored_time", "i8"),
            ("place_time", "i8"),
            ("document_time", "i8"),
            ("failed_time", "i8"),
            ("events", "u4"),
            ("documents", "u4"),
            ("day_events", "u4"),  # relevant events since the last close of a day; 0 = nothing to close
            ("active_last", "i4"),  # local day of the newest closed activity
            ("ring_day", "i4"),  # newest day in `days`
            ("ring_hour", "i4"),  # newest hour in `hours`
            ("ring_next", "u2"),
            ("asleep", "u2"),  # days of silence before the present activity
            ("last_address", "u4"),
            ("last_platform", "u4"),
            ("last_journal", "u4"),
            ("last_city", "u4"),
            ("failed_network", "u4"),
            ("category", "u4"),  # newest user category of its lines
            ("quiet_until", "i4"),  # local day
            ("last_sequence", "i8"),
            ("latitude", "f4"),
            ("longitude", "f4"),
            ("active_days", "f4"),  # fading like the slots
            ("history", "f4"),  # days behind `usual` and `spread`, at most 40
            ("counters", "f4", (sum(map(known, COUNTERS)),)),  # as `service.kernel.measures.COUNTERS` says
            ("gap_mean", "f4"),
            ("gap_var", "f4"),
            ("gaps", "f4"),
            ("run", "f4"),
            ("scored", "f4"),  # evidence when a model was last asked
            ("day_evidence", "f4"),
            ("day_joined", "f4"),
            ("model_day", "f4"),  # largest score of the learnt members today
            (
                "trend",
                "f4",
                (sum(known(m) for _, m in TRENDS),),
            ),  # of what days were above its usual
            ("evidence", "f4"),
            ("spread", "f4", (sum(known(m) for _, m in OWN),)),  # variance of log(1 + daily maximum)
            ("day_max", "u2", (sum(map(known, M)),)),
            ("usual", "u2", (sum(map(known, M)),)),
            ("hour_days", "u2", (8,)),  # active days by 3 hours of the local day, in 1/512
            ("hour_seen", "u1"),  # bits of the 3-hour parts seen today
            ("rank", "u1"),  # activity class used for today's tables
            ("kinds", "u1"),  # bits of NetworkKind seen since the last close
            ("quiet_groups", "u2"),  # bits of groups that are expected of it until `quiet_until`
            ("hours", "u1", (HOURS,)),  # documents by hour, 255 = that or more
            ("days", "u2", (DAYS,)),
            ("networks", SLOT, (NETWORKS,)),
            ("owners", SLOT, (OWNERS,)),
            ("cities", SLOT, (CITIES,)),
            ("countries", SLOT, (COUNTRIES,)),
            ("platforms", SLOT, (PLATFORMS,)),
            ("addresses", SEEN, (12,)),
            ("journals", SEEN, (16,)),
            ("sessions", SESSION, (8,)),
            ("ring", "u4", (RING,)),
        ]
    )


ACCOUNT = layout(VERSION)
