"""Tokens of the provider: its own, and what a forger makes of them."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey

from alerts_api.signin.actors import Role
from alerts_api.signin.claims import (
    ALGORITHMS,
    LEEWAY,
    Expected,
    groups_of,
    lacking,
    name_of,
    proof_of,
    roles_of,
    subject_of,
    verified,
)
from alerts_api.signin.errors import ProviderError
from service.config.tables import RoleGroups, SignInSettings

NOW = time.time()
ISSUER, CLIENT, NONCE = "https://login.example.ac.uk", "journalguard", "n" * 43
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
KEYS = KeySet([KEY])
GOOD: Mapping[str, Any] = {
    "iss": ISSUER,
    "sub": "ada",
    "aud": CLIENT,
    "exp": int(NOW) + 300,
    "iat": int(NOW),
    "nonce": NONCE,
    "auth_time": int(NOW),
}


def expected(now: float = NOW) -> Expected:
    return Expected(ISSUER, CLIENT, NONCE, "", now)


def signed(claims: Mapping[str, Any], key: RSAKey = KEY) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, dict(claims), key, algorithms=["RS256"])


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned() -> str:
    return f"{part({'alg': 'none'})}.{part(dict(GOOD))}."


def by_public_key() -> str:
    """The classic: the public key, which everybody has, as the secret of an HMAC."""
    body = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(dict(GOOD))}"
    code = hmac.digest(KEY.as_pem(private=False), body.encode(), "sha256")
    return f"{body}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


def by_another_key() -> str:
    return signed(GOOD, RSAKey.generate_key(2048, {"kid": "one"}))


def with_own_key() -> str:
    """A key of the forger's inside the token's own head."""
    own = RSAKey.generate_key(2048)
    head = {"alg": "RS256", "kid": "one", "jwk": own.as_dict(private=False)}
    return jws.serialize_compact(head, json.dumps(dict(GOOD)).encode(), own, algorithms=["RS256"])


def changed() -> str:
    head, _, signature = signed(GOOD).split(".")
    return f"{head}.{part({**GOOD, 'sub': 'kim'})}.{signature}"


def test_the_provider_s_own_token_is_taken() -> None:
    assert verified(signed(GOOD), KEYS, expected())["sub"] == "ada"


@pytest.mark.parametrize("forge", [unsigned, by_public_key, by_another_key, with_own_key, changed])
def test_a_forged_token_is_refused(forge: Callable[[], str]) -> None:
    with pytest.raises(ProviderError, match="token is refused"):
        verified(forge(), KEYS, expected())


@pytest.mark.parametrize("text", ["", "x", "..", "a.b.c", "é.é.é", "a" * 100_000])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(ProviderError):
        verified(text, KEYS, expected())


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},  # for two, and nobody says who asked
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"nonce": "m" * 43},
        {"nonce": None},
        {"exp": int(NOW) - LEEWAY - 1},
        {"exp": None},
        {"iat": int(NOW) + LEEWAY + 2},
        {"iat": None},
        {"sub": None},
        {"nbf": int(NOW) + LEEWAY + 2},
    ],
)
def test_a_token_for_somebody_or_sometime_else_is_refused(wrong: dict[str, Any]) -> None:
    claims = {name: value for name, value in {**GOOD, **wrong}.items() if value is not None}
    with pytest.raises(ProviderError):
        verified(signed(claims), KEYS, expected())


def test_a_token_is_refused_once_it_has_ended() -> None:
    with pytest.raises(ProviderError):
        verified(signed(GOOD), KEYS, expected(NOW + 300 + LEEWAY + 1))


def test_no_algorithm_takes_a_shared_secret() -> None:
    assert not [name for name in ALGORITHMS if name == "none" or name.startswith("HS")]


@pytest.mark.parametrize(
    "subject",
    [
        *("", "local:jane.doe", "token:1", "open", "nobody", "a b", "ä", "x" * 256, 7),
        *(
            "journalguard",
            "JournalGuard",
            "console",
            "console:mholmes",
            "machine",
            "Local:jane.doe",
            "demo-dpo",
        ),
    ],
)
def test_a_subject_that_could_be_one_of_ours_is_refused(subject: object) -> None:
    with pytest.raises(ProviderError):
        subject_of({"sub": subject})


@pytest.mark.parametrize(
    ("claims", "lacks"),
    [
        ({}, "acr"),
        ({"acr": "weak", "amr": ["otp"]}, "acr"),
        ({"acr": ["strong"], "amr": ["otp"]}, "acr"),
        ({"acr": "strong"}, "amr"),
        ({"acr": "strong", "amr": "otp"}, "amr"),
        ({"acr": "strong", "amr": ["pwd"]}, "amr"),
        ({"acr": "strong", "amr": ["pwd", "otp"]}, ""),
    ],
)
def test_what_a_token_does_not_tell_its_proof_does_not_have(claims: dict[str, Any], lacks: str) -> None:
    asked = SignInSettings(
        issuer=ISSUER, client_id=CLIENT, address=ISSUER, acr=("strong", "stronger"), amr=("otp", "hwk")
    )
    assert lacking(proof_of(claims), asked) == lacks
    assert lacking(proof_of(claims), SignInSettings(issuer=ISSUER, client_id=CLIENT, address=ISSUER)) == ""


@pytest.mark.parametrize("told", [None, "1795500000", True, -1, float("nan"), float("inf"), [], {"a": 1}])
def test_a_time_of_proof_that_is_none_is_not_told(told: object) -> None:
    assert proof_of({"auth_time": told}).auth_time == 0.0


def test_a_name_is_harmless_and_short() -> None:
    assert name_of({"sub": "1", "name": "Ada\x1b[31m\n" + "x" * 200}) == "Ada[31m" + "x" * 73
    assert name_of({"sub": "1", "name": " ", "preferred_username": "ada"}) == "ada"


def test_groups_are_found_also_within_others() -> None:
    assert groups_of({"groups": ["a", 1, "b"]}, "groups") == {"a", "b"}
    assert groups_of({"realm_access": {"roles": ["a"]}}, "realm_access.roles") == {"a"}
    assert groups_of({"groups": "a"}, "groups") == {"a"}
    assert groups_of({"groups": {"a": 1}}, "groups.a.b") == frozenset()


def test_groups_give_roles() -> None:
    mapping = RoleGroups(analyst=("a", "b"), dpo=("b",))
    assert roles_of(frozenset({"b", "c"}), mapping) == {Role.ANALYST, Role.DPO}
    assert roles_of(frozenset({"c"}), mapping) == frozenset()
