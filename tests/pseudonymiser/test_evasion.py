"""No reader chooses to be invisible: what is added to a URL, or how it is spelled, hides no document."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.urls import bare_host, cut
from service.kernel.encoder import NOT_READING
from service.records.events import READING, Resource
from tests.pseudonymiser.ingest_factory import event, ingest, line

ROOM = ingest()

PDFS = {
    "nature": "https://www.nature.com/articles/s41586-020-{n}-1.pdf",
    "sciencedirect": "https://www.sciencedirect.com/science/article/pii/S03594311120{n}X/pdfft",
    "wiley": "https://onlinelibrary.wiley.com/doi/pdfdirect/10.1002/anie.2020{n}",
    "springer": "https://link.springer.com/content/pdf/10.1007/s09999-008-{n}-4.pdf",
    "ieee": "https://ieeexplore.ieee.org/stampPDF/getPDF.jsp?tp=&arnumber=69{n}",
    "jstor": "https://www.jstor.org/stable/pdf/99{n}.pdf",
    "oup": "https://academic.oup.com/brain/article-pdf/28/6/123/170{n}/x.pdf",
    "cambridge": "https://www.cambridge.org/core/services/aop-cambridge-core/content/view/ABCDEF0123456789AB{n}",
    "muse": "https://muse.jhu.edu/article/62{n}/pdf",
    "unknown PDF": "https://papers.example.org/archive/a{n}.pdf",
    "unknown DOI": "https://papers.example.org/doi/pdf/10.1000/abc.{n}",
    "unknown path": "https://papers.example.org/get/{n}",
    "unknown query": "https://papers.example.org/get?zz={n}",
    "under assets": "https://papers.example.org/assets/articles/62-{n}-10.pdf",
    "under static": "https://papers.example.org/static/pdf/{n}/art.pdf",
}


def _before_query(added: str) -> Callable[[str], str]:
    def change(url: str) -> str:
        path, *query = url.split("?")
        return "?".join([path + added, *query])

    return change


def _with(parameter: str) -> Callable[[str], str]:
    return lambda url: f"{url}{'&' if '?' in url else '?'}{parameter}"


def _encoded(url: str) -> str:
    scheme, rest = url.split("//")
    host, _, path = rest.partition("/")
    return f"{scheme}//{host}/{''.join(f'%{ord(c):02x}' if c.isalnum() else c for c in path)}"


TRICKS: dict[str, Callable[[str], str]] = {
    "poll in a parameter": _with("x=/ping"),
    "collect in a parameter": _with("x=/g/collect"),
    "marker in a parameter": _with("x=marker-file"),
    "style sheet in a parameter": _with("x=a.css"),
    "search in a parameter": _with("q=a"),
    "DOI in a parameter": _with("x=10.1234/same"),
    "id in a parameter": _with("id=0000000000001"),
    "old address in parameters": _with("_ob=pdf&_pii=s0000000000000001"),
    "path parameter": _before_query(";a.css"),
    "session": _before_query(";jsessionid=0123456789ABCDEF"),
    "segment": _before_query("/a.css"),
    "ending": _before_query(".png"),
    "poll segment": _before_query("/ping"),
    "fragment": lambda url: url + "#/ping",
    "percent": _encoded,
    "percent twice": lambda url: _encoded(url).replace("%", "%25"),
    "doubled slashes": lambda url: "https://" + url[8:].replace("/", "//"),
    "dot segments": lambda url: "https://" + url[8:].replace("/", "/./css/../"),
    "host in capitals": lambda url: url.replace("https://www.", "HTTPS://WWW."),
    "port and dot": lambda url: url.replace(".com/", ".com.:443/").replace(".org/", ".org.:443/"),
    "a user before the host": lambda url: url.replace("https://", "https://a:b@"),
}


def read(url: str, size: int = 800_000, method: str = "GET", status: int = 200) -> Resource:
    return event(ROOM, line(url, size=str(size), method=method, status=status)).resource


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("platform", PDFS)
def test_what_is_added_hides_no_document_and_joins_no_two(platform: str, trick: str) -> None:
    found = [read(TRICKS[trick](PDFS[platform].format(n=1000 + n))) for n in range(12)]
    assert all(resource.kind in READING for resource in found)
    assert len({resource.document for resource in found} - {""}) == 12


# What a site is sure to ignore: there the document keeps its token as well.
SAME = ("poll in a parameter", "path parameter", "session", "percent", "percent twice", "doubled slashes")


@pytest.mark.parametrize("trick", SAME)
@pytest.mark.parametrize(
    "platform", [name for name in PDFS if "query" not in name and name != "unknown path"]
)
def test_another_spelling_is_the_same_document(platform: str, trick: str) -> None:
    url = PDFS[platform].format(n=1234)
    assert read(TRICKS[trick](url)).document == read(url).document


@pytest.mark.parametrize("platform", PDFS)
def test_by_ranges_and_by_forms(platform: str) -> None:
    url = PDFS[platform].format(n=1234)
    assert read(url, size=65_536, status=206).document == read(url).document
    posted = event(ROOM, line(url, method="POST", size="800000"))
    assert posted.resource.kind in READING
    assert posted.resource.document
    assert posted.method not in NOT_READING


def test_one_address_that_hands_out_many_documents_to_forms() -> None:
    url = "https://papers.example.org/export"
    found = {read(url, size=200_000 + n, method="POST").document for n in range(10)}
    assert len(found - {""}) == 10
    assert read(url, size=300, method="POST").kind not in READING


def test_small_furniture_is_not_read_and_folders_of_it_are_one() -> None:
    assert read("https://papers.example.org/static/js/main.3f2a1b.js", size=9_000).kind not in READING
    large = {read(f"https://papers.example.org/static/js/chunk-{n}.js").document for n in range(10)}
    assert len(large) == 1


@pytest.mark.parametrize(
    "url",
    ["https://papers.example.org/", "https://www.nature.com/index.html", "https://papers.example.org/home"],
)
def test_a_front_page_is_nothing_read_whatever_its_size(url: str) -> None:
    assert read(url).kind not in READING


def test_bundles_are_read() -> None:
    for url in (
        "https://www.sciencedirect.com/science?_ob=PdfDownloadURL&_method=download&_hubEid=1-s2.0-S1&count=25",
        "https://www.tandfonline.com/action/generateIssuePDFs?dois=10.1080/1,10.1080/2",
        "https://papers.example.org/export/all.zip?ids=1,2,3",
    ):
        assert read(url, size=25_000_000).kind in READING
        assert read(url, size=25_000_000).document


def test_padding_does_not_push_what_names_a_document_out_of_sight() -> None:
    pad = "x" * 9_000
    found = {read(f"https://papers.example.org/get?{pad}=1&zz={n}").document for n in range(10)}
    assert len(found - {""}) == 10


@pytest.mark.parametrize(
    ("url", "host", "text"),
    [
        ("HTTPS://www.Nature.COM.:443//a/./b/../C.pdf;x=1?Y=2#z", "nature.com", "/a/c.pdf?y=2&x=1"),
        ("http://a:b@c@x.org/%2561", "x.org", "/a"),
        ("http://www%2enature.com/", "nature.com", "/"),
        ("http://bücher.example/", "xn--bcher-kva.example", "/"),
        ("http://x.org/?a=1&a=2&b=3", "x.org", "/?a=1.2&b=3"),
        ("http://x.org/#/vid/1", "x.org", "/vid/1"),
        ("http:///x", "invalid", "/x"),
        ("x.org:443", "x.org", "/"),
    ],
)
def test_one_spelling(url: str, host: str, text: str) -> None:
    target = cut(url, bare_host)
    assert target.host == host
    assert target.text == text


@settings(deadline=None)
@given(st.text(max_size=40))
def test_encoding_again_changes_nothing(path: str) -> None:
    once = cut(f"https://x.org/{quote(path, safe='')}", bare_host).path
    assert cut(f"https://x.org/{quote(quote(path, safe=''), safe='')}", bare_host).path == once
