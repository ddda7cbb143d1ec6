"""Golden cases of counting: a document is what was read once a local day, however it was fetched."""

import pytest

from service.kernel.account_record import DAYS, HOURS, RING
from service.kernel.measures import M
from service.records.events import AccessEvent, EventKind
from tests.service.factories import DAY, NOON, TODAY, Walk, event, page, shifted, walk


def documents(w: Walk) -> int:
    return int(w.state["documents"])


def on_day(w: Walk, day: int) -> int:
    return int(w.state["days"][day % DAYS])


def test_one_pdf_is_one_document() -> None:
    w = walk([event()])
    assert documents(w) == 1
    assert w.last(M.DOCS_1H) == w.last(M.DOCS_7D) == 1.0


def test_206_ranges_of_one_pdf_are_one_document() -> None:
    w = walk([event(NOON + i // 3, status=206, size=65_536) for i in range(206)])
    assert documents(w) == 1
    assert on_day(w, TODAY) == 1
    assert w.last(M.DOCS_1D) < 1.001
    assert w.last(M.MB_1D) == pytest.approx(206 * 0.065536, rel=0.01)


def test_repeats_within_a_second_are_one_document() -> None:
    assert documents(walk([event()] * 5)) == 1


def test_pdf_and_page_of_one_article_are_one_document() -> None:
    w = walk([event(kind=EventKind.FULLTEXT, size=90_000), event(NOON + 40, kind=EventKind.PDF)])
    assert documents(w) == 1


@pytest.mark.parametrize(
    "extra",
    [
        event(NOON + 5, document=9, status=304, size=0),
        event(NOON + 5, document=9, method="HEAD", size=0),
        event(NOON + 5, document=9, kind=EventKind.POLL),
        event(NOON + 5, document=9, kind=EventKind.ASSET),
        event(NOON + 5, document=9, kind=EventKind.ABSTRACT),
        event(NOON + 5, document=9, kind=EventKind.CONTENTS),
        event(NOON + 5, document=9, kind=EventKind.MEDIA),
        event(NOON + 5, document=9, kind=EventKind.AUDIT),
        event(NOON + 5, document=None, kind=EventKind.PDF),
        *(event(NOON + 5, document=9, status=s) for s in (301, 302, 401, 403, 404, 429, 500, 503, 599, 906)),
    ],
    ids=lambda e: f"{e.method}-{e.status}-{e.resource.kind.value}-{bool(e.resource.document)}",
)
def test_what_is_not_reading_leaves_the_number_unchanged(extra: AccessEvent) -> None:
    w = walk([event(), *(shifted(extra, time=extra.time + i) for i in range(20))])
    assert documents(w) == 1
    assert on_day(w, TODAY) == 1
    assert w.last(M.DOCS_7D) <= 1.0


def test_a_refused_document_counts_once_it_is_given() -> None:
    assert documents(walk([event(status=403), event(NOON + 5, status=200)])) == 1


def test_a_line_without_status_counts() -> None:
    assert documents(walk([event(status=0)])) == 1


def test_books_and_full_texts_are_documents() -> None:
    w = walk([event(document=1, kind=EventKind.BOOK), event(NOON + 1, document=2, kind=EventKind.FULLTEXT)])
    assert documents(w) == 2


def test_the_same_document_counts_again_the_next_local_day() -> None:
    w = walk([event(), event(NOON + DAY)])
    assert documents(w) == 2
    assert [on_day(w, TODAY), on_day(w, TODAY + 1)] == [1, 1]


def test_the_day_is_the_site_s_not_utc_s() -> None:
    before_midnight_utc = TODAY * DAY + DAY - 600
    same_local_day = [event(before_midnight_utc, offset=-5 * 3600), event(NOON + DAY, offset=-5 * 3600)]
    w = walk([same_local_day[0], shifted(same_local_day[0], time=before_midnight_utc + 1200)])
    assert documents(w) == 1
    assert documents(walk(same_local_day)) == 2


def test_the_doubled_hour_counts_a_document_once() -> None:
    summer = event(TODAY * DAY + 3600, offset=3600)
    assert documents(walk([summer, shifted(summer, time=summer.time + 3600, offset=0)])) == 1


def test_a_late_event_counts_to_its_own_local_day() -> None:
    w = walk([event(document=1), event(NOON - 2 * DAY, document=2), event(NOON + 60, document=3)])
    assert documents(w) == 3
    assert [on_day(w, TODAY - 2), on_day(w, TODAY - 1), on_day(w, TODAY)] == [1, 0, 2]
    assert int(w.state["last_time"]) == NOON + 60


def test_an_event_later_than_the_rings_reach_is_counted_but_not_drawn() -> None:
    w = walk([event(document=1), event(NOON - (DAYS + 2) * DAY, document=2)])
    assert documents(w) == 2
    assert int(w.state["days"].sum()) == 1
    assert int(w.state["hours"].sum()) == 1


def test_the_rings_forget_after_a_gap() -> None:
    later = NOON + (DAYS + 5) * DAY
    w = walk([event(document=1), event(later, document=2)])
    assert int(w.state["days"].sum()) == 1
    w = walk([event(document=1), event(NOON + HOURS * 3600, document=2)])
    assert int(w.state["hours"].sum()) == 1


def test_more_documents_than_the_ring_holds() -> None:
    n = 3 * RING
    w = walk([event(NOON + i, document=i) for i in range(n)])
    assert documents(w) == n
    assert on_day(w, TODAY) == n
    again = [event(NOON + n + i, document=n - 1 - i) for i in range(RING)]
    w = walk([*(event(NOON + i, document=i) for i in range(n)), *again])
    assert documents(w) == n, "the newest RING documents are known"


def test_a_very_long_day_saturates_the_ring_of_hours_only() -> None:
    w = walk([event(TODAY * DAY + 3600 + i, document=i) for i in range(400)])
    assert int(w.state["hours"].max()) == 255
    assert on_day(w, TODAY) == 400


def test_pages_are_requests_not_documents() -> None:
    w = walk([page(NOON + i) for i in range(10)])
    assert documents(w) == 0
    assert w.last(M.REQUESTS_1H) == pytest.approx(10.0, rel=0.01)
    assert w.last(M.PDF_ONLY) == 0.0
