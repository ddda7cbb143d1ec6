"""What an account's record holds, in words: for the reader whose it is."""

from collections.abc import Mapping

import msgspec
import numpy as np

from models.scale import BINS_PER_E
from service.decision.reasons import counts, day_counts, usual_most
from service.kernel.account_record import BIN_UNIT
from service.kernel.encoder import key32
from service.kernel.measures import BASE_OF, M
from service.kernel.training_rows import Examples
from service.pipeline.account_table import AccountTable
from service.records.events import Alert, SeenEntity


class UsualMost(msgspec.Struct, frozen=True):
    """One measure: what the account usually reaches in a day at most."""

    measure: str
    usual_most: float
    unit: str


class Measured(msgspec.Struct, frozen=True):
    """One measure at one moment."""

    measure: str
    value: float
    unit: str


class SubjectCopy(msgspec.Struct, frozen=True):
    """All that a record says, as far as words go. Networks, addresses and sessions are hashes, so counted."""

    first_seen: int  # s UTC
    last_seen: int
    events: int
    documents: int
    active_days: float  # fading
    usual: tuple[UsualMost, ...]
    documents_by_day: tuple[tuple[str, int], ...]
    places: tuple[SeenEntity, ...]
    network_owners: tuple[SeenEntity, ...]
    platforms: tuple[SeenEntity, ...]
    known: Mapping[str, int]  # networks, addresses, sessions, journals that would be recognised
    alert: Alert | None  # of the newest episode
    highest: tuple[Measured, ...]  # what was measured at its highest score: models may learn from it


def build_subject_copy(record: bytes, names: tuple[str, ...]) -> SubjectCopy:
    """Of one packed record; ``names`` are those behind its keys. Raises ``StateError``."""
    states = AccountTable()
    states.restore([("", record)])
    state, episode = states.array[0], states.episodes.get("")
    known = {key32(name): name for name in names}
    return SubjectCopy(
        first_seen=int(state["first_time"]),
        last_seen=int(state["last_time"]),
        events=int(state["events"]),
        documents=int(state["documents"]),
        active_days=round(float(state["active_days"]), 2),
        usual=_usual(state),
        documents_by_day=day_counts(state),
        places=counts(state, "countries", known) + counts(state, "cities", known),
        network_owners=counts(state, "owners", known),
        platforms=counts(state, "platforms", known),
        known={
            table: int((state[table]["key"] != 0).sum())
            for table in ("networks", "addresses", "sessions", "journals")
        },
        alert=episode.alert if episode else None,
        highest=_measured(episode.moment) if episode else (),
    )


def _measured(moment: Examples) -> tuple[Measured, ...]:
    if not moment.fits or not moment.families:
        return ()
    (row,) = moment.columns()[3]
    values = np.expm1(row / BIN_UNIT / BINS_PER_E).tolist()
    found = ((measure, values[measure]) for measure in M)
    return tuple(Measured(m.spec.label, round(value, 2), m.spec.unit) for m, value in found if value)


def _usual(state: np.void) -> tuple[UsualMost, ...]:
    found = ((measure, usual_most(state, measure)) for measure in M)
    return tuple(
        UsualMost(measure.spec.label, round(most, 2), measure.spec.unit)
        for measure, most in found
        if most and measure not in BASE_OF
    )
