"""Reasons people can read, and the picture the alert page draws."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.evidence import CAP
from models.scale import BINS
from service.decision.reasons import MOST_REASONS, number, picture, reasons, usual_most
from service.kernel.account_record import ACCOUNT, BIN_UNIT, DAYS, HOURS
from service.kernel.encoder import key32
from service.kernel.measures import OWN, G, K, M
from service.kernel.moments import Moment
from service.records.events import Picture
from tests.service.factories import DAY, FAR, NOON, POLICY, TODAY, Walk, event, page, walk

# One in e**(bins/16) account-days: every measure is as rare as its position says.
TABLE = np.tile(np.minimum(np.arange(BINS, dtype=np.float32) / 16, CAP), (K, 1))
NAMES = {key32(n): n for n in ("sciencedirect", "GB", "JP", "Osaka, JP", "Exeter, GB", "Example Hosting")}


def measured(**values: float) -> list[float]:
    out = [0.0] * K
    for name, value in values.items():
        out[M[name]] = value
    return out


def reader(usual: float, history: float = 10.0) -> np.void:
    """A state whose daily maximum of every measure is ``usual``, without spread."""
    state = walk([event()]).states
    state[0]["usual"][:] = round(24 * np.log1p(usual) * BIN_UNIT)
    state[0]["spread"][:] = 0.0
    state[0]["history"] = history
    made: np.void = state[0]
    return made


def moment(w: Walk) -> Moment:
    last = max(w.measured)
    return Moment(
        np.array([w.state], ACCOUNT),
        float(w.evidence[-1]),
        w.measured[last].tolist(),
        w.groups[last].tolist(),
    )


def drawn(w: Walk, offset: int = 0, table: NDArray[np.float32] = TABLE) -> Picture:
    return picture(moment(w), table, POLICY, NAMES, offset)


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0"), (0.4, "0.4"), (1.0, "1"), (1.26, "1.3"), (2.4, "2"), (14.2, "14"), (1240.4, "1,240")],
)
def test_numbers_as_people_write_them(value: float, said: str) -> None:
    assert number(value) == said


def test_a_reason_in_plain_words() -> None:
    (found,) = reasons(reader(usual=14), measured(DOCS_1H=412.0), TABLE, POLICY)
    assert found.text == (
        "412 documents in one hour; this account's usual most is 14; "
        "1 in 8,100 account-days of readers reaches that"
    )
    assert (found.detection, found.measure, found.unit) == ("bulk-download", "docs_1h", "documents")
    assert found.observed == 412.0
    assert found.usual == pytest.approx(14, abs=0.1)
    assert found.peers == pytest.approx(8100, rel=0.01)
    assert found.surprise == pytest.approx(math.log(8100), abs=0.02)


def test_a_reason_for_an_account_without_history() -> None:
    (found,) = reasons(reader(usual=0, history=0.2), measured(COUNTRIES_1D=9.0), TABLE, POLICY)
    assert found.text == (
        "9 countries in a day; nothing is known yet of this account's usual; "
        "1 in 31 account-days of readers reaches that"
    )
    assert found.usual is None


def test_a_reason_against_own_history_does_not_say_it_twice() -> None:
    (found,) = reasons(reader(usual=3), measured(DOCS_1D_Z=9.0), TABLE, POLICY)
    assert found.text == (
        "documents in a day 9 standard deviations above its own busiest; "
        "1 in 31 account-days of readers reaches that"
    )


def test_what_is_too_rare_to_number_is_said_so() -> None:
    (found,) = reasons(reader(usual=3), measured(MB_1D=40_000.0), TABLE, POLICY)
    assert "1 in more than 1,000,000 account-days" in found.text


def test_an_account_that_never_did_a_thing_usually_does_none_of_it() -> None:
    (found,) = reasons(reader(usual=0), measured(SPEED=1250.0), TABLE, POLICY)
    assert found.usual == 0.0
    assert "this account's usual most is 0;" in found.text


def test_one_reason_a_detection_the_strongest() -> None:
    values = measured(DOCS_1H=100.0, DOCS_10M=300.0, MB_1H=200.0, NETWORKS_1D=30.0)
    assert [r.measure for r in reasons(reader(3), values, TABLE, POLICY)] == ["docs_10m", "networks_1d"]


def test_at_most_six_reasons_strongest_first() -> None:
    found = reasons(reader(3), [50.0 + k for k in range(K)], TABLE, POLICY)
    assert len(found) == MOST_REASONS
    assert len({r.detection for r in found}) == MOST_REASONS
    assert [r.surprise for r in found] == sorted((r.surprise for r in found), reverse=True)


def test_the_ordinary_is_no_reason() -> None:
    assert reasons(reader(3), measured(DOCS_1H=2.0, NETWORKS_1D=1.0), TABLE, POLICY) == ()


@pytest.mark.parametrize("measure", list(M), ids=lambda m: m.name)
def test_every_measure_makes_a_readable_sentence(measure: M) -> None:
    (found,) = reasons(reader(3), measured(**{measure.name: 90.0}), TABLE, POLICY)
    assert "{" not in found.text
    assert "nan" not in found.text
    assert found.text.endswith("account-days of readers reaches that")
    assert found.detection in POLICY.detections


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(0, 1e9), min_size=K, max_size=K),
    st.floats(0, 60_000),
    st.floats(0, 40),
)
def test_no_measure_makes_a_reason_that_json_cannot_hold(
    values: list[float], usual: float, history: float
) -> None:
    state = reader(min(usual, 40_000), history)
    found = reasons(state, values, TABLE, POLICY)
    text = msgspec.json.encode(found)
    assert msgspec.json.decode(text, type=type(found)) is not None
    assert all(np.isfinite([r.peers, r.surprise]).all() for r in found)
    assert all(r.usual is None or (np.isfinite(r.usual) and r.usual >= 0) for r in found)
    assert b"null" not in text or history < 1


def test_usual_most_of_the_measures_with_a_spread() -> None:
    state = reader(usual=10)
    state["spread"][1] = 0.16
    assert OWN[1][0] is M.DOCS_1H
    assert usual_most(state, M.DOCS_1H) == pytest.approx(11 * np.exp(1.5 * 0.4) - 1, rel=0.01)
    assert usual_most(reader(10, history=0.5), M.DOCS_1H) is None


def test_the_rings_are_drawn_oldest_first_to_the_newest_document() -> None:
    times = [NOON - DAY, NOON - 7200, NOON - 7100, NOON]
    shown = drawn(walk([event(t, document=i) for i, t in enumerate(times)]))
    hours, days = dict(shown.hours), dict(shown.days)
    assert len(shown.hours) == HOURS
    assert len(shown.days) == DAYS
    assert [t for t, _ in shown.hours] == sorted(hours)
    assert [d for d, _ in shown.days] == sorted(days)
    assert shown.hours[-1] == (NOON, 1)
    assert {t: n for t, n in hours.items() if n} == {NOON - DAY: 1, NOON - 7200: 2, NOON: 1}
    assert {d: n for d, n in days.items() if n} == {"2025-10-09": 1, "2025-10-10": 3}


def test_hours_are_told_in_utc_and_days_in_the_site_s_zone() -> None:
    late = TODAY * DAY + 23 * 3600 + 1800  # half past midnight in a zone an hour ahead
    shown = drawn(walk([event(late, offset=3600)]), offset=3600)
    assert shown.hours[-1] == (TODAY * DAY + 23 * 3600, 1)
    assert shown.days[-1] == ("2025-10-11", 1)


def test_an_account_without_documents_has_empty_rings() -> None:
    shown = drawn(walk([page()]))
    assert shown.hours == ()
    assert shown.days == ()


def test_places_networks_and_platforms_newest_first() -> None:
    shown = drawn(walk([event(), event(NOON + 60, network="n2", place=FAR, platform="x.example.org")]))
    assert [c.name for c in shown.places] == ["JP", "GB", "Osaka, JP", "Exeter, GB"]
    assert [c.name for c in shown.networks] == ["Example Hosting", "unknown"]
    assert [c.name for c in shown.platforms] == ["unknown", "sciencedirect"]
    assert all(c.new and c.days == 0 and c.share == 0 for c in shown.places)


def test_familiar_places_have_their_share() -> None:
    w = walk([event()])
    w.states[0]["active_days"] = 10.0
    w.states[0]["countries"]["days"][0] = 5 * 512
    home = drawn(w).places[0]
    assert (home.name, home.days, home.share, home.new) == ("GB", 5.0, 0.5, False)


def test_the_table_of_measures_lists_all_above_the_usual() -> None:
    w = walk([event(NOON + i, document=i) for i in range(40)])
    shown = drawn(w)
    assert len({r.measure for r in shown.measures}) == len(shown.measures) > MOST_REASONS
    assert all(r.surprise > 1 for r in shown.measures)
    assert [r.surprise for r in shown.measures] == sorted((r.surprise for r in shown.measures), reverse=True)
    assert len(shown.groups) == G


def test_a_picture_holds_no_nan() -> None:
    shown = drawn(walk([event(NOON + i, document=i, place=FAR) for i in range(80)]))
    assert msgspec.json.decode(msgspec.json.encode(shown), type=Picture) == shown
