# ruff: noqa: E501  (raw log lines and URLs are kept whole)
"""Lines to events: identity, order, rejections, and that nothing clear survives."""

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.errors import IngestStateError
from pseudonymiser.ingest import REASONS
from service.records.events import AccessEvent, EventKind, NetworkKind, Rejected
from tests.pseudonymiser.ingest_factory import COMMON, event, events, ingest, line, reasons

SESSION = "AbCdEfGhIj01234"


def test_an_access_line() -> None:
    result = event(ingest(), line())
    assert result.time == 1_764_504_000
    assert result.account.startswith("u1_")
    assert result.address.startswith("a1_")
    assert result.network.startswith("n1_")
    assert (result.place.country, result.place.kind) == ("GB", NetworkKind.EDUCATION)
    assert (result.method, result.status, result.size) == ("GET", 200, 1000)
    assert (result.resource.platform, result.resource.kind) == ("nature", EventKind.FULLTEXT)
    assert (result.session, result.referer, result.agent, result.category) == ("", "", "", "")


def test_spellings_of_one_person_are_one_account() -> None:
    names = ["asmith", "ASMITH", "EXAMPLE\\asmith", "asmith@example.ac.uk", "asmith%20"]
    accounts = {result.account for result in events(ingest(), *(line(user=name) for name in names))}
    assert len(accounts) == 1
    assert event(ingest(), line(user="asmith@other.org")).account not in accounts


@pytest.mark.parametrize("nobody", ["-", "auto-192.0.2.7", "AUTO-192.0.2.7"])
def test_lines_without_a_person_are_events_without_an_account(nobody: str) -> None:
    assert event(ingest(), line(user=nobody)).account == ""


def test_a_session_id_is_never_an_account() -> None:
    standing_for_the_user = line(user=SESSION)
    by_setting = event(ingest(username="session"), standing_for_the_user)
    twice = event(ingest(), standing_for_the_user.replace(b" - ", f" {SESSION} ".encode(), 1))
    beside = event(ingest(COMMON + " %{ezproxy-session}i"), line() + f" {SESSION}".encode())
    assert (by_setting.account, twice.account) == ("", "")
    assert by_setting.session == twice.session == beside.session
    assert beside.account == event(ingest(), line()).account


def test_the_identd_field_is_the_user_where_there_is_no_other() -> None:
    room = ingest('%h %l %t "%r" %s %b')
    assert event(room, line().replace(b" - ", b" ", 1)).account == event(ingest(), line()).account


def test_addresses() -> None:
    plain = event(ingest(), line(host="192.0.2.7"))
    assert event(ingest(), line(host="::ffff:192.0.2.7")).address == plain.address
    assert event(ingest(), line(host="192.0.2.8")).network == plain.network
    assert event(ingest(), line(host="-")).address == ""
    chain = line(host="192.0.2.7, 198.51.100.9")
    assert event(ingest(forwarded="first"), chain).address == plain.address
    assert event(ingest(), chain).place.city == "Lyon"


def test_a_load_balancer_hands_on_the_readers_address() -> None:
    room = ingest(COMMON + ' "%{x-forwarded-for}i"')
    behind = line(host="10.0.0.1") + b' "198.51.100.9"'
    direct = line(host="192.0.2.7") + b' "198.51.100.9"'  # anyone can send this header
    assert [result.place.city for result in events(room, behind, direct)] == ["Lyon", "London"]


def test_classes_of_referer_agent_and_groups() -> None:
    room = ingest(COMMON + ' "%{referer}i" "%{user-agent}i" %{ezproxy-groups}i')

    def classes(referer: str, agent: str, groups: str) -> tuple[str, str, str]:
        result = event(room, line() + f' "{referer}" "{agent}" {groups}'.encode())
        return result.referer, result.agent, result.category

    assert classes("-", "-", "-") == ("none", "", "")
    assert classes("https://www.nature.com/x", "Mozilla/5.0", "Default+etu") == ("same", "browser", "student")
    assert classes("https://sci-hub.se/10.1000/1", "python-requests/2", "Staff") == (
        "shadow",
        "script",
        "staff",
    )
    assert classes("https://ezproxy.example.ac.uk/menu", "curl/8", "x") == ("library", "script", "")


def test_range_requests_head_and_repeats_are_one_document() -> None:
    pdf = "https://www.nature.com/articles/nature19999.pdf"
    lines = [
        line(pdf),
        *[line(pdf, status=206, size=str(65_536 * part)) for part in range(1, 20)],
        line(pdf, status=304, size="0"),
        line(pdf, method="HEAD", status=906, size="0"),
        line(pdf + "?origin=ppub"),
        line("https://www.nature.com/articles/nature19999"),
        line("https://www.nature.com/articles/nature19999/figures/1.png"),
        line("https://www.lexisnexis.com/api/session/tick"),
    ]
    results = events(ingest(), *lines)
    assert len({result.resource.document for result in results} - {""}) == 1
    assert {result.resource.kind for result in results[-2:]} == {EventKind.ABSTRACT, EventKind.POLL}
    assert {result.method for result in results} == {"GET", "HEAD"}


