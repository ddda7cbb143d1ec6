"""The site's identity provider, by OpenID Connect: discovery, code flow with PKCE, keys.

The only part of the pages that opens a connection, and only to the provider that the site has named.
"""

import secrets
import ssl
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from alerts_api.signin.actors import Role
from alerts_api.signin.claims import (
    Expected,
    Proof,
    groups_of,
    name_of,
    proof_of,
    roles_of,
    subject_of,
    verified,
)
from alerts_api.signin.errors import ProviderError
from alerts_api.signin.flows import Flow
from service.config.settings import is_safe_address
from service.config.tables import SignInSettings

CALLBACK = "/signin/callback"
SECONDS = 10.0  # to wait for the provider
KNOWN_SECONDS = 3_600.0  # what the provider told of itself is asked again after so long
_ANSWER_LIMIT = 256 * 1024  # bytes


class Metadata(msgspec.Struct, frozen=True):
    """What the provider tells of itself at ``/.well-known/openid-configuration``."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""


class Person(msgspec.Struct, frozen=True):
    """Who came back from the provider."""

    subject: str
    name: str
    roles: frozenset[Role]
    proof: Proof


class Provider:
    """One per app. Safe to use from several threads.

    Args:
        settings: with an issuer.
        folder: of the site, to which paths of files are relative.

    Raises:
        ProviderError: a file of the settings cannot be read.
    """

    def __init__(self, settings: SignInSettings, folder: Path, clock: Callable[[], float]) -> None:
        self.settings = settings
        self._clock = clock
        self._secret = _secret(settings, folder)
        self._tls = ssl.create_default_context(cafile=_file(settings.ca_file, folder))
        self._lock = Lock()
        self._known: tuple[float, Metadata, KeySet] | None = None

    @property
    def redirect(self) -> str:
        return self.settings.address.rstrip("/") + CALLBACK

    def begin(self, flow: Flow, *, again: bool) -> str:
        """Where to send the browser. ``again``: the person has to prove it anew. Raises ``ProviderError``."""
        metadata, _ = self._provider()
        more: dict[str, str] = {"prompt": "login", "max_age": "0"} if again else {}
        if self.settings.acr:
            more["acr_values"] = " ".join(self.settings.acr)
        with self._client() as client:
            address, _ = client.create_authorization_url(
                metadata.authorization_endpoint,
                state=flow.state,
                code_verifier=flow.verifier,
                nonce=flow.nonce,
                **more,
            )
        return str(address)

    def finish(self, code: str, flow: Flow) -> Person:
        """Who it is, for the code that the browser brought. Raises ``ProviderError``."""
        metadata, keys = self._provider()
        with self._client() as client:
            try:
                token = client.fetch_token(
                    metadata.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=flow.verifier,
                )
            except (AuthlibBaseError, httpx2.HTTPError, ValueError) as error:
                raise ProviderError(f"the identity provider gave no token: {type(error).__name__}") from None
            claims = self._claims(token, keys, flow)
            if not groups_of(claims, self.settings.groups_claim) and metadata.userinfo_endpoint:
                claims = {**_userinfo(client, metadata.userinfo_endpoint, claims), **claims}
        groups = groups_of(claims, self.settings.groups_claim)
        roles = roles_of(groups, self.settings.roles)
        return Person(subject_of(claims), name_of(claims), roles, proof_of(claims))

    def end(self) -> str:
        """Where a browser signs out of the provider too; empty where it has no such place."""
        try:
            metadata, _ = self._provider()
        except ProviderError:
            return ""
        if not metadata.end_session_endpoint:
            return ""
        back = {
            "client_id": self.settings.client_id,
            "post_logout_redirect_uri": f"{self.settings.address.rstrip('/')}/signin",
        }
        return f"{metadata.end_session_endpoint}?{urlencode(back)}"

    def _claims(self, token: Any, keys: KeySet, flow: Flow) -> dict[str, Any]:
        expected = Expected(
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            nonce=flow.nonce,
            access_token=str(token.get("access_token", "")),
            now=self._clock(),
        )
        text = str(token.get("id_token", ""))
        try:
            return verified(text, keys, expected)
        except ProviderError:
            # It may have new keys since we asked.
            _, newer = self._provider(at_most=60.0)
            return verified(text, newer, expected)

    def _provider(self, at_most: float = KNOWN_SECONDS) -> tuple[Metadata, KeySet]:
        """What it told of itself, and its keys; asked again if that is older than ``at_most``."""
        with self._lock:
            now = self._clock()
            if self._known is None or now - self._known[0] >= at_most:
                metadata = self._discover()
                self._known = (now, metadata, self._keys(metadata))
            return self._known[1], self._known[2]

    def _discover(self) -> Metadata:
        issuer = self.settings.issuer
        answer = self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            metadata = msgspec.json.decode(answer, type=Metadata)
        except msgspec.DecodeError as error:
            raise ProviderError(
                f"{issuer}: does not describe itself as OpenID Connect does: {error}"
            ) from None
        if metadata.issuer != issuer:
            raise ProviderError(f"{issuer}: calls itself otherwise; write the setting as it does")
        endpoints = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
        more = (metadata.userinfo_endpoint, metadata.end_session_endpoint)
        if not all(map(is_safe_address, [*endpoints, *filter(None, more)])):
            raise ProviderError(f"{issuer}: has addresses without https")
        return metadata

    def _keys(self, metadata: Metadata) -> KeySet:
        try:
            return KeySet.import_key_set(msgspec.json.decode(self._fetch(metadata.jwks_uri)))
        except (msgspec.DecodeError, JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise ProviderError(f"{metadata.jwks_uri}: these are not keys") from None

    def _fetch(self, address: str) -> bytes:
        try:
            answer = httpx2.get(address, verify=self._tls, timeout=SECONDS, follow_redirects=False)
            answer.raise_for_status()
        except httpx2.HTTPError as error:
            raise ProviderError(
                f"{address}: not reached ({type(error).__name__}); is the issuer right, and its authority "
                "known to this machine or named by ca_file?"
            ) from None
        if len(answer.content) > _ANSWER_LIMIT:
            raise ProviderError(f"{address}: answers with more than {_ANSWER_LIMIT} bytes")
        return answer.content

    def _client(self) -> Any:
        return OAuth2Client(
            client_id=self.settings.client_id,
            client_secret=self._secret,
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
            scope=self.settings.scope,
            redirect_uri=self.redirect,
            code_challenge_method="S256",
            verify=self._tls,
            timeout=SECONDS,
        )


def new_flow(session: str, back: str, now: float) -> Flow:
    """A way to the provider and back, with numbers that nobody can guess."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Flow(state, nonce, verifier, session, back, now)


def _userinfo(client: Any, address: str, claims: dict[str, Any]) -> dict[str, Any]:
    """What the provider tells of the person beside the token, if it is of the same person."""
    try:
        answer = client.get(address)
        answer.raise_for_status()
        answered = answer.json()
    except (AuthlibBaseError, httpx2.HTTPError, ValueError) as error:
        raise ProviderError(
            f"the identity provider does not tell the groups: {type(error).__name__}"
        ) from None
    if not isinstance(answered, dict) or answered.get("sub") != claims.get("sub"):
        raise ProviderError("the identity provider tells of somebody else")
    return answered


def _secret(settings: SignInSettings, folder: Path) -> str | None:
    if not settings.client_secret_file:
        return None
    path = folder / settings.client_secret_file
    try:
        if path.stat().st_mode & 0o077:
            raise ProviderError(f"{path}: open to group or others; close it with `chmod 600 {path}`")
        return path.read_text("utf-8").splitlines()[0].strip()
    except (OSError, UnicodeDecodeError, IndexError):
        raise ProviderError(
            f"{path}: cannot be read; it holds the client's secret in its first line"
        ) from None


def _file(name: str, folder: Path) -> str | None:
    return str(folder / name) if name else None
