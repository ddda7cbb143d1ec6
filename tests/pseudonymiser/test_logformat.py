# ruff: noqa: E501  (raw log lines and URLs are kept whole)
"""LogFormats compiled, and lines by them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.accesslog import AccessParser
from pseudonymiser.errors import LogFormatError
from pseudonymiser.logformat import ROLES
from pseudonymiser.timestamps import Zone
from tests.pseudonymiser.ingest_factory import COMMON, REAL, needs_real_logs

LONDON = Zone("Europe/London")
TIME = "[30/Nov/2025:12:00:00 +0000]"
REQUEST = "GET https://example.org/a HTTP/1.1"
LINE = f'192.0.2.7 - asmith {TIME} "{REQUEST}" 200 1000'


def parse(log_format: str, line: str) -> dict[str, str]:
    """The fields that are there; {} where the line does not fit."""
    (fields,) = AccessParser(log_format, LONDON).parse([line])
    return {role: value for role, value in zip(ROLES, fields, strict=True) if value} if fields else {}


def test_the_common_format() -> None:
    assert parse(COMMON, LINE) == {
        "time": TIME,
        "host": "192.0.2.7",
        "user": "asmith",
        "ident": "-",
        "request": REQUEST,
        "status": "200",
        "size": "1000",
    }


@pytest.mark.parametrize(
    ("log_format", "line", "expected"),
    [
        (COMMON, LINE.replace("192.0.2.7", "10.0.0.1, 192.0.2.7"), {"host": "10.0.0.1, 192.0.2.7"}),
        (
            COMMON,
            LINE.replace("/a", '/a?q="b c" HTTP/2 d'),
            {"request": 'GET https://example.org/a?q="b c" HTTP/2 d HTTP/1.1'},
        ),
        (COMMON, LINE.replace(" 200 1000", " 906 -"), {"status": "906", "size": "-"}),
        (f"LogFormat {COMMON}", LINE, {"user": "asmith"}),
        ('%h %l %u [%t] "%r" %s %b', LINE, {"time": TIME[1:-1]}),
        ('%h %l %u [%t] "%r" %s %b', LINE.replace("[", "[[").replace("]", "]]"), {"time": TIME}),
        (
            r"%t\t%h\t%u\t%{ezproxy-session}i\t%U",
            f"{TIME}\t192.0.2.7\t\tabc\thttp://x.org/a b",
            {"session": "abc", "request": "http://x.org/a b"},
        ),
        ("%h%<\t>%u%<[\t]>%t%<\\t>%U", f"192.0.2.7\tann lee\t{TIME}\thttp://x.org/", {"user": "ann lee"}),
        (
            "%h|%u|%{ezproxy-groups}i|%t|%U|%s",
            f"192.0.2.7|a|B+C d||{TIME}".replace("||", "|") + "|http://x.org/|200",
            {"groups": "B+C d", "status": "200"},
        ),
        (
            "%t;%h;%U;%u;%{statut}<[a-z ]*>",
            f"{TIME};192.0.2.7;http://x.org/a;b;asmith;etu diant",
            {"request": "http://x.org/a;b", "groups": "etu diant"},
        ),
        (
            "SRC_IP=%h|EZP_ID=%{session}|USER=%u|START_TIME=%t|HTTP_REQUEST=%U|HTTP_CODE=%s|NB_BYTES=%b",
            f"SRC_IP=192.0.2.7|EZP_ID=abc|USER=asmith|START_TIME={TIME}|HTTP_REQUEST=http://x.org/|HTTP_CODE=200|NB_BYTES=1",
            {"session": "abc", "user": "asmith", "size": "1"},
        ),
        (
            '{"timestamp":"%{%Y-%m-%dT%H:%M:%S%z}t","ip":"%h","user":"%u","url":"%U","status":%s,"ua":"%{user-agent}i"}',
            '{"timestamp":"2025-11-30T12:00:00+0000","ip":"192.0.2.7","user":"asmith","url":"http://x.org/?q="a"","status":200,"ua":"Mozilla "x""}',
            {"time": "2025-11-30T12:00:00+0000", "request": 'http://x.org/?q="a"', "agent": 'Mozilla "x"'},
        ),
        (
            COMMON + ' "%{referer}i" "%{User-Agent}i" %{ezproxy-session}i',
            LINE + ' "http://a.org/?q="x"" "Mozilla/5.0 (X) \\"y\\"" abc',
            {"referer": 'http://a.org/?q="x"', "agent": 'Mozilla/5.0 (X) \\"y\\"', "session": "abc"},
        ),
        (COMMON, f"<134>Nov 30 12:00:01 proxy ezproxy[77]: {LINE}", {"user": "asmith"}),
        (COMMON, f"2025-11-30T12:00:01.5+00:00 proxy ezproxy: {LINE}", {"user": "asmith"}),
        (COMMON, f'<134>1 2025-11-30T12:00:01Z proxy ezproxy 77 - [x@1 a="b"] {LINE}', {"user": "asmith"}),
        ("%<.* Ezproxy: >" + COMMON, f"Nov 30 12:00:01 proxy Ezproxy: {LINE}", {"host": "192.0.2.7"}),
        (
            "%{datesyslog}<[\\w ]+> %{heure}<[\\d:]+\\w> %{srv}<[\\w-_]+> %h %u %t %U",
            f"Nov 30 12:00:01Z p_x 192.0.2.7 asmith {TIME} http://x.org/",
            {"user": "asmith"},
        ),
        (
            "%h %u %t %m %U %s",
            f"192.0.2.7 asmith {TIME} GET http://x.org/a b 200",
            {"method": "GET", "request": "http://x.org/a b"},
        ),
        ("%h %l %l %t %U", f"192.0.2.7 a b {TIME} http://x.org/", {"ident": "a"}),
        (
            "%{datetime}<[^|]+>|%{login}<[^|]+>|%U|%%",
            "2025-11-30 12:00:00|asmith|http://x.org/|%",
            {"time": "2025-11-30 12:00:00", "user": "asmith"},
        ),
    ],
)
def test_shapes_of_formats(log_format: str, line: str, expected: dict[str, str]) -> None:
    fields = parse(log_format, line)
    assert expected.items() <= fields.items()


def test_a_forged_request_in_an_agent_moves_no_other_field() -> None:
    """What a reader can write stands after the address and the name, and cannot reach back to them."""
    forged = LINE + f' "198.51.100.9 - victim {TIME} "{REQUEST}" 200 1"'
    fields = parse(COMMON + ' "%{user-agent}i"', forged)
    assert (fields["host"], fields["user"]) == ("192.0.2.7", "asmith")
    syslog = parse(
        "%<.* Ezproxy: >" + COMMON, f"x Ezproxy: {LINE.replace('/a', '/ Ezproxy: 198.51.100.9 - victim')}"
    )
    assert (syslog["host"], syslog["user"]) == ("192.0.2.7", "asmith")


@pytest.mark.parametrize("line", ["", "x", LINE + " more", LINE.replace("200", "2x0"), LINE[:-30]])
def test_lines_of_another_shape(line: str) -> None:
    assert parse(COMMON, line) == {}


@pytest.mark.parametrize(
    ("log_format", "column", "problem"),
    [
        ('%h %k %t "%r"', 4, "%k is not known"),
        ('%h %t "%r" %', 12, "lone %"),
        ("%h %{%Y-%Q}t %U", 4, "%Q is not known"),
        ("%h %t %U %{x}<[a-z>", 10, "not a regular expression"),
        ("%h %t %U %{x}<(a+)+>", 10, "group"),
        ("%h %t %U %{a b}i", 10, "field name"),
        ('%h %u "%r"', 0, "no time"),
        ("%h %u %t %s", 0, "no URL"),
        ("", 0, "no time"),
        ("%h" * 5000, 0, "longer"),
    ],
)
def test_errors_name_the_column_and_the_mend(log_format: str, column: int, problem: str) -> None:
    with pytest.raises(LogFormatError, match=problem) as error:
        AccessParser(log_format, LONDON)
    assert error.value.column == column
    assert str(error.value).endswith(".")


HOSTILE = [
    LINE[:70] + ' HTTP/1.1" 200 1 "a" "b" ;' * 600,
    LINE[:70] + '" "' * 5000,
    LINE[:70] + " " * 16_000,
    LINE[:70] + "a;" * 8000,
    f"192.0.2.7 - u {TIME} " + "a " * 8000,
    "192.0.2.7, " * 1400,
    " Ezproxy: " * 1600,
    '"' * 16_000,
    "\t" * 16_000,
    "\0" * 16_000,
]


@needs_real_logs
def test_every_real_format_compiles_and_bears_hostile_lines() -> None:
    """The suite's time limit is the measure: a pattern that runs away would take hours."""
    formats = (REAL / "logformats.txt").read_text(encoding="utf-8").splitlines()
    assert len(formats) == 76
    for log_format in formats:
        parser = AccessParser(log_format, LONDON)
        assert {"time", "request"} <= parser.format.present
        assert len(parser.parse(HOSTILE[:4])) == 4


