"""The record of one account: its size, and that it can be read back."""

from pathlib import Path

import numpy as np
import pytest

from service.base.errors import CheckpointError
from service.kernel.account_record import ACCOUNT, BIN_UNIT, DAY_UNIT
from service.kernel.measures import OWN, VERSION, K
from service.kernel.old_layouts import LAYOUTS, V1
from service.pipeline.account_table import HEADER, AccountTable

GOLDEN = Path(__file__).parents[1] / "golden" / "account.v1.bin"  # with an open episode


def test_a_record_and_its_header_stay_within_their_bound() -> None:
    assert ACCOUNT.itemsize + len(HEADER) <= 2304


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
    states = AccountTable()
    states.slots(["a"])
    record = np.random.default_rng(1).bytes(ACCOUNT.itemsize)
    states.array[0] = np.frombuffer(record, ACCOUNT)[0]
    states.touch([0])
    ((name, blob),) = states.drain()
    assert (name, blob) == ("a", HEADER + record)
    other = AccountTable()
    other.restore([(name, blob)])
    assert other.array[0].tobytes() == record


def test_a_record_of_the_first_layout_is_read_field_by_field() -> None:
    blob = GOLDEN.read_bytes()
    old = np.frombuffer(blob[4 : 4 + V1.itemsize], V1)[0]
    states = AccountTable()
    states.restore([("a", blob)])
    new = states.array[0]
    assert old["documents"] > 60
    assert states.episodes["a"].alert.detections
    for name in V1.names or ():
        if name in ("day_max", "usual", "spread", "counters"):
            assert new[name][: old[name].size].tolist() == old[name].tolist()
        elif name not in ("last_network", "spare"):
            assert new[name].tobytes() == old[name].tobytes(), name
    assert new["category"] == new["quiet_until"] == new["trend"].sum() == 0


def test_layouts_only_grow() -> None:
    """Of measures and of fields with several values the first ones keep their meaning."""
    assert max(LAYOUTS) == VERSION
    for name in set(V1.names or ()) & set(ACCOUNT.names or ()):
        assert all(o <= n for o, n in zip(V1[name].shape, ACCOUNT[name].shape, strict=True))
        assert V1[name].base == ACCOUNT[name].base


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
    with pytest.raises(CheckpointError, match="run the release that wrote the database"):
        AccountTable().restore([("a", blob)])