def test_an_unnamed_download_is_a_pdf_by_its_size() -> None:
    url = "https://www.example.org/download?id=77"
    small, large = events(ingest(), line(url, size="900"), line(url, size="900000"))
    assert (small.resource.kind, large.resource.kind) == (EventKind.PAGE, EventKind.PDF)


def test_audit_lines() -> None:
    room = ingest()
    success, failure, logout, system = events(
        room,
        f"2025-11-30 12:00:00\tLogin.Success\t192.0.2.7\tASmith\t{SESSION}\t|Groups  Staff Default|".encode(),
        b"2025-11-30 12:00:01\tLogin.Failure\t203.0.113.9\tasmith@example.ac.uk",
        f"2025-11-30 12:00:02\tLogout\t\tasmith\t{SESSION}\tExpired".encode(),
        b"2025-11-30 12:00:03\tSystem\t\t\t\tStartup",
        audit=True,
    )
    assert success.account == failure.account == logout.account == event(room, line()).account
    assert (success.category, success.session) == ("staff", logout.session)
    assert [e.resource.kind for e in (success, failure, logout, system)] == [
        EventKind.LOGIN_OK,
        EventKind.LOGIN_FAILED,
        EventKind.LOGOUT,
        EventKind.AUDIT,
    ]
    assert (system.account, system.address, system.resource.platform) == ("", "", "ezproxy")


def test_a_doubled_clock_hour_goes_on() -> None:
    """The clock shows 01:00 to 02:00 twice; the lines of both hours stay in order."""
    clocks = ["00:59:00", "01:10:00", "01:50:00", "01:49:00", "01:05:00", "01:06:00", "01:59:00", "02:01:00"]
    lines = [f"2025-10-26 {clock}\tLogout\t\tasmith".encode() for clock in clocks]
    times = [result.time for result in events(ingest(), *lines, audit=True)]
    assert times[3] == times[2] - 60  # a little disorder is not the second hour
    assert times[4] - times[2] == 15 * 60
    assert times[:3] + times[4:] == sorted(times[:3] + times[4:])
    assert times[-1] - times[0] == 2 * 3600 + 2 * 60
    offsets = [result.offset for result in events(ingest(), *lines, audit=True)]
    assert offsets == [3600] * 4 + [0] * 4


