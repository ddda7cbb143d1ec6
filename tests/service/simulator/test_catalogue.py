"""Articles and their URLs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.simulator import catalogue
from service.simulator.catalogue import READABLE, Article
from service.simulator.publishers import PUBLISHERS


@st.composite
def articles(draw: st.DrawFn) -> Article:
    publisher = draw(st.sampled_from(READABLE))
    journal = draw(st.integers(0, PUBLISHERS[publisher].journals - 1))
    return Article(publisher, journal, draw(st.integers(0, catalogue.journal_length(publisher, journal) - 1)))


@given(articles(), articles())
def test_different_articles_have_different_urls(one: Article, other: Article) -> None:
    assert (catalogue.pdf_url(one) == catalogue.pdf_url(other)) == (one == other)
    assert (catalogue.page_url(one) == catalogue.page_url(other)) == (one == other)


@given(articles())
def test_urls_are_whole_and_have_no_blanks(found: Article) -> None:
    for url in (catalogue.pdf_url(found), catalogue.page_url(found), catalogue.contents_url(found)):
        assert url.startswith(f"https://{PUBLISHERS[found.publisher].host}:443/")
        assert not set(url) & set(' "{}')
    assert "pdf" in catalogue.pdf_url(found).lower()
    assert "pdf" not in catalogue.page_url(found).lower()


@given(st.floats(0, 0.999999), st.floats(0, 1), st.sampled_from(READABLE))
def test_draws_stay_within_the_journal(uniform: float, recency: float, publisher: int) -> None:
    found = catalogue.article(publisher, uniform, recency)
    assert 0 <= found.journal < PUBLISHERS[publisher].journals
    assert 0 <= found.ordinal < catalogue.journal_length(publisher, found.journal)


def test_whole_journals_have_no_url_twice() -> None:
    for publisher in READABLE:
        found = [
            Article(publisher, journal, ordinal)
            for journal in range(min(6, PUBLISHERS[publisher].journals))
            for ordinal in range(300)
        ]
        assert len({catalogue.pdf_url(one) for one in found}) == len(found), PUBLISHERS[publisher].name


def test_sizes_follow_the_measured_quantiles() -> None:
    sizes = [catalogue.size(Article(0, journal, ordinal)) for journal in range(20) for ordinal in range(300)]
    found = np.quantile(np.array(sizes) / 1e6, (0.1, 0.5, 0.9, 0.99))
    assert np.allclose(found, (0.23, 0.81, 2.8, 15.5), rtol=0.25)
