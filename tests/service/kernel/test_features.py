"""What each kind of doing does to the measures, by example; and that nothing breaks them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.evidence import OVERLAP, VOLUME_GROUPS
from service.kernel.account_record import ACCOUNT, DAYS
from service.kernel.encoder import KIND_BIT, key32
from service.kernel.features import STRAY
from service.kernel.measures import OWN, K, M
from service.records.events import AccessEvent, EventKind, Location, NetworkKind
from tests.service.factories import (
    CAMPUS,
    DAY,
    FAR,
    HOME,
    NOON,
    NOWHERE,
    TODAY,
    event,
    page,
    shifted,
    walk,
)

MINUTE, HOUR = 60, 3600
EXETER_OSAKA_KM = 9520


def documents(
    n: int, gap: int = 30, network: str = "n1", place: Location = HOME, platform: str = "sciencedirect"
) -> list[AccessEvent]:
    return [
        event(NOON + gap * i, document=i, network=network, place=place, platform=platform) for i in range(n)
    ]


def test_windows_forget_at_their_own_pace() -> None:
    w = walk([event(), page(NOON + HOUR)])
    assert w.last(M.DOCS_10M) == pytest.approx(math.exp(-6), rel=1e-5)
    assert w.last(M.DOCS_1H) == pytest.approx(math.exp(-1), rel=1e-5)
    assert w.last(M.DOCS_1D) == pytest.approx(math.exp(-1 / 24), rel=1e-5)
    assert w.last(M.DOCS_7D) == pytest.approx(math.exp(-1 / 168), rel=1e-5)


def test_networks_owners_cities_and_countries_of_a_day() -> None:
    places = [HOME, CAMPUS, FAR, NOWHERE]
    w = walk([event(NOON + i, network=f"n{i}", place=p) for i, p in enumerate(places)])
    assert w.last(M.NETWORKS_1D) == w.last(M.ADDRESSES_1D) == 4
    assert w.last(M.OWNERS_1D) == 3
    assert w.last(M.CITIES_1D) == w.last(M.COUNTRIES_1D) == 2


def test_networks_of_yesterday_are_not_of_today() -> None:
    w = walk([event(network="n1"), event(NOON + DAY + 1, network="n2")])
    assert w.last(M.NETWORKS_1D) == 1


def test_travel_faster_than_a_plane() -> None:
    w = walk([event(), event(NOON + HOUR, network="n2", place=FAR)])
    assert w.last(M.SPEED) == pytest.approx(EXETER_OSAKA_KM, rel=0.02)
    assert w.last(M.TWO_PLACES) == 0


def test_two_places_at_once() -> None:
    w = walk([event(NOON + MINUTE * i, network=f"n{i % 2}", place=(HOME, FAR)[i % 2]) for i in range(6)])
    assert w.last(M.TWO_PLACES) == pytest.approx(5, rel=0.1)
    assert w.last(M.SWITCHES_1H) == pytest.approx(5, rel=0.1)


def test_a_short_way_is_no_travel() -> None:
    near = Location("GB", "Bristol", 51.45, -2.59, "Example Mobile", NetworkKind.MOBILE)
    w = walk([event(), event(NOON + MINUTE, network="n2", place=near)])
    assert w.last(M.SPEED) == w.last(M.TWO_PLACES) == 0


def test_unknown_coordinates_are_no_travel() -> None:
    unknown = Location("JP", "Osaka", None, None)
    w = walk([event(), event(NOON + 1, network="n2", place=unknown), event(NOON + 2)])
    assert w.last(M.SPEED) == w.last(M.TWO_PLACES) == 0


def test_half_known_coordinates_are_no_travel() -> None:
    half = Location("GB", "Exeter West", 50.72, None)
    w = walk([event(), event(NOON + 60, network="n2", place=half), event(NOON + 120)])
    assert w.last(M.SPEED) == w.last(M.TWO_PLACES) == 0


def test_a_line_late_by_hours_is_no_travel_at_once() -> None:
    """Two logs read one after the other: the reader was in Osaka a day before, not this minute."""
    w = walk([event(), event(NOON - DAY, network="n2", place=FAR)])
    assert w.last(M.TWO_PLACES) == 0
    assert w.last(M.SPEED) < 1000
    assert w.last(M.SWITCHES_1H) == 0


def test_a_session_carried_to_another_network() -> None:
    w = walk([event(session="s"), event(NOON + 9, session="s", network="n2", place=FAR)])
    assert w.last(M.SESSION_MOVED) == 1
    assert w.last(M.SESSIONS_1D) == 1


def test_two_sessions_on_two_networks_are_nothing_carried() -> None:
    w = walk([event(session="s"), event(NOON + 9, session="t", network="n2", place=FAR)])
    assert w.last(M.SESSION_MOVED) == 0
    assert w.last(M.SESSIONS_1D) == 2


def test_platforms_and_hops_between_them() -> None:
    w = walk([page(NOON + i, platform=f"p{i % 3}.example.org") for i in range(9)])
    assert w.last(M.PLATFORMS_1H) == 3
    assert w.last(M.HOPS_1H) == pytest.approx(8, rel=0.01)


def test_refused_and_missing_pages() -> None:
    w = walk([event(NOON + i, document=i, status=404) for i in range(10)])
    assert w.last(M.ERRORS_1H) == pytest.approx(10, rel=0.01)
    assert w.last(M.ERROR_SHARE) == pytest.approx(50, rel=0.01)
    assert w.last(M.DOCS_1H) == 0


def test_a_login_from_elsewhere_right_after_failures() -> None:
    failed = [event(NOON + i, document=None, kind=EventKind.LOGIN_FAILED) for i in range(4)]
    w = walk([*failed, event(NOON + 60, document=None, kind=EventKind.LOGIN_OK, network="n2", place=FAR)])
    assert w.last(M.LOGIN_FAILED_1H) == pytest.approx(4, rel=0.02)
    assert w.last(M.FAILED_THEN_OK) == 1


@pytest.mark.parametrize(("after", "network"), [(60, "n1"), (700, "n2")], ids=["own network", "too late"])
def test_a_reader_who_mistypes_is_no_thief(after: int, network: str) -> None:
    failed = event(document=None, kind=EventKind.LOGIN_FAILED)
    w = walk([failed, event(NOON + after, document=None, kind=EventKind.LOGIN_OK, network=network)])
    assert w.last(M.FAILED_THEN_OK) == 0


def test_a_machine_s_rhythm() -> None:
    even = walk(documents(30, gap=20)).last(M.REGULAR)
    rng = np.random.default_rng(1)
    times = NOON + np.cumsum(rng.lognormal(3, 1.2, 30).astype(int) + 1)
    human = walk([event(int(t), document=i) for i, t in enumerate(times)]).last(M.REGULAR)
    assert even > 20
    assert human < 1


def test_a_sweep_through_one_journal() -> None:
    swept = [event(NOON + 30 * i, document=i, journal="j1", sequence=100 + i) for i in range(20)]
    mixed = [event(NOON + 30 * i, document=i, journal=f"j{i % 5}", sequence=100 + i) for i in range(20)]
    assert walk(swept).last(M.SWEEP) == 19
    assert walk(mixed).last(M.SWEEP) == 0
    assert walk(mixed).last(M.JOURNALS_1D) == 5


def test_documents_without_a_place_in_the_journal_are_no_sweep() -> None:
    mixed = [event(NOON + 30 * i, document=i, journal="j1", sequence=(7, -1)[i % 2]) for i in range(20)]
    assert walk(mixed).last(M.SWEEP) == 0


def test_documents_taken_without_pages_around_them() -> None:
    looked = [e for i in range(10) for e in (page(NOON + 60 * i), page(NOON + 60 * i + 9),
                                             event(NOON + 60 * i + 20, document=i))]  # fmt: skip
    assert walk(documents(10, gap=60)).last(M.PDF_ONLY) > 8
    assert walk(looked).last(M.PDF_ONLY) == 0


def test_documents_to_a_hosting_network() -> None:
    assert walk(documents(5, place=FAR)).last(M.DOCS_HOSTING_1D) == pytest.approx(5, rel=0.01)
    assert walk(documents(5, place=HOME)).last(M.DOCS_HOSTING_1D) == 0


def habit(days: float = 30.0) -> NDArray[np.void]:
    """The state of a reader who took one document at home at noon on each of the last days."""
    w = walk([event(NOON - DAY)])
    state = w.states
    r = state[0]
    r["active_days"] = r["history"] = days
    for table in ("networks", "owners", "cities", "countries", "platforms"):
        r[table][0]["days"] = int(days * 512)
        r[table][0]["first"] -= int(days)
    r["hour_days"][4] = int(days * 512)
    for counter in ("counters", "hour_seen", "day_events", "day_max"):
        r[counter] = 0
    return state


def test_familiar_places_are_no_news() -> None:
    w = walk(documents(5), habit())
    for measure in (M.DOCS_NEW_NETWORK_1D, M.DOCS_NEW_PLATFORM_1D, M.DOCS_JOINT_1D, M.DOCS_ODD_HOUR_1D):
        assert w.last(measure) == 0


def test_unfamiliar_network_and_platform_together() -> None:
    w = walk(documents(5, network="n9", place=FAR, platform="new.example.org"), habit())
    for measure in (M.DOCS_NEW_NETWORK_1D, M.DOCS_NEW_PLATFORM_1D, M.DOCS_JOINT_1D, M.DOCS_JOINT_7D):
        assert w.last(measure) == pytest.approx(5, rel=0.01)
    assert w.last(M.DOCS_YOUNG_NETWORK_7D) == pytest.approx(5, rel=0.01)


def test_an_unfamiliar_network_with_the_usual_platform_is_not_joint() -> None:
    w = walk(documents(5, network="n9", place=FAR), habit())
    assert w.last(M.DOCS_NEW_NETWORK_1D) == pytest.approx(5, rel=0.01)
    assert w.last(M.DOCS_JOINT_1D) == 0


def test_hours_at_which_it_is_never_active() -> None:
    night = [event(NOON + 15 * HOUR + i, document=i) for i in range(5)]
    assert walk(night, habit()).last(M.DOCS_ODD_HOUR_1D) > 2


@pytest.mark.parametrize(("silence", "expected"), [(29, 0.0), (31, 31 / 120), (400, 1.0)])
def test_documents_after_a_long_silence(silence: int, expected: float) -> None:
    state = habit()
    w = walk([event(NOON + (silence - 1) * DAY, document=7)], state)
    assert w.last(M.DOCS_AFTER_SLEEP) == pytest.approx(expected, abs=0.01)


def test_own_history_makes_the_same_day_more_or_less_surprising() -> None:
    quiet, busy = habit(), habit()
    for base, _ in OWN:
        busy[0]["usual"][base] = int(24 * math.log1p(60) * 256)
        quiet[0]["usual"][base] = int(24 * math.log1p(1) * 256)
    burst = documents(40)
    assert walk(burst, quiet).last(M.DOCS_1H_Z) > 3 > walk(burst, busy).last(M.DOCS_1H_Z)


def test_evidence_is_what_the_groups_say_beyond_the_ordinary() -> None:
    w = walk(documents(60, gap=10, place=FAR, network="n9"))
    for i, groups in w.groups.items():
        said = np.maximum(0, groups - 2)
        overlap = OVERLAP * said[:VOLUME_GROUPS].sum() + (1 - OVERLAP) * said[:VOLUME_GROUPS].max()
        assert w.evidence[i] == pytest.approx(overlap + said[VOLUME_GROUPS:].sum(), rel=1e-5)
    assert w.flags[-1] == 1
    assert walk([page()]).flags.tolist() == [0]


def test_ignored_events_leave_the_state_alone() -> None:
    before = walk([event()])
    after = walk(
        [event(), event(NOON + 9, kind=EventKind.ASSET, network="n2"), event(NOON + 9, kind=EventKind.POLL)]
    )
    assert after.state.tobytes() == before.state.tobytes()


def test_an_event_s_evidence_does_not_depend_on_later_events() -> None:
    events = [*documents(10), *documents(40, gap=9, place=FAR, network="n2"), *documents(5, gap=400)]
    whole = walk(events).evidence
    for n in (1, 10, 30, 50):
        assert walk(events[:n]).evidence.tolist() == whole[:n].tolist()


def test_accounts_do_not_touch_one_another() -> None:
    mine = documents(20)
    mixed = [e for m in mine for e in (m, event(m.time, "other", document=99, place=FAR, network="n7"))]
    assert walk(mixed).states[0].tobytes() == walk(mine).state.tobytes()


times = st.integers(-3 * DAY, 60 * DAY) | st.integers(0, 5)
places = st.sampled_from([HOME, CAMPUS, FAR, NOWHERE, Location("AQ", "", -90.0, 180.0),
                          Location("", "", 91.0, -1e9), Location("FR", "Lyon", None, 4.8),
                          Location("FR", "Nice", 43.7, None)])  # fmt: skip
wild = st.builds(
    event,
    time=times.map(lambda t: NOON + t),
    account=st.sampled_from(["a", "b"]),
    document=st.none() | st.integers(0, 9) | st.just(2**59),
    kind=st.sampled_from(EventKind),
    platform=st.sampled_from(["", "jstor", "x.example.org"]),
    journal=st.sampled_from(["", "j1", "j2"]),
    sequence=st.sampled_from([-1, 0, 7, 8, 2**62, -(2**62)]),
    method=st.sampled_from(["GET", "HEAD", "POST", "", "BREW"]),
    status=st.sampled_from([0, 200, 206, 304, 404, 599, 906, -1, 99999]),
    size=st.sampled_from([-1, 0, 1, 2**40]),
    session=st.sampled_from(["", "s1", "s2"]),
    network=st.sampled_from(["", "n1", "n2", "n3"]),
    place=places,
    offset=st.sampled_from([0, 3600, -43200, 50400]),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(wild, min_size=1, max_size=60))
def test_whatever_comes_counters_stay_numbers_from_zero_up(events: list[AccessEvent]) -> None:
    w = walk(events)
    for values in (*w.measured.values(), *w.groups.values(), w.evidence.astype(float)):
        assert np.isfinite(values).all()
        assert (values >= 0).all()
    for name in ACCOUNT.names or ():
        if ACCOUNT[name].base.kind == "f" and name not in ("latitude", "longitude"):
            assert np.isfinite(w.states[name]).all(), name
            assert name == "gap_mean" or (w.states[name] >= 0).all(), name
    assert (w.states["documents"] <= w.states["events"]).all()
    assert (w.states["day_max"] <= 255 * 256).all()
    assert all(len(m) == K for m in w.measured.values())


@settings(deadline=None, max_examples=60)
@given(st.lists(wild, min_size=1, max_size=40), st.data())
def test_time_never_runs_backwards_inside_a_state(events: list[AccessEvent], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(events)))
    within = [shifted(e, time=NOON + e.time % STRAY) for e in events]
    before, after = walk(within[:n]).states, walk(within).states
    for name in ("last_time", "place_time", "document_time", "ring_day", "ring_hour"):
        assert (after[name][: len(before)] >= before[name]).all(), name


def test_a_state_led_astray_by_one_line_comes_back_with_the_next() -> None:
    ahead = event(NOON + 30 * DAY, document=1)
    w = walk([event(), ahead, *[event(NOON + 60 * i, document=10 + i) for i in range(5)]])
    (state,) = w.states
    assert state["last_time"] == NOON + 240
    assert state["days"][TODAY % DAYS] == 5


def test_the_newest_category_and_the_kinds_of_network_of_the_day_are_remembered() -> None:
    seen = walk([shifted(event(), category="staff"), event(NOON + 1, document=1, place=FAR)]).state
    assert seen["category"] == key32("staff")
    assert seen["kinds"] == KIND_BIT[HOME.kind] | KIND_BIT[FAR.kind]
