"""The session's cookie, and whether a request came over a way that may carry it.

Over https it is ``__Host-`` and Secure: no other host, sub-domain or plain connection can set or see it. Over
plain http there is one at this machine's own addresses only, where nobody can listen.
"""

from typing import Literal

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from alerts_api.web.forwarded import DIRECT
from alerts_api.web.middleware import hostname
from service.config.settings import LOOPBACK

NAME = "journalguard"

SameSite = Literal["lax", "strict"]


def is_secure(scope: Scope) -> bool:
    """Whether the browser came over https, to us or to a proxy that the site trusts and that says so."""
    return bool(scope["scheme"] == "https")


def is_near(scope: Scope) -> bool:
    """Whether the request was made at this machine: its connection says so, and what it says itself."""
    return bool(scope.get(DIRECT)) and hostname(Headers(scope=scope).get("host", "")) in LOOPBACK


def may_carry(scope: Scope) -> bool:
    """Whether a cookie can be given on this way without being seen by others."""
    return is_secure(scope) or is_near(scope)


def read_cookie(request: HTTPConnection, name: str = NAME) -> str:
    """The cookie's value; empty without one."""
    return request.cookies.get(_full(request.scope, name), "")


def set_cookie(
    response: Response,
    scope: Scope,
    value: str,
    *,
    name: str = NAME,
    same_site: SameSite = "strict",
    seconds: int | None = None,
) -> None:
    """Without ``seconds`` it lasts as long as the browser is open."""
    response.set_cookie(
        _full(scope, name),
        value,
        max_age=seconds,
        path="/",
        secure=is_secure(scope),
        httponly=True,
        samesite=same_site,
    )


def clear_cookie(response: Response, scope: Scope, name: str = NAME) -> None:
    """Have the browser forget it."""
    response.delete_cookie(
        _full(scope, name), path="/", secure=is_secure(scope), httponly=True, samesite="strict"
    )


def _full(scope: Scope, name: str) -> str:
    return f"__Host-{name}" if is_secure(scope) else name
