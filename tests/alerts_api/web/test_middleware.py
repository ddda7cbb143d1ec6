"""What does not pass the authenticator, and the headers of everything that leaves."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from alerts_api.web.middleware import BODY_LIMIT, HEADERS
from service.records.events import Alert

SAME = "http://127.0.0.1:8321"


@pytest.mark.parametrize(
    "path", ["/", "/help", "/healthz", "/metrics", "/api/v1/alerts", "/static/app.js", "/nothing"]
)
def test_every_answer_has_the_headers(client: TestClient, path: str) -> None:
    answer = client.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


def test_the_content_policy_allows_nothing_inline_and_no_other_host() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "data:" not in policy


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8321", "localhost:1", "LOCALHOST", "[::1]:8321"])
def test_the_pages_answer_under_their_own_names(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8321",
        "127.0.0.1@evil.example",
        "",
        "[::1",
        "a b",
    ],
)
def test_and_under_no_other(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin", "origin": SAME}, 303),
        ({"origin": SAME}, 303),
        ({}, 303),  # no browser
        ({"sec-fetch-site": "cross-site", "origin": SAME}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_forms_come_from_these_pages_only(
    client: TestClient, alerts: list[Alert], headers: dict[str, str], status: int
) -> None:
    address = f"/alerts/{alerts[0].alert_id}/verdicts"
    answer = client.post(address, data={"verdict": "expected"}, headers=headers, follow_redirects=False)
    assert answer.status_code == status


def test_reading_from_another_site_changes_nothing_and_is_not_framed(client: TestClient) -> None:
    answer = client.get("/", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200  # a link in a mail
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_long_body_is_refused(client: TestClient, alerts: list[Alert]) -> None:
    address = f"/alerts/{alerts[0].alert_id}/verdicts"
    answer = client.post(address, data={"verdict": "expected", "note": "x" * BODY_LIMIT})
    assert answer.status_code == 413


def test_an_unstated_length_is_counted(client: TestClient, alerts: list[Alert]) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 1_000

    for address in (
        f"/alerts/{alerts[0].alert_id}/verdicts",
        f"/api/v1/alerts/{alerts[0].alert_id}/verdicts",
    ):
        answer = client.post(address, content=parts())
        assert answer.status_code == 413


def test_the_longest_note_fits(client: TestClient, alerts: list[Alert]) -> None:
    address = f"/alerts/{alerts[0].alert_id}/verdicts"
    answer = client.post(address, data={"verdict": "expected", "note": "😀" * 2_000})
    assert answer.status_code == 200
