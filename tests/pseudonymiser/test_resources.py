"""URLs reduced: golden cases per platform, one article under all its names, nothing in the clear."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.platforms import Catalogue
from pseudonymiser.pseudonyms import Pseudonyms
from pseudonymiser.resources import SEQUENCES, Reducer
from service.records.events import EventKind, Resource
from tests.pseudonymiser.ingest_factory import KEYS

REDUCER = Reducer(Pseudonyms(KEYS), ("ezproxy.example.ac.uk",))


def reduce(url: str) -> Resource:
    return REDUCER.reduce(url).resource


ONE_ARTICLE = {
    "sciencedirect": [
        (
            "pdf",
            "http://pdn.sciencedirect.com:80/science?_ob=MiamiImageURL&_cid=271641&_user=1&_pii=S0359431112001007&_check=y&md5=0a/1-s2.0-S0359431112001007-main.pdf",
        ),
        (
            "pdf",
            "https://www.sciencedirect.com/science/article/pii/S0359431112001007/pdfft?md5=aa&pid=1-s2.0-S0359431112001007-main.pdf",
        ),
        (
            "pdf",
            "https://pdf.sciencedirectassets.com/271641/1-s2.0-S0359431112001007/main.pdf?X-Amz-Date=20251130",
        ),
        ("fulltext", "http://www.sciencedirect.com:80/science/article/pii/S0359431112001007?via=ihub&cc=y"),
        ("fulltext", "https://www.sciencedirect.com/science/article/pii/S0359-4311(12)00100-7"),
        ("abstract", "https://www.sciencedirect.com/science/article/abs/pii/S0359431112001007"),
    ],
    "nature": [
        ("pdf", "http://www.nature.com:80/nature/journal/v491/n7424/pdf/nature19999.pdf"),
        ("fulltext", "http://www.nature.com/nature/journal/v491/n7424/full/nature19999.html"),
        ("abstract", "http://www.nature.com/nature/journal/v491/n7424/abs/nature19999.html"),
        ("fulltext", "https://www.nature.com/articles/nature19999"),
        ("pdf", "https://www.nature.com/articles/nature19999.pdf?origin=ppub"),
    ],
    "springer": [
        ("fulltext", "http://link.springer.com:80/article/10.1007%2Fs09999-008-0620-4"),
        ("fulltext", "http://link.springer.com:80/article/10.1007/s09999-008-0620-4/fulltext.html"),
        ("pdf", "https://link.springer.com/content/pdf/10.1007/s09999-008-0620-4.pdf?pdf=button"),
        ("pdf", "https://link.springer.com/content/pdf/10.1007%2Fs09999-008-0620-4.pdf"),
    ],
    "wiley": [
        ("pdf", "https://onlinelibrary.wiley.com/doi/pdf/10.1002/anie.209903456"),
        ("pdf", "https://onlinelibrary.wiley.com/doi/pdfdirect/10.1002/anie.209903456?download=true"),
        ("pdf", "http://onlinelibrary.wiley.com:80/doi/10.1002/anie.209903456/pdf"),
        ("fulltext", "https://onlinelibrary.wiley.com/doi/full/10.1002/anie.209903456"),
        ("fulltext", "https://onlinelibrary.wiley.com/doi/10.1002/anie.209903456"),
        ("abstract", "https://onlinelibrary.wiley.com/doi/abs/10.1002/anie.209903456"),
    ],
    "acs": [
        ("pdf", "http://pubs.acs.org:80/doi/pdf/10.1021/nn909999c"),
        ("pdf", "http://pubs.acs.org/doi/pdfplus/10.1021/nn909999c"),
        ("fulltext", "https://pubs.acs.org/doi/10.1021/nn909999c#abstract"),
    ],
    "ieee": [
        ("pdf", "https://ieeexplore.ieee.org/stamp/stamp.jsp?tp=&arnumber=6999999"),
        ("pdf", "https://ieeexplore.ieee.org/stampPDF/getPDF.jsp?tp=&arnumber=6999999&ref=aHR0"),
        ("pdf", "https://ieeexplore.ieee.org/ielx7/5/12/06999999.pdf?tp=&arnumber=6999999"),
        ("fulltext", "https://ieeexplore.ieee.org/document/6999999/authors"),
    ],
    "jstor": [
        ("pdf", "https://www.jstor.org/stable/pdf/9999999.pdf?refreqid=x"),
        ("book", "http://www.jstor.org/stable/get_image/9999999?path=1.png"),
        ("fulltext", "https://www.jstor.org/stable/10.2307/9999999"),
    ],
    "oxford": [
        ("pdf", "https://academic.oup.com/bioinformatics/article-pdf/28/6/123/17048129/bts999.pdf"),
        ("pdf", "https://academic.oup.com/bioinformatics/article-pdf/28/6/123/17048129/bts999_a.pdf?x=1"),
    ],
    "ebook-central": [
        ("book", "https://ebookcentral.proquest.com/lib/example/reader.action?docID=999999&ppg=12"),
        (
            "book",
            "https://ebookcentral.proquest.com/lib/example/docImage.action?encrypted=a&docID=999999&ppg=13",
        ),
        ("abstract", "https://ebookcentral.proquest.com/lib/example/detail.action?docID=999999"),
    ],
    "heinonline": [
        ("book", "https://heinonline.org/HOL/Page?handle=hein.journals/xlr99&div=3"),
        ("pdf", "https://heinonline.org/HOL/Print?collection=journals&handle=hein.journals/xlr99&id=9"),
    ],
    "arxiv": [
        ("pdf", "https://arxiv.org/pdf/2099.12345v2"),
        ("pdf", "https://arxiv.org/pdf/2099.12345.pdf"),
        ("abstract", "https://arxiv.org/abs/2099.12345"),
    ],
    "biorxiv": [
        ("pdf", "https://www.biorxiv.org/content/10.1101/2099.01.01.123456v1.full.pdf"),
        ("fulltext", "https://www.biorxiv.org/content/10.1101/2099.01.01.123456v2.full"),
    ],
    "pubmed": [
        ("pdf", "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC9999999/pdf/x.pdf"),
        ("fulltext", "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC9999999/"),
    ],
    "mdpi": [
        ("pdf", "https://www.mdpi.com/1422-9999/13/10/12345/pdf?version=1"),
        ("fulltext", "https://www.mdpi.com/1422-9999/13/10/12345"),
    ],
    "bmj": [
        ("pdf", "https://gut.bmj.com/content/69/1/999.full.pdf"),
        ("fulltext", "https://gut.bmj.com/content/69/1/999.full"),
        ("fulltext", "https://gut.bmj.com/content/69/1/999"),
    ],
    "rsc": [
        ("pdf", "https://pubs.rsc.org/en/content/articlepdf/2012/cc/c2cc99999a"),
        ("fulltext", "https://pubs.rsc.org/en/content/articlehtml/2012/cc/c2cc99999a"),
    ],
    "edp": [
        ("pdf", "http://www.medecinesciences.org/articles/medsci/pdf/2013/01/medsci2013291p9.pdf"),
        (
            "fulltext",
            "http://www.medecinesciences.org/articles/medsci/full_html/2013/01/medsci2013291p9/medsci2013291p9.html",
        ),
    ],
    "ebsco": [
        ("pdf", "https://web.p.ebscohost.com/ehost/pdfviewer/pdfviewer?sid=x%40redis&vid=1&an=99999999"),
        ("fulltext", "https://web.s.ebscohost.com/ehost/detail/detail?vid=0&db=aph&AN=99999999"),
    ],
    "proquest": [
        ("pdf", "https://www.proquest.com/docview/999999999/fulltextPDF/ABC/1?accountid=1"),
        ("fulltext", "https://search.proquest.com/docview/999999999?accountid=1"),
    ],
    "example.ac.uk": [
        ("pdf", "https://repository.example.ac.uk/papers/9999/thesis.pdf?sequence=1"),
        ("pdf", "https://repository.example.ac.uk:8443/papers/9999/thesis.pdf"),
    ],
    "publisher.example.org".partition(".")[2]: [
        ("pdf", "https://publisher.example.org/doi/pdf/10.1000/abc.999?x=1"),
        ("fulltext", "https://publisher.example.org/articles/10.1000/abc.999/full"),
        ("abstract", "https://publisher.example.org/abstract?doi=10.1000%2Fabc.999"),
    ],
}


@pytest.mark.parametrize("platform", ONE_ARTICLE)
def test_one_article_has_one_document_token(platform: str) -> None:
    reduced = [(kind, reduce(url)) for kind, url in ONE_ARTICLE[platform]]
    assert [(resource.platform, resource.kind) for _, resource in reduced] == [
        (platform, k) for k, _ in reduced
    ]
    assert len({resource.document for _, resource in reduced}) == 1
    assert re.fullmatch(r"[0-9a-v]{12}", reduced[0][1].document)


def test_articles_are_told_apart_and_share_their_journal() -> None:
    first, second = (
        reduce(f"https://www.sciencedirect.com/science/article/pii/S035943111200{n}7") for n in (100, 101)
    )
    assert first.document != second.document
    assert first.journal == second.journal
    assert (second.sequence - first.sequence) % SEQUENCES == 1


def test_a_doi_is_one_document_on_every_site() -> None:
    there = reduce("https://dx.doi.org/10.1038/nature19999")
    assert there.kind is EventKind.PAGE  # a redirect is not reading
    assert there.document == reduce("https://www.nature.com/articles/nature19999").document


@pytest.mark.parametrize(
    ("url", "platform", "kind"),
    [
        ("http://ezproxy.example.ac.uk:2048/login?url=http://www.nature.com/x.pdf", "ezproxy", "login"),
        ("https://login.ezproxy.example.ac.uk/connect?session=sAbCdEfGhIj01234&url=x", "ezproxy", "connect"),
        ("https://ezproxy.example.ac.uk/menu", "ezproxy", "menu"),
        ("https://ezproxy.example.ac.uk/logout", "ezproxy", "logout"),
        ("https://ezproxy.example.ac.uk/public/style.css", "ezproxy", "asset"),
        ("/login?qurl=x", "ezproxy", "login"),
        (
            "http://gate.elsewhere.org:50162/login?user=a&ticket=b%24u1&url=http://x.org/a.pdf",
            "ezproxy",
            "login",
        ),
        ("http://gate.elsewhere.org/connect?session=sAbCdEfGhIj01234&url=x", "ezproxy", "connect"),
        ("https://www.nature.com/articles/d41586/fig.png", "nature", "fulltext"),  # the article's own token
        ("https://www.nature.com/static/images/fig.png", "nature", "asset"),
        ("https://www.example.org/app.min.js?v=1", "example.org", "asset"),
        ("https://www.lexisnexis.com/api/session/tick", "lexisnexis", "poll"),
        ("https://www.example.org/keepalive?x=1", "example.org", "poll"),
        ("https://www.example.org/search?q=secret+illness", "example.org", "search"),
        ("https://www.example.org/video/lecture.mp4", "example.org", "media"),
        ("https://www.jstor.org/action/doBasicSearch?Query=x", "jstor", "search"),
        ("https://www.sciencedirect.com/science/journal/03594311", "sciencedirect", "contents"),
        ("https://onlinelibrary.wiley.com/toc/15213773/2012/51/1", "wiley", "contents"),
        ("https://www.scopus.com/record/display.uri?eid=2-s2.0-999999999", "scopus", "abstract"),
        ("https://bu.dalloz.fr:80/Document?produit-id=AJFAM&famille-id=REVUES", "dalloz", "contents"),
        ("https://john.smith.example.co.uk/", "example.co.uk", "page"),
        ("http://asmith:pw@files.example.com/", "example.com", "page"),
        ("http://192.0.2.7:8080/a.pdf", "unknown", "pdf"),
        ("http://[2001:db8::1]/", "unknown", "page"),
        ("http://asmith-laptop/", "unknown", "page"),
        ("http://asmith.local/", "unknown", "page"),
        ("http://a smith.example.com_x/", "unknown", "page"),
        ("www.example.org:443", "example.org", "page"),
        ("not a url at all", "unknown", "page"),
    ],
)
def test_kinds_and_platforms(url: str, platform: str, kind: str) -> None:
    resource = reduce(url)
    assert (resource.platform, resource.kind) == (platform, kind)


def test_only_reading_matter_of_publishers_is_a_document() -> None:
    for url in (
        "https://ezproxy.example.ac.uk/login?url=https://doi.org/10.1000/1",
        "https://www.example.org/app.js",
    ):
        assert reduce(url).document == ""


def test_a_download_without_a_name_is_a_pdf_if_it_is_large() -> None:
    reduced = REDUCER.reduce("https://www.example.org/download?id=77")
    assert reduced.resource.kind is EventKind.PAGE
    large = REDUCER.large("https://www.example.org/download?id=77")
    assert reduced.least <= 150_000
    assert large.kind is EventKind.PDF
    assert large.document


def test_every_pattern_compiles_and_names_are_unlike() -> None:
    catalogue = Catalogue()
    assert len(catalogue.names) >= 100
    for host in list(catalogue.hosts):
        platform = catalogue.find(f"sub.{host}")
        assert platform.known
        assert re.fullmatch(r"[a-z0-9-]+", platform.name)


RUNAWAY = [
    "a/",
    "10.1000/",
    "journal/v1/n1/",
    "?id=1&",
    "content/doi/",
    "pdf/",
    "article/",
    "_ob=articleurl",
    "9",
    "1-",
    "s1234-1",
    "document/",
    ".full",
]


@pytest.mark.parametrize("piece", RUNAWAY)
def test_no_pattern_runs_away(piece: str) -> None:
    """The suite's time limit is the measure."""
    for host in Catalogue().hosts:
        reduce(f"http://{host}/{piece * (4000 // len(piece))}!")


HARMLESS = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


@settings(deadline=None)
@given(
    st.text(max_size=60)
    | st.builds(
        "{}://{}/{}?{}".format,
        st.sampled_from(["http", "https", "ftp", ""]),
        st.from_regex(r"[a-z0-9.@:\[\]_-]{0,30}", fullmatch=True) | st.text(max_size=20),
        st.from_regex(r"(?:pdf|doi|10\.1000|article|[/%2Fa-z0-9.]){0,12}", fullmatch=True),
        st.text(max_size=30),
    )
)
def test_any_text_reduces_to_harmless_words(url: str) -> None:
    reduced = REDUCER.reduce(url)
    for resource in (reduced.resource, REDUCER.large(url)):
        if resource is not None:
            assert HARMLESS.fullmatch(resource.platform)
            assert all(
                re.fullmatch("|[0-9a-v]{12}", token) for token in (resource.document, resource.journal)
            )
            assert -1 <= resource.sequence < SEQUENCES
