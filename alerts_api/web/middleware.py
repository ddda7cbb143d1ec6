"""What stands before every request: host, origin and size checks, and the headers of every answer.

OWASP ASVS 5.0, 3.4 (headers) and 3.5 (cross-site requests). The host check stops DNS rebinding: a
page of the attacker's that resolves to this machine still sends the attacker's host name. The origin
check follows Fetch Metadata (``Sec-Fetch-Site``), and ``Origin`` where a browser lacks it; a client
that sends neither is no browser and so carries no one else's session.
"""

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alerts_api.signin.actors import SAFE_METHODS
from alerts_api.web.problems import problem_response

METHODS = ("GET", "HEAD", "POST")  # that are counted apart
BODY_LIMIT = 32 * 1024  # bytes; a note of 2,000 characters, each at its longest, fits
BODY_SECONDS = 20.0  # to send it
_TOO_LARGE = "That is more than these pages take. Shorten the note and send it again."
_TOO_SLOW = "The form did not arrive in time. Send it again."

HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class BodyTooLargeError(Exception):
    """More than ``BODY_LIMIT``."""


class SecurityMiddleware:
    """ASGI middleware. ``hosts`` are names, without ports, that the pages may be reached by."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        decorated = _with_headers(send, scope)
        refusal = self._refusal(scope)
        if refusal is None and scope["method"] not in SAFE_METHODS:
            body = b""
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _body(receive)
            except BodyTooLargeError:
                refusal = 413, _TOO_LARGE
            except TimeoutError:
                refusal = 408, _TOO_SLOW
            receive = _replayed(body, receive)
        if refusal is not None:
            await problem_response(scope, *refusal)(scope, receive, decorated)
            return
        await self._app(scope, receive, decorated)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and sentence of a request that goes no further."""
        headers = Headers(scope=scope)
        if hostname(headers.get("host", "")) not in self._hosts:
            return 421, "These pages are not served under this host name."
        if "content-length" in headers and "transfer-encoding" in headers:
            return 400, "A request says once how long it is."  # RFC 9112, 6.3: a sign of smuggling
        if scope["method"] in SAFE_METHODS:
            return None
        if not _same_origin(headers):
            return 403, "A form of another site cannot be sent here. Open the page itself and try again."
        return None


class TimingMiddleware:
    """ASGI middleware that takes the time of every answer, by route: never by what stands in its place."""

    def __init__(self, app: ASGIApp, requests: Histogram) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            labels = _route(scope), method, str(status)
            self._requests.labels(*labels).observe(time.perf_counter() - began)


def _route(scope: Scope) -> str:
    """The template of the route that answered; one word for all that nobody answers to."""
    if scope["path"].startswith("/static/"):
        return "/static"
    return str(getattr(scope.get("route"), "path", "")) or "none"


def _same_origin(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def hostname(host: str) -> str:
    """The name in a Host header, without its port; empty if it is none.

    >>> hostname("LOCALHOST:8321"), hostname("[::1]:8321"), hostname("a b")
    ('localhost', '::1', '')
    """
    if any(c in host for c in "/?#@\\ "):
        return ""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _body(receive: Receive) -> bytes:
    """The whole body. Raises ``BodyTooLargeError`` once it is larger than these pages take."""
    taken = bytearray()
    more = True
    while more:
        message = await receive()
        taken += message.get("body", b"")
        more = message.get("more_body", False)
        if len(taken) > BODY_LIMIT:
            raise BodyTooLargeError
    return bytes(taken)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def replayed() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replayed


def _with_headers(send: Send, scope: Scope) -> Send:
    static = scope["path"].startswith("/static/")

    async def decorated(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            if scope["scheme"] == "https":
                headers["Strict-Transport-Security"] = "max-age=31536000"
            headers["Cache-Control"] = "no-cache" if static else "no-store"
        await send(message)

    return decorated
