"""Where a key stands in TOML, and values written as TOML."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.base.toml import line_of, to_toml

TEXT = """\
port = 8321
"host" = "127.0.0.1"  # quoted keys
kafka.servers = []
campus = [
    "192.0.2.0/24",
]

[signin]
issuer = "https://login.example.ac.uk"

[ signin . roles ]
analyst = []

[[example]]
says = "one"
[[example.does]]
pages = 1
[[example]]
says = "two"
does = [{ pages = 3 }]
[[example]]
[[example.does]]
[[example.does]]
pages = 4
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["port"], 1),
        (["host"], 2),
        (["kafka", "servers"], 3),
        (["kafka", "servers", 0], 3),
        (["kafka", "user"], 0),  # there is no line of the table itself
        (["campus", 0], 4),
        (["signin", "issuer"], 9),
        (["signin", "ca_file"], 8),  # not set: the table's line
        (["signin", "roles", "analyst"], 12),
        (["signin", "roles", "auditor"], 11),
        (["issuer"], 0),  # of another table
        (["example", 0, "says"], 15),
        (["example", 0, "does", 0, "pages"], 17),
        (["example", 1, "says"], 19),
        (["example", 1, "does", 0, "pages"], 20),
        (["example", 2, "says"], 21),
        (["example", 2, "does", 1, "pages"], 24),
        ([], 0),
    ],
)
def test_a_key_is_found(path: list[str | int], line: int) -> None:
    assert line_of(TEXT, path) == line


def test_the_text_is_toml() -> None:
    assert tomllib.loads(TEXT)["example"][2]["does"][1] == {"pages": 4}


@given(st.recursive(st.text(st.characters(codec="utf-8")) | st.integers(-9, 9), st.lists, max_leaves=5))
def test_a_value_that_is_written_reads_back(value: object) -> None:
    assert tomllib.loads(f"key = {to_toml(value)}") == {"key": value}
