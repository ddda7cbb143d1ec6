"""Requests written in a LogFormat: what an independent reading of the line finds is what went in."""

import datetime as dt
import json
import re
from zoneinfo import ZoneInfo

import pytest

from service.simulator import SimulationError
from service.simulator.lines import compile_format
from service.simulator.requests import Request, Visit

LONDON = ZoneInfo("Europe/London")
VISIT = Visit("ab12345", "240.0.1.7", "aB3dE6gH9jK2mN5", "Mozilla/5.0 (X11)", "Default+Staff", "GB")
NOON = int(dt.datetime(2026, 9, 1, 12, 34, 56, tzinfo=LONDON).timestamp())
REQUEST = Request(NOON, VISIT, "GET", "https://www.jstor.org:443/stable/pdf/7.pdf", 206, 4_500_000, "-")


def render(log_format: str, request: Request = REQUEST) -> str:
    return compile_format(log_format, LONDON)(request)


def test_default_format() -> None:
    expected = (
        "240.0.1.7 - ab12345 [01/Sep/2026:12:34:56 +0100] "
        '"GET https://www.jstor.org:443/stable/pdf/7.pdf HTTP/1.1" 206 4500000'
    )
    assert render('%h %l %u %t "%r" %s %b') == expected


@pytest.mark.parametrize(
    ("log_format", "pattern"),
    [
        (r"%h\t%u\t%U\t%s\t%b", r"(?P<h>\S+)\t(?P<u>\S+)\t(?P<U>\S+)\t(?P<s>\d+)\t(?P<b>\d+)"),
        ("IP=%h|%u|%U|%s|%b|9%%", r"IP=(?P<h>[^|]+)\|(?P<u>[^|]+)\|(?P<U>[^|]+)\|(?P<s>\d+)\|(?P<b>\d+)\|9%"),
        ("%{%s}t;%a;%u;%m;%U;%s;%b", r"\d+;(?P<h>[^;]+);(?P<u>[^;]+);GET;(?P<U>[^;]+);(?P<s>\d+);(?P<b>\d+)"),
    ],
)  # fmt: skip
def test_fields_are_found_again(log_format: str, pattern: str) -> None:
    found = re.fullmatch(pattern, render(log_format))
    assert found
    assert found.groupdict() == {
        "h": "240.0.1.7", "u": "ab12345", "U": REQUEST.url, "s": "206", "b": "4500000",
    }  # fmt: skip


def test_json_shaped_format() -> None:
    log_format = (
        '{"timestamp":"%{%Y-%m-%dT%H:%M:%S%z}t","client_ip":"%h","user":"%u","session":"%{ezproxy-session}i"}'
    )
    assert json.loads(render(log_format)) == {
        "timestamp": "2026-09-01T12:34:56+0100",
        "client_ip": "240.0.1.7",
        "user": "ab12345",
        "session": "aB3dE6gH9jK2mN5",
    }


def test_headers_and_expressions() -> None:
    log_format = (
        "%{User-Agent}i|%{referer}i|%{ezproxy-groups}i|%{x-other}i|%{Country()}e|%{login:loguser}e|%v|%T"
    )
    assert render(log_format) == "Mozilla/5.0 (X11)|-|Default+Staff|-|GB|-|www.jstor.org:443|2"


def test_months_are_english_and_the_doubled_hour_has_two_offsets() -> None:
    summer = int(dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC).timestamp())
    assert render("%t", REQUEST._replace(time=summer)) == "[25/Oct/2026:01:30:00 +0100]"
    assert render("%t", REQUEST._replace(time=summer + 3600)) == "[25/Oct/2026:01:30:00 +0000]"


@pytest.mark.parametrize("log_format", ["%h %q", "%{name}", "%h %", "%{a}x %h", "%5u"])
def test_an_unknown_token_is_named(log_format: str) -> None:
    with pytest.raises(SimulationError, match="token '%"):
        compile_format(log_format, LONDON)
