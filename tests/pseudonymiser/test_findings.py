"""Inputs from the field that were misread once: golden cases, each for its kind."""

import pytest

from service.records.events import READING, AccessEvent
from tests.pseudonymiser.ingest_factory import COMMON, event, events, ingest, line

PLAIN = line()


def account(user: bytes) -> str:
    return event(ingest(), line(user="NAME").replace(b"NAME", user)).account


def test_names_of_the_field() -> None:
    assert account(b"m\xfcller") == account("müller".encode()) == account(b"m%C3%BCller")
    assert account(b"m\xfcller") != account(b"m\xf6ller")
    assert account(b"adoe%40example.edu") == account(b"adoe@example.edu")
    assert account(b"Ann Doe") == account(b"ann%20doe")
    assert account(b"CN=Doe\\, Ann,OU=staff") == account(b"doe, ann")


@pytest.mark.parametrize(
    "agent", ['x HTTP/1.1" 304 0 "-" "y', 'x HTTP/1.1" 304 0 "a" "b" HTTP/1.1" 304 0 "-" "y']
)
def test_a_quote_in_a_header_forges_no_status(agent: str) -> None:
    room = ingest(COMMON + ' "%{Referer}i" "%{User-Agent}i"')
    found = event(room, line(size="999999") + f' "-" "{agent}"'.encode())
    assert (found.status, found.size) == (200, 999_999)
    assert room.ambiguous == 1


def test_the_last_outer_address_is_the_readers() -> None:
    room = ingest(COMMON + ' "%{X-Forwarded-For}i"')
    forged = event(room, line(host="10.0.0.5") + b' "203.0.113.9, 192.0.2.7"')
    assert forged.address == event(ingest(), line(host="192.0.2.7")).address
    behind = event(ingest(), line(host="203.0.113.9, 192.0.2.7, 10.0.0.5"))
    assert behind.address == forged.address
    known = event(ingest(proxies=("198.51.100.0/24",)), line(host="192.0.2.7, 198.51.100.9"))
    assert known.address == forged.address


@pytest.mark.parametrize("header", ["X-Forwarded-For", "CF-Connecting-IP", "X-Real-IP", "True-Client-IP"])
def test_addresses_in_other_headers(header: str) -> None:
    room = ingest(f"%{{{header}}}i %{{ezproxy-session}}i %l " + '%u %t "%r" %s %b')
    rest = PLAIN.split(b" ", 1)[1]
    found = event(room, b"203.0.113.77, 192.0.2.7 aB3dE5gH7jK9mN1 " + rest)
    assert found.address == event(ingest(), line(host="192.0.2.7")).address


@pytest.mark.parametrize("masked", ["192.0.2.xxx", "192.0.x.x", "4bc1f5d7cbf339265d7b89aa83f1d0cb"])
def test_masked_addresses(masked: str) -> None:
    assert event(ingest(), line(host=masked)).address == ""


@pytest.mark.parametrize(
    "wrapped",
    [
        b" " + PLAIN,
        b"Mar  5 10:00:19 proxy1 " + PLAIN,
        b"Mar  5 10:00:19 relay Mar  5 10:00:18 proxy1 ezproxy: " + PLAIN,
        b"2026-03-05T10:00:00.123456789Z stdout F " + PLAIN,
        b'<134>1 2026-03-05T10:00:00Z proxy1 ezproxy 7 - [x@1 a="b\\]c"] ' + PLAIN,
    ],
)
def test_lines_of_the_field(wrapped: bytes) -> None:
    assert event(ingest(), wrapped) == event(ingest(), PLAIN)


def test_shapes_of_times_and_sizes() -> None:
    usual = event(ingest(), PLAIN)
    for when in (
        "[30/Nov/2025:12:00:00.123 +0000]",
        "[30/Nov/2025:17:30:00 +05:30]",
        "[30/Nov/2025:12:00:00 Z]",
    ):
        assert event(ingest(), line(when=when)).time == usual.time
    assert event(ingest(), line(status=0)).status == 0
    assert event(ingest(), line(size="")).size == -1
    assert event(ingest(COMMON + " \r"), PLAIN) == usual
    tabs = ingest(r"%h\t%u\t%t\t%U")
    tabbed = b"192.0.2.7#011asmith#011[30/Nov/2025:12:00:00 +0000]#011http://x.org/"
    assert event(tabs, tabbed).account == usual.account
    audit = b"2026-03-05 10:00:18\tLogin.Success\t192.0.2.7\tasmith\tAbCdEfGhIj01234"
    (told,) = events(ingest(), b"Mar  5 10:00:19 proxy1 ezproxy-audit: " + audit, audit=True)
    assert told == event(ingest(), audit, audit=True) if isinstance(told, AccessEvent) else False


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://brill.com:443/view/journals/abcd/12/3/article-p201_4.xml", True),
        ("https://brill.com/downloadpdf/journals/abcd/12/3/article-p201_4.xml", True),
        ("https://research.ebsco.com/linkprocessor/v2-pdf?crl=f&recordId=wxyz456789", True),
        ("https://research.ebsco.com/api/viewer/v5/details/w2sj2vnexn?opid=x", True),
        ("https://www.uptodate.com/contents/search?search=x", False),
        ("https://www.uptodate.com/contents/table-of-contents/cardiology", False),
        ("https://jamanetwork.com/journals/jama/article-abstract/2480993", False),
        ("https://muse.jhu.edu/article/627750/summary", False),
        ("https://dl.acm.org/doi/10.1145/3359626", False),
        ("https://www.erudit.org/fr/revues/recma/2012-n326-recma0683/1016866ar/", True),
        ("https://beck-online.beck.de/Dokument?vpath=bibdata%2Fzeits%2Fnjw%2F2026%2Fnjw.2026.123.htm", True),
        ("https://www.juris.de/perma?d=JURE123456789", True),
        ("https://www.example.org/assets/articles/62-2020-10.pdf", True),
        ("https://www.example.org/images/stories/pdf/a.pdf", True),
    ],
)
def test_urls_of_the_field(url: str, read: bool) -> None:
    resource = event(ingest(), line(url, size="40000")).resource
    assert bool(resource.kind in READING and resource.document) == read


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://www.jstor.org/stable/10.1086/712345", "https://www.jstor.org/stable/10.1086/712346"),
        (
            "https://legal.example.com/maf/app/document?srguid=i0ad6&docguid=I0000000000001",
            "https://legal.example.com/maf/app/document?srguid=i0ad6&docguid=I0000000000002",
        ),
    ],
)
def test_two_documents_have_two_tokens(first: str, second: str) -> None:
    tokens = {event(ingest(), line(url)).resource.document for url in (first, second)}
    assert len(tokens - {""}) == 2


def test_a_doi_at_a_publisher_is_that_doi() -> None:
    urls = (
        "https://www.jstor.org/stable/10.1086/712345",
        "https://www.jstor.org/stable/pdf/10.1086/712345.pdf",
    )
    doi = event(ingest(), line("https://doi.org/10.1086/712345")).resource.document
    assert {event(ingest(), line(url)).resource.document for url in urls} == {doi}
