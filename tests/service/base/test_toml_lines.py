"""Where a key stands in TOML."""

import tomllib

import pytest

from service.base.toml_lines import line_of

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
