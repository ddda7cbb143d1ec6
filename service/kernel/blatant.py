"""Harvests so plain that no model is asked whether they are: an alert opens whatever else the day brings.

Counted by the decaying counter of an hour: 500 documents spread evenly over an hour leave 316 in it, 100
leave 63. What an analyst allowed of the account is a person's word and stands.
"""

import numpy as np
from numba import njit

from service.kernel.encoder import KIND_BIT
from service.kernel.measure_types import MeasureGroup
from service.kernel.measures import COUNTERS, M
from service.records.events import NetworkKind

IN_AN_HOUR = 300.0  # documents, from anywhere
FROM_HOSTING = 60.0  # over a hosting network of another country than the site's
SCORE = 14.0  # least of such a moment, -ln share: above what a day's other alerts reach
AGAIN = 60.0  # s after which an account on a hosting network is looked at again
_DOCUMENTS = COUNTERS.index(M.DOCS_1H)
_VOLUME = 1 << MeasureGroup.RATE


def blatant(state: np.void, home: int, day: int) -> bool:
    """Is this account, right after an event, in such a harvest? ``home`` is the key of the site's country."""
    lately = float(state["counters"][_DOCUMENTS])
    if lately < FROM_HOSTING or (day < state["quiet_until"] and state["quiet_groups"] & _VOLUME):
        return False
    countries = state["countries"]
    country = int(countries["key"][int(np.argmax(countries["last"]))])
    hosted = bool(state["kinds"] & KIND_BIT[NetworkKind.HOSTING]) and home not in (0, country)
    return lately >= IN_AN_HOUR or hosted


@njit
def asks(r, where):
    """Must the models be passed by? At the document that reaches so many, and now and then over hosting."""
    lately = r.counters[_DOCUMENTS]
    if lately >= IN_AN_HOUR and lately - 1.0 < IN_AN_HOUR:
        return True
    return where.hosting and lately >= FROM_HOSTING and r.last_time - r.scored_time >= AGAIN
