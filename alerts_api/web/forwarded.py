"""Who asked, where a proxy stands before the pages: believed only of the proxies that the site has named.

Whoever else sends such headers is not believed, and is not taken for somebody at this machine either: a proxy
of this machine that nobody named serves the whole network from 127.0.0.1.
"""

import logging
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DIRECT = "journalguard.direct"  # in a request's scope: no proxy stands between, as far as can be told

_FOR, _PROTO = "x-forwarded-for", "x-forwarded-proto"
_SIGNS = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"})

_log = logging.getLogger("journalguard.pages")


class ForwardedMiddleware:
    """ASGI middleware, before all others. ``trusted`` are the proxies' addresses or networks."""

    def __init__(self, app: ASGIApp, trusted: Sequence[str]) -> None:
        self._app = app
        self._trusted = tuple(ip_network(each, strict=False) for each in trusted)
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            peer = address_of(scope["client"][0]) if scope.get("client") else None
            # HTTP/1.0 is all that nginx tells by its own defaults.
            signs = has_signs(headers) or scope.get("http_version") == "1.0"
            known = peer is not None and self._is_trusted(peer)
            scope[DIRECT] = not signs and not known and peer is not None and peer.is_loopback
            if known:
                self._believe(scope, headers)
            elif has_signs(headers):
                self._tell()
        await self._app(scope, receive, send)

    def _believe(self, scope: Scope, headers: Headers) -> None:
        if client := self._client(headers.getlist(_FOR)):
            scope["client"] = (client, 0)
        proto = _last(headers.getlist(_PROTO)).lower()
        if proto in {"http", "https"}:
            scope["scheme"] = proto

    def _client(self, values: Iterable[str]) -> str:
        """The last address that is not a proxy of ours; what stands before it anybody may have written."""
        client = ""
        for text in reversed([part for value in values for part in value.split(",")]):
            found = address_of(text.strip())
            if found is None:
                break
            client = str(found)
            if not self._is_trusted(found):
                break
        return client

    def _is_trusted(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._trusted)

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            _log.warning(
                "forwarded-headers-ignored a request came through a proxy that trusted_proxies in site.toml "
                "does not name: who asked, and whether by https, is not believed; name the proxy there"
            )


def has_signs(headers: Headers) -> bool:
    """Whether a header tells that a proxy stands between."""
    return any(name in _SIGNS or name.startswith("x-forwarded-") for name in headers)


def address_of(text: str) -> Address | None:
    """An address, also with a port or in brackets; ``None`` for anything else.

    >>> address_of("192.0.2.1:4711"), address_of("[2001:db8::1]:443"), address_of("unknown")
    (IPv4Address('192.0.2.1'), IPv6Address('2001:db8::1'), None)
    """
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _last(values: Sequence[str]) -> str:
    return values[-1].rpartition(",")[2].strip() if values else ""
