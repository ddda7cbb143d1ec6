"""An end to the server's patience: a client that does not finish its request's head is let go.

uvicorn waits for ever for the rest of a head; a few hundred clients that send a byte a minute would keep
everybody else out. The body is the pages' own business, see :mod:`alerts_api.web.middleware`.

It stands around uvicorn's protocol by asyncio's interface alone, and learns from the application which
requests have begun: a context variable tells them from which connection they came.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0

App = Callable[[Any, Any, Any], Awaitable[None]]  # of ASGI 3: scope, receive, send

_connection: ContextVar["TimeoutProtocol | None"] = ContextVar("connection", default=None)


class TimeoutProtocol(asyncio.Protocol):
    """Closes a connection on which no request begins or goes on for ``HEAD_SECONDS``."""

    def __init__(self, **options: Any) -> None:
        self._server = H11Protocol(**options)
        self._timer: asyncio.TimerHandle | None = None
        self._running = 0  # requests
        self._begun = self._begun_before = 0  # requests, now and when we last looked

    def request_begins(self) -> None:
        """Count a request whose head is complete."""
        self._running += 1
        self._begun += 1

    def request_ends(self) -> None:
        """Count its answer."""
        self._running -= 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._server.connection_made(cast("asyncio.Transport", transport))
        self._wait()

    def data_received(self, data: bytes) -> None:
        token = _connection.set(self)  # for the tasks of requests that begin with these bytes
        try:
            self._server.data_received(data)
        finally:
            _connection.reset(token)

    def eof_received(self) -> None:
        self._server.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._server.connection_lost(exc)

    def pause_writing(self) -> None:
        self._server.pause_writing()

    def resume_writing(self) -> None:
        self._server.resume_writing()

    def _wait(self) -> None:
        self._begun_before = self._begun
        self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._look)

    def _look(self) -> None:
        if self._running or self._begun != self._begun_before:
            self._wait()
        else:
            self._transport.close()


def watched(app: App) -> App:
    """Give the application whose requests :class:`TimeoutProtocol` hears of."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        connection = _connection.get() if scope["type"] == "http" else None
        if connection is None:
            await app(scope, receive, send)
            return
        connection.request_begins()
        try:
            await app(scope, receive, send)
        finally:
            connection.request_ends()

    return serve
