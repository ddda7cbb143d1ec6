"""Documents per account and day on real logs: what the stream counts against counts made independently."""

import gzip
import re
from collections import defaultdict

from service.kernel.account_record import DAYS
from service.pipeline.account_table import AccountTable
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.records.events import READING, AccessEvent
from tests.pseudonymiser.ingest_factory import REAL, ingest, needs_real_logs

pytestmark = needs_real_logs

AccountDay = tuple[str, int]  # pseudonym, local day since 1970

# An article of ScienceDirect as of 2012, read off the raw line: a page, a PDF, a supplement, an excerpt;
# and each request for several at once.
ARTICLE = re.compile(
    rb'"GET [^ ]*(?:/science/article/pii/|_ob=MiamiImageURL[^ ]*?_pii=|/MiamiMultiMediaURL/1-s2\.0-|'
    rb'_ob=PdfExcerptURL[^ ]*?_piikey=)([SB]?\d[\dX]{13,18}[\dA-Z])(?=[?&/ -])[^"]*" (?:200|206) ',
    re.IGNORECASE,
)
BUNDLE = re.compile(rb'"GET [^ ]*[?&]_ob=PdfDownloadURL&([^ ]*) [^"]*" (?:200|206) ')


def events_of(name: str) -> tuple[list[bytes], list[AccessEvent]]:
    with gzip.open(REAL / f"{name}.2012-11-30.log.gz") as file:
        lines = file.read().splitlines()
    found = ingest(timezone="Europe/Paris").feed(lines, source=name)
    return lines, [result for result in found if isinstance(result, AccessEvent)]


def counted_by_the_stream(events: list[AccessEvent]) -> dict[AccountDay, int]:
    """The rings of days in the states that the pipeline would save."""
    pipeline, states = Pipeline(load_policy()), AccountTable()
    pipeline.absorb(events)
    states.restore(pipeline.drain().accounts)
    return {
        (name, day): int(state["days"][day % DAYS])
        for name, state in zip(states.names, states.array, strict=False)
        for day in range(int(state["ring_day"]) - DAYS + 1, int(state["ring_day"]) + 1)
        if state["ring_day"] and state["days"][day % DAYS]
    }


def test_every_distinct_document_of_a_day_is_counted_once() -> None:
    for name in ("npg", "sd"):
        _, events = events_of(name)
        distinct: dict[AccountDay, set[str]] = defaultdict(set)
        for e in events:
            read = e.resource.kind in READING and e.method == "GET" and e.status in {200, 206}
            if e.account and read and e.resource.document:
                distinct[e.account, (e.time + e.offset) // 86400].add(e.resource.document)
        assert counted_by_the_stream(events) == {key: len(ids) for key, ids in distinct.items()}


def test_articles_agree_with_a_count_by_hand() -> None:
    lines, events = events_of("sd")
    by_hand: dict[AccountDay, set[bytes]] = defaultdict(set)
    for line, e in zip(lines, events, strict=True):
        if e.account and (found := ARTICLE.search(line) or BUNDLE.search(line)):
            by_hand[e.account, (e.time + e.offset) // 86400].add(found[1].upper().lstrip(b"SB"))
    ours = counted_by_the_stream(events)
    days = by_hand.keys() | ours.keys()
    same = sum(len(by_hand[key]) == ours.get(key, 0) for key in days)
    assert same >= 0.98 * len(days)
    assert abs(sum(map(len, by_hand.values())) - sum(ours.values())) <= 0.01 * sum(ours.values())
