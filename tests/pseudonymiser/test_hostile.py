"""Lines made to break their reader: one event or one counted rejection each, at a cost of their length."""

import pytest

from pseudonymiser.canonical import Canoniser
from pseudonymiser.ingest import LONGEST_LINE
from service.records.events import AccessEvent
from tests.pseudonymiser.hostile import FORMATS, TIMES, costs, feed, in_ordinary_lines
from tests.pseudonymiser.ingest_factory import COMMON, ingest, line

COMBINED = COMMON + ' "%{Referer}i" "%{User-Agent}i"'
LONG = LONGEST_LINE - 400
VERSIONS = 'a HTTP/1.1" 200 5 "'


@pytest.mark.parametrize("number", range(len(FORMATS)))
def test_each_line_is_one_event_or_one_counted_rejection(number: int) -> None:
    outcomes = [reason for _, reason in feed(FORMATS[number], 300, seed=number)]
    assert len(outcomes) == 300
    assert "" in outcomes  # the grammar makes lines that can be read as well


def again(piece: str, length: int = LONG) -> str:
    return (piece * (length // len(piece) + 1))[:length]


COSTLY = {
    "backslashes in a name": (COMMON, line(user=again("a\\"))),
    "accents in a name": (COMMON, line(user="a" + again("\u0301\u0316", LONG // 3))),
    "percent signs in a name": (COMMON, line(user=again("%25", 240))),
    "equal signs in a name": (COMMON, line(user=again("uid=", 240))),
    "ligatures in a name": (COMMON, line(user="\ufdfa" * 90)),
    "proquest": (COMMON, line("https://search.proquest.com" + again("/pqdlinkadid=0"))),
    "psycnet": (COMMON, line("https://psycnet.apa.org" + again("/index.cfmafa=a/0"))),
    "cairn": (COMMON, line("https://www.cairn.info/revue-" + again("aa.p"))),
    "plos": (COMMON, line("https://journals.plos.org" + again("/article/file?aid=info:doi/10.1371/a.p"))),
    "DOI with dots": (COMMON, line("https://x.org/10.1234/aa" + again(".") + "!")),
    "DOIs": (COMMON, line("https://x.org/" + again("10.1234/a"))),
    "slashes": (COMMON, line("https://x.org/" + again("/"))),
    "dot segments": (COMMON, line("https://x.org/" + again("a/../"))),
    "percent signs": (COMMON, line("https://x.org/" + again("%25"))),
    "parameters": (COMMON, line("https://x.org/?" + again("a=1&"))),
    "matrix": (COMMON, line("https://x.org/a" + again(";a=1"))),
    "hyphens": (COMMON, line("https://x.org/" + again("a-"))),
    "host labels": (COMMON, line("https://" + again("a.") + "/")),
    "versions in an agent": (COMBINED, line() + b' "-" "' + again(VERSIONS).encode() + b'"'),
    "quotes in a referer": (COMBINED, line() + b' "' + again('" "').encode() + b'" "x"'),
    "blanks in a request": (COMMON, line("https://x.org/" + again("a "))),
    "no fit": (COMBINED, again('a HTTP/1.1" ').encode()),
    "bad bytes": (COMMON, line(user="NAME").replace(b"NAME", b"\xffa" * (LONG // 2))),
    "addresses": (COMMON, line(host=again("192.0.2.1, "))),
}


@pytest.mark.parametrize("name", COSTLY)
def test_no_line_costs_more_than_twenty_ordinary_ones(name: str) -> None:
    """A ratio within one run: both sides are measured by this process's CPU time."""
    log_format, hostile = COSTLY[name]
    assert len(hostile) <= LONGEST_LINE
    room = ingest(log_format)
    assert any(in_ordinary_lines(room, hostile) <= TIMES for _ in range(4))


def test_lines_of_the_grammar_keep_to_the_bound() -> None:
    assert max(costs(COMMON, 200, seed=7)) <= TIMES


def test_a_name_of_any_length_is_one_name() -> None:
    canoniser = Canoniser()
    long = "A" * 16_000
    assert canoniser.identify(long) == canoniser.identify(long)
    assert canoniser.identify(long) != canoniser.identify(long[:-1])
    (result,) = ingest().feed([line(user=long[:15_000])], source="a.log")
    assert isinstance(result, AccessEvent)
    assert result.account