BAD = {
    "empty_line": b"  ",
    "line_too_long": b"x" * 1_000_000,
    "header": b"Date/Time\tEvent\tIP\tUsername\tSession\tOther",
    "binary": b"\x00\x01\x02\xff" * 20,
    "no_match": b"This line does not look like any kind of log !",
    "bad_time": line(when="[31/Feb/2025:12:00:00 +0000]"),
    "bad_address": line(host="proxy.example.org"),
    "time_too_late": line(when="[20/Nov/2025:12:00:00 +0000]"),
    "time_ahead": line(when="[30/Nov/2035:12:00:00 +0000]"),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_lines_have_a_reason(reason: str) -> None:
    room = ingest()
    _, rejected, accepted = room.feed([line(), BAD[reason], line()], source="a.log", first_line=10)
    assert rejected == Rejected(reason, "a.log", 11, len(BAD[reason]))
    assert isinstance(accepted, AccessEvent)


def test_every_reason_is_explained_and_shown() -> None:
    assert set(BAD) == set(REASONS)


def test_wrong_encoding_and_control_characters_hide_nothing() -> None:
    """A reader may not escape the count by dirt in a URL or name."""
    dirty = [
        line().replace(b"asmith", b"m\xfcller"),
        line("https://www.nature.com/articles/s41586-020-0001-1?x=\x00\x1b[31m\x7f"),
        line('https://www.nature.com/articles/s41586-020-0001-1?q="a b" HTTP/1.1'),
        line() + b"\r",
    ]
    assert {result.resource.document for result in events(ingest(), *dirty)} == {
        event(ingest(), line()).resource.document
    }


CANARIES = [
    "canary",
    "Canary",
    "CANARY",
    "203.0.113.77",
    "4bc1f5d7cbf339265d7b89aa83f1d0cb",
    "zebra",
    "Zq8Zq8Zq8Zq8Zq8",
]


def test_canaries_pushed_through_every_field_never_come_out() -> None:
    """Names, addresses, e-mails, tickets, session ids and search terms."""
    log_format = (
        COMMON + ' "%{referer}i" "%{user-agent}i" %{ezproxy-session}i %{ezproxy-groups}i %{fullname}<.*>'
    )
    urls = [
        "https://www.nature.com/search?q=zebra+canary@example.org",
        "https://www.nature.com/articles/canary-zebra.pdf?user=canary",
        "https://canary.example.org/zebra/canary/article.pdf",
        "http://canary:zebra@files.example.org/canary",
        "https://ezproxy.example.ac.uk/login?user=canary&ticket=4bc1f5d7cbf339265d7b89aa83f1d0cb%24u1$gZebra&url=x",
        "https://ezproxy.example.ac.uk/connect?session=sZq8Zq8Zq8Zq8Zq8&url=http://x.org/canary",
        "https://www.example.org/doi/10.1000/canary.zebra",
        "https://canary/",
        "http://203.0.113.77/canary",
        "/canary?zebra",
        "canary",
    ]
    extra = b' "https://canary.example.org/zebra?canary" "zebra/1 (canary@example.org)" Zq8Zq8Zq8Zq8Zq8 zebra+canary Canary Zebra'
    people = [
        "canary",
        "canary@zebra.example.org",
        "ZEBRA\\canary",
        "uid=canary,ou=zebra,dc=x",
        "auto-203.0.113.77",
    ]
    access = [line(url, user=user, host="203.0.113.77") + extra for url in urls for user in people]
    access += [line("https://x.org/", method="CANARY") + extra, b"canary zebra 203.0.113.77"]
    audit = [
        b"2025-11-30 12:00:01\tLogin.Failure\t203.0.113.77\tcanary@example.org\tZq8Zq8Zq8Zq8Zq8\tzebra canary",
        b"2025-11-30 12:00:01\tCanary.Zebra\t203.0.113.77\tauto-203.0.113.77\tZq8Zq8Zq8Zq8Zq8\t|Groups  zebra canary|",
        b"canary\tzebra",
    ]
    room = ingest(log_format)
    results = room.feed(access, source="a.log") + room.feed(audit, source="b.txt", audit=True)
    assert sum(isinstance(result, Rejected) for result in results) == 2
    shown = repr(results) + msgspec.json.encode(results).decode() + room.state().decode() + repr(room)
    assert not [canary for canary in CANARIES if canary in shown]


HISTORY = st.lists(
    st.tuples(st.integers(-200_000, 6_000_000), st.sampled_from(["asmith", "bjones", "-"]), st.booleans()),
    max_size=30,
)


@settings(deadline=None, max_examples=40)
@given(HISTORY, st.lists(st.integers(0, 30), max_size=4))
def test_results_do_not_depend_on_splits_and_restarts(
    history: list[tuple[int, str, bool]], cuts: list[int]
) -> None:
    lines = [
        (f"{1_764_504_000 + shift} {user} http://x.org/{user}.pdf" if fits else "rubbish").encode()
        for shift, user, fits in history
    ]
    whole = ingest("%{datetime}<[0-9]+> %u %U").feed(lines, source="a.log")
    pieces: list[AccessEvent | Rejected] = []
    room = ingest("%{datetime}<[0-9]+> %u %U")
    edges = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    for start, end in pairwise(edges):
        state = room.state()
        room = ingest("%{datetime}<[0-9]+> %u %U")
        room.restore(state)
        pieces += room.feed(lines[start:end], source="a.log", first_line=start + 1)
    assert pieces == whole


FUZZED = ingest()


@settings(deadline=None)
@given(st.lists(st.binary(max_size=80) | st.just(line()), max_size=8), st.booleans())
def test_any_bytes_give_one_result_each(lines: list[bytes], audit: bool) -> None:
    results = FUZZED.feed(lines, source="a.log", audit=audit)
    assert len(results) == len(lines)
    assert all(isinstance(r, AccessEvent) or r.reason in REASONS for r in results)


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=60))
def test_any_fields_of_a_line_give_one_result(host: str, user: str, url: str) -> None:
    text = line(url, user=user, host=host)
    result = FUZZED.feed([text], source="a.log")[0]
    assert isinstance(result, AccessEvent) or result.reason in REASONS


@pytest.mark.parametrize(
    "state", [b"", b"{}", b"\xff", json.dumps({"version": 2, "order": {}, "last": {}}).encode()]
)
def test_a_damaged_state_is_refused(state: bytes) -> None:
    with pytest.raises(IngestStateError):
        ingest().restore(state)


def test_bad_lines_do_not_count_as_time() -> None:
    room = ingest()
    assert room.watermark == 0
    assert reasons(room, b"rubbish", BAD["bad_time"]) == ["no_match", "bad_time"]
    assert room.watermark == 0
    event(room, line())
    assert room.watermark == 1_764_504_000