@pytest.mark.parametrize("line", HOSTILE)
def test_hostile_lines_end(line: str) -> None:
    for log_format in (COMMON, COMMON + ' "%{referer}<.*?>" "%{user-agent}<.*>" %{a}<.*> %{b}<.*>'):
        assert len(AccessParser(log_format, LONDON).parse([line])) == 1


PIECES = st.sampled_from(
    [
        "%h",
        "%u",
        "%t",
        "%r",
        '"%r"',
        "%U",
        "%s",
        "%b",
        "%l",
        " ",
        "|",
        ";",
        "\\t",
        "%<.*>",
        "%{x}<.*?>",
        "%{login}",
        "%{%Y-%m-%d %T}t",
        "%{ezproxy-groups}<[a-z]+>",
        "%{a}<[^ ]*>",
        "%",
        "%{",
        "<",
        ">",
        "é",
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=60))
def test_any_format_compiles_or_says_why(log_format: str, line: str) -> None:
    try:
        parser = AccessParser(log_format, LONDON)
    except LogFormatError:
        return
    assert parser.parse([line]) == [None] or "time" in parser.format.present


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_as_format_compiles_or_says_why(text: str) -> None:
    for log_format in (text, f"{text}%t%U", f"%t %U %{{x}}<{text}>"):
        try:
            AccessParser(log_format, LONDON)
        except LogFormatError:
            continue
