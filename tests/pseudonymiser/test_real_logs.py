"""Real logs that lie beside the checkout, never in it."""

import gzip
import re
from collections import defaultdict

import pytest

from service.records.events import READING, AccessEvent, EventKind, Rejected
from tests.pseudonymiser.ingest_factory import COMMON, REAL, event, ingest, needs_real_logs

pytestmark = needs_real_logs

# The fitting format of each fixture; those of the list of institutions where one of it fits.
FORMATS = {
    "ul": ('%h %l %u %t "%r" %s %b %{ezproxy-groups}<[a-zA-Z0-9@.-_%,=+]+>', "user"),
    "univ_limoges": ("%t %{ezproxy-spuaccess}i %U", "user"),
    "univ_lyon": (COMMON, "session"),
    "univ_rennes1": ('%h %l %u %t "%r" %s %b %{ezproxy-groups}<[a-zA-Z0-9@.-_%,=+]+>', "user"),
    "univ_strasbourg": (r"%t %h %l %u %U %b %{session}<[a-zA-Z0-9]+|\->", "user"),
    "upmc": ('%h %l %u %t "%r" %s %b %{website}<.*>', "user"),
}


@pytest.mark.parametrize("name", ["npg", "sd"])
def test_a_publishers_day(name: str) -> None:
    with gzip.open(REAL / f"{name}.2012-11-30.log.gz") as file:
        lines = file.read().splitlines()
    results = ingest(timezone="Europe/Paris").feed(lines, source=name)
    accepted = [result for result in results if isinstance(result, AccessEvent)]
    rejected = [result for result in results if isinstance(result, Rejected)]
    assert len(accepted) + len(rejected) == len(lines)
    assert len(accepted) >= 0.995 * len(lines)
    assert all(result.reason for result in rejected)


def test_distinct_articles_agree_with_a_count_by_hand() -> None:
    """PII of full texts, PDFs and what lies beside them, cut from the raw lines by the test's own pattern."""
    with gzip.open(REAL / "sd.2012-11-30.log.gz") as file:
        lines = file.read().splitlines()
    ours, by_hand = defaultdict(set), defaultdict(set)
    reading = re.compile(
        rb" - (\S+) \[.*?(?:/science/article/pii/|/science/MiamiMultiMediaURL/1-s2\.0-|"
        rb"_ob=MiamiImageURL[^ ]*?_pii=)"
        rb"([SB]?[\dX]{16,20})(?=[?& /-])"
    )
    for line, result in zip(lines, ingest(timezone="Europe/Paris").feed(lines, source="sd"), strict=True):
        assert isinstance(result, AccessEvent)
        if result.resource.kind in READING and result.resource.platform == "sciencedirect" and result.account:
            ours[result.account].add(result.resource.document)
        if (
            (found := reading.search(line))
            and found[1] != b"-"
            and b"/login?" not in line
            and b"/connect?" not in line
        ):
            by_hand[found[1].lower()].add(found[2].lstrip(b"SB"))
    assert len(ours) >= 100
    assert abs(sum(map(len, ours.values())) - sum(map(len, by_hand.values()))) <= 0.02 * sum(
        map(len, by_hand.values())
    )


@pytest.mark.parametrize("name", FORMATS)
def test_institutions_own_formats(name: str) -> None:
    log_format, username = FORMATS[name]
    lines = (REAL / f"multiformat__{name}.ezproxy.log").read_bytes().splitlines()
    room = ingest(log_format, timezone="Europe/Paris", username=username)
    full = [line for line in lines if line.strip()]
    results = room.feed(full, source=name)
    assert full
    assert all(isinstance(result, AccessEvent) and result.resource.platform for result in results)


def test_broken_fixtures_give_counted_rejections() -> None:
    for name in ("sd.wrong-first-line.log", "sd.wrong-second-line.log"):
        results = ingest(timezone="Europe/Paris").feed((REAL / name).read_bytes().splitlines(), source=name)
        assert [r.reason for r in results if isinstance(r, Rejected)] == ["no_match"]
    cut = event(ingest(timezone="Europe/Paris"), (REAL / "cut.log").read_bytes().splitlines()[0])
    assert (cut.resource.platform, cut.resource.kind) == ("acs", EventKind.PDF)


def test_an_audit_file() -> None:
    lines = (REAL / "audit-invented.txt").read_bytes().splitlines()
    results = ingest(timezone="America/Vancouver").feed(lines, source="audit", audit=True)
    assert [r.reason for r in results if isinstance(r, Rejected)] == ["header"]
