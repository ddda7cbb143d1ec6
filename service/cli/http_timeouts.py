"""uvicorn's HTTP, with an end to its patience: a client that does not finish its request is let go.

uvicorn waits for ever for the rest of a request's head; a few hundred clients that send a byte a minute would
keep everybody else out. The body is the pages' own business, see :mod:`alerts_api.web.middleware`.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_SECONDS = 10.0


class TimeoutProtocol(H11Protocol):
    """Closes a connection on which no request begins or goes on for ``HEAD_SECONDS``."""

    _waiting: asyncio.TimerHandle | None = None
    _before: RequestResponseCycle | None = None  # the newest request when we last looked

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._before = self.cycle
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._look)

    def _look(self) -> None:
        working = self.cycle is not None and not self.cycle.response_complete
        if working or self.cycle is not self._before:
            self._wait()
        else:
            self.transport.close()
