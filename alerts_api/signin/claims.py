"""What the identity provider says of a person: its signed token checked, its groups turned into roles. Pure.

OpenID Connect Core 1.0, 3.1.3.7. The algorithm is never the token's choice: a list of asymmetric ones, so
neither "none" nor a signature by our own client's secret, or by the public key as if it were one, is taken.
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from alerts_api.signin.actors import Role
from alerts_api.signin.errors import ProviderError
from alerts_api.signin.persons import is_subject
from service.config.tables import RoleGroups, SignInSettings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY = 60  # s that two clocks may differ
_NAME_LENGTH = 80


class Expected(msgspec.Struct, frozen=True):
    """What a token must be for, to be taken."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str
    now: float


class Proof(msgspec.Struct, frozen=True):
    """When and how the provider saw the person."""

    auth_time: float  # s UTC; 0: not told
    acr: str
    amr: frozenset[str]


def verified(token: str, keys: KeySet, expected: Expected) -> dict[str, Any]:
    """The token's claims. Raises ``ProviderError`` unless it is the provider's, for us, for this, and now."""
    try:
        found = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
        claims = CodeIDToken(
            found.claims,
            found.header,
            options={
                "iss": {"essential": True, "value": expected.issuer},
                "aud": {"essential": True, "value": expected.client_id},
            },
            params={
                "nonce": expected.nonce,
                "client_id": expected.client_id,
                "access_token": expected.access_token,
            },
        )
        claims.validate(now=int(expected.now), leeway=LEEWAY)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        # Its text may repeat what the token says.
        raise ProviderError(f"the identity provider's token is refused: {type(error).__name__}") from None
    return dict(claims)


def subject_of(claims: Mapping[str, Any]) -> str:
    """Raises ``ProviderError`` for one that cannot be told from our own names, or stand in the audit log."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not is_subject(subject):
        raise ProviderError(
            "the identity provider's `sub` is not 1 to 255 printable ASCII characters, or a name of our own"
        )
    return subject


def name_of(claims: Mapping[str, Any]) -> str:
    """As pages show the person."""
    named = (claims.get(key) for key in ("name", "preferred_username", "sub"))
    text = next(text for text in named if isinstance(text, str) and text.strip())
    return "".join(c for c in text if c.isprintable()).strip()[:_NAME_LENGTH]


def proof_of(claims: Mapping[str, Any]) -> Proof:
    acr, amr = claims.get("acr"), claims.get("amr")
    return Proof(
        auth_time=_time_of(claims.get("auth_time")),
        acr=acr if isinstance(acr, str) else "",
        amr=frozenset(map(str, amr)) if isinstance(amr, list) else frozenset(),
    )


def lacking(proof: Proof, settings: SignInSettings) -> str:
    """Which of the classes and ways that the site asks for the proof does not have; empty for none.

    What a token does not tell, it does not have.
    """
    if settings.acr and proof.acr not in settings.acr:
        return "acr"
    if settings.amr and proof.amr.isdisjoint(settings.amr):
        return "amr"
    return ""


def _time_of(value: object) -> float:
    """Seconds UTC; 0 for what is no time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 < value < math.inf else 0.0


def groups_of(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """The person's groups; the claim's name may lead into others: ``realm_access.roles``."""
    found: Any = claims
    for key in claim.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return frozenset({found})
    return (
        frozenset(group for group in found if isinstance(group, str))
        if isinstance(found, list)
        else frozenset()
    )


def roles_of(groups: frozenset[str], mapping: RoleGroups) -> frozenset[Role]:
    """The roles that the site gives to these groups."""
    return frozenset(role for role in Role if groups.intersection(getattr(mapping, role.value)))
