"""Events -> kernel rows: what each field becomes, and that the side tables are only caches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.kernel import encoder
from service.kernel.encoder import KIND_BIT, MEASURED_AS, EventEncoder, key32
from service.kernel.input_rows import IGNORED, READING
from service.records.events import AccessEvent, EventKind, Location, NetworkKind
from tests.service.factories import CAMPUS, FAR, HOME, NOON, NOWHERE, event, page, shifted


def nothing_known(table: str, key: int) -> float:
    return 0.0


def rows_of(*events: AccessEvent) -> tuple[EventEncoder, NDArray[np.void]]:
    made = EventEncoder(nothing_known)
    return made, made.rows(events, [0] * len(events))


@given(st.text(max_size=30))
def test_keys_are_stable_and_never_none_for_a_name(text: str) -> None:
    assert key32(text) == key32(text)
    assert (key32(text) == 0) == (text == "")
    assert 0 <= key32(text) < 2**32


def test_a_key_is_the_same_in_every_process_and_version() -> None:
    assert key32("sciencedirect") == 2286379175


def test_every_kind_is_measured_as_something() -> None:
    assert set(MEASURED_AS) == set(EventKind)
    assert {k for k, code in MEASURED_AS.items() if code == READING} == {
        EventKind.PDF,
        EventKind.FULLTEXT,
        EventKind.BOOK,
    }
    assert {k for k, code in MEASURED_AS.items() if code == IGNORED} == {
        EventKind.ASSET,
        EventKind.POLL,
        EventKind.AUDIT,
    }


def test_times_sizes_and_slots() -> None:
    made = EventEncoder(nothing_known)
    rows = made.rows([event(offset=3600, size=-1), event(NOON + 1, size=2_500_000)], [4, 7])
    assert rows["slot"].tolist() == [4, 7]
    assert rows["time"].tolist() == [NOON, NOON + 1]
    assert rows["local"].tolist() == [NOON + 3600, NOON + 1]
    assert rows["mb"].tolist() == [0.0, 2.5]


def test_the_category_is_a_name_that_pages_may_show() -> None:
    made, rows = rows_of(shifted(event(), category="staff"), event(NOON + 1))
    assert rows["category"].tolist() == [key32("staff"), 0]
    assert made.names[key32("staff")] == "staff"


def test_every_kind_of_network_has_a_bit_of_its_own() -> None:
    assert sorted(KIND_BIT.values()) == [1 << n for n in range(len(NetworkKind))]
    assert max(KIND_BIT.values()) < 256
    made, rows = rows_of(event(place=FAR))
    assert made.wheres["kind"][rows["where"]].tolist() == [KIND_BIT[NetworkKind.HOSTING]]


@pytest.mark.parametrize(
    ("status", "error", "document"),
    [(200, 0, 1), (206, 0, 1), (0, 0, 1), (304, 0, 0), (302, 0, 0), (404, 1, 0), (403, 1, 0), (500, 0, 0),
     (599, 1, 0), (906, 0, 0), (-1, 0, 0)],
)  # fmt: skip
def test_statuses(status: int, error: int, document: int) -> None:
    _, rows = rows_of(event(status=status))
    assert (rows["error"][0], rows["document"][0]) == (error, document)


def test_equal_places_and_resources_share_a_row() -> None:
    abroad = event(place=FAR, network="n3")
    made, rows = rows_of(event(), event(NOON + 9), abroad, event(document=5), event(network="n2"))
    assert rows["where"].tolist() == [0, 0, 1, 0, 2]
    assert rows["what"].tolist() == [0, 0, 0, 1, 0]
    assert made.wheres["hosting"][:3].tolist() == [0, 1, 0]


def test_an_address_that_comes_to_stand_elsewhere_is_looked_up_anew() -> None:
    made, rows = rows_of(event(place=HOME), event(place=FAR), event(place=HOME))
    assert made.wheres["country"][rows["where"]].tolist() == [key32("GB"), key32("JP"), key32("GB")]


def test_unknown_coordinates_are_nan_and_unknown_names_zero() -> None:
    made, _ = rows_of(event(place=NOWHERE, network=""))
    where = made.wheres[0]
    assert np.isnan(where["latitude"])
    assert np.isnan(where["longitude"])
    for name in ("address", "network", "owner", "city", "country"):
        assert where[name] == 0


def test_a_city_is_named_with_its_country() -> None:
    here, there = Location("GB", "Boston"), Location("US", "Boston")
    made, _ = rows_of(event(place=here), event(place=there, network="n2"))
    assert made.wheres["city"][0] != made.wheres["city"][1]
    assert {"Boston, GB", "Boston, US", "GB", "US"} <= set(made.names.values())


def test_only_what_pages_show_is_remembered_by_name() -> None:
    """No pseudonym of an address, network or session, no token of a document or journal."""
    made, _ = rows_of(event(journal="j1"), page())
    assert set(made.names.values()) == {"sciencedirect", "Example Broadband", "Exeter, GB", "GB"}
    assert sorted(made.new_names) == sorted(made.names.values())


def test_a_document_token_is_its_number() -> None:
    made, _ = rows_of(event(document=0), event(document=2**59), event(document=None))
    assert made.whats["document"][:3].tolist() == [1, 2**59 + 1, 0]


def test_the_side_tables_grow() -> None:
    made = EventEncoder(nothing_known)
    events = [event(document=i, network=f"n{i}") for i in range(3000)]
    rows = made.rows(events, range(3000))
    assert rows["where"].max() == rows["what"].max() == 2999
    assert made.whats["document"][rows["what"]].tolist() == [i + 1 for i in range(3000)]


def meaning(made: EventEncoder, rows: NDArray[np.void]) -> list[tuple[str, str, int]]:
    wheres, whats = made.wheres[rows["where"]], made.whats[rows["what"]]
    return [(str(a), str(b), int(c)) for a, b, c in zip(wheres, whats, rows["session"], strict=True)]


def test_forgetting_changes_no_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [HOME, CAMPUS, FAR]
    events = [
        event(document=i % 7, place=places[i % 3], network=f"n{i % 5}", session=f"s{i}") for i in range(60)
    ]
    whole = meaning(made := EventEncoder(nothing_known), made.rows(events, range(60)))
    monkeypatch.setattr(encoder, "LARGEST", 4)
    small = EventEncoder(nothing_known)
    parts = [meaning(small, small.rows(events[i : i + 10], range(10))) for i in range(0, 60, 10)]
    assert [row for part in parts for row in part] == whole


def test_prevalence_is_asked_by_table_and_key() -> None:
    shares = {
        ("networks", key32("n1")): 0.5,
        ("owners", key32("Example Broadband")): 0.25,
        ("cities", key32("Exeter, GB")): 0.125,
        ("platforms", key32("sciencedirect")): 0.75,
    }
    made = EventEncoder(lambda table, key: shares.get((table, key), -1.0))
    made.rows([event()], [0])
    assert [float(made.wheres[0][f"p_{n}"]) for n in ("network", "owner", "city")] == [0.5, 0.25, 0.125]
    assert float(made.whats[0]["p_platform"]) == 0.75
