"""The record of one account: its size, and that it can be read back."""

import numpy as np
import pytest

from service.account import ACCOUNT, BIN_UNIT, DAY_UNIT, VERSION
from service.errors import StateError
from service.measures import OWN, K
from service.states import HEADER, States


def test_a_record_and_its_header_fit_two_kilobytes() -> None:
    assert ACCOUNT.itemsize + len(HEADER) <= 2048


def test_fields_follow_the_measures() -> None:
    assert ACCOUNT["day_max"].shape == ACCOUNT["usual"].shape == (K,)
    assert ACCOUNT["spread"].shape == (len(OWN),)


def test_units_hold_the_largest_values() -> None:
    assert 255 * BIN_UNIT < 2**16, "a position on the scale of measures"
    assert 100 * DAY_UNIT < 2**16, "active days fading by 0.99 come to 100 at most"


def test_no_field_holds_text_or_objects() -> None:
    assert not ACCOUNT.hasobject
    assert ACCOUNT.isnative


def test_the_header_says_version_and_size() -> None:
    assert int.from_bytes(HEADER[:2], "little") == VERSION
    assert int.from_bytes(HEADER[2:], "little") == ACCOUNT.itemsize


def test_random_bytes_survive_the_round_trip() -> None:
    states = States()
    states.slots(["a"])
    record = np.random.default_rng(1).bytes(ACCOUNT.itemsize)
    states.array[0] = np.frombuffer(record, ACCOUNT)[0]
    states.touch([0])
    ((name, blob),) = states.drain()
    assert (name, blob) == ("a", HEADER + record)
    other = States()
    other.restore([(name, blob)])
    assert other.array[0].tobytes() == record


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        HEADER,
        HEADER + b"\0" * (ACCOUNT.itemsize - 1),
        (VERSION + 1).to_bytes(2, "little") + HEADER[2:] + b"\0" * ACCOUNT.itemsize,
        HEADER[:2] + (ACCOUNT.itemsize - 4).to_bytes(2, "little") + b"\0" * ACCOUNT.itemsize,
    ],
    ids=["nothing", "header only", "cut off", "other version", "other size"],
)
def test_a_record_of_another_release_is_refused_with_the_mend(blob: bytes) -> None:
    with pytest.raises(StateError, match="run the release that wrote the database"):
        States().restore([("a", blob)])
