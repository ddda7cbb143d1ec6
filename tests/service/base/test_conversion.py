"""Faults of plain values tell where they stand, and there are none exactly where msgspec converts."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.base.conversion import Fault, Trouble, faults


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    colour: Literal["red", "blue"]
    weight: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class Whole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    sizes: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)] = (1,)
    part: Part | None = None
    parts: tuple[Part, ...] = msgspec.field(name="piece", default=())


class Open(msgspec.Struct, frozen=True):
    name: str = ""


@pytest.mark.parametrize(
    ("values", "path", "trouble"),
    [
        ({"name": "a", "nmae": "b"}, ("nmae",), Trouble.UNKNOWN),
        ({}, ("name",), Trouble.MISSING),
        ({"name": 3}, ("name",), Trouble.VALUE),
        ({"name": "a", "sizes": [1, "2"]}, ("sizes", 1), Trouble.VALUE),
        ({"name": "a", "sizes": []}, ("sizes",), Trouble.VALUE),
        ({"name": "a", "sizes": 1}, ("sizes",), Trouble.VALUE),
        ({"name": "a", "part": 3}, ("part",), Trouble.NO_TABLE),
        ({"name": "a", "part": {}}, ("part", "colour"), Trouble.MISSING),
        ({"name": "a", "part": {"colour": "green"}}, ("part", "colour"), Trouble.VALUE),
        ({"name": "a", "part": {"colour": "red", "weight": 0}}, ("part", "weight"), Trouble.VALUE),
        (
            {"name": "a", "piece": [{"colour": "red"}, {"color": "red"}]},
            ("piece", 1, "color"),
            Trouble.UNKNOWN,
        ),
        ({"name": "a", "piece": [3]}, ("piece", 0), Trouble.NO_TABLE),
        (3, (), Trouble.NO_TABLE),
    ],
)
def test_a_fault_has_its_path(values: object, path: tuple[str | int, ...], trouble: Trouble) -> None:
    first = next(faults(values, Whole))
    assert (first.path, first.trouble) == (path, trouble)


def test_what_is_wrong_with_a_value_names_no_place() -> None:
    assert list(faults({"name": "a", "sizes": ["x"]}, Whole)) == [
        Fault(("sizes", 0), Trouble.VALUE, "Expected `int`, got `str`")
    ]


def test_all_faults_are_found() -> None:
    found = [(fault.field, fault.trouble) for fault in faults({"sizes": ["x", 2, "y"], "b": 1}, Whole)]
    assert found == [
        ("sizes", Trouble.VALUE),
        ("sizes", Trouble.VALUE),
        ("b", Trouble.UNKNOWN),
        ("name", Trouble.MISSING),
    ]


def test_nothing_is_right_for_an_optional_record_only() -> None:
    assert list(faults({"name": "a", "part": None}, Whole)) == []
    assert [fault.trouble for fault in faults([None], tuple[Part, ...])] == [Trouble.NO_TABLE]


def test_texts_stand_for_numbers_where_that_is_asked_for() -> None:
    assert list(faults(["1", "2"], tuple[int, ...], strict=False)) == []
    assert len(list(faults(["1", "2"], tuple[int, ...]))) == 2


def test_an_open_record_takes_further_fields() -> None:
    assert list(faults({"other": 1}, Open)) == []


LEAF = st.one_of(st.none(), st.integers(-2, 2), st.sampled_from(["red", "green"]), st.floats(allow_nan=True))
VALUES = st.dictionaries(
    st.sampled_from(["name", "sizes", "part", "piece", "colour", "weight"]),
    st.one_of(
        LEAF,
        st.lists(LEAF, max_size=2),
        st.dictionaries(st.sampled_from(["colour", "weight", "name"]), LEAF),
        st.lists(st.dictionaries(st.sampled_from(["colour", "weight"]), LEAF), max_size=2),
    ),
)


@given(VALUES)
def test_there_is_a_fault_where_msgspec_refuses(values: dict[str, Any]) -> None:
    try:
        msgspec.convert(values, Whole)
    except msgspec.ValidationError:
        assert list(faults(values, Whole))
    else:
        assert not list(faults(values, Whole))
