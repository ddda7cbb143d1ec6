"""Tokens: their form, and what makes them equal."""

import base64
import hmac
import ipaddress
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.canonical import Identity
from pseudonymiser.keys import Keys
from pseudonymiser.pseudonyms import Pseudonyms, network_of, parse_address
from tests.pseudonymiser.ingest_factory import KEYS

TOKENS = Pseudonyms(KEYS)


def test_form_of_the_tokens() -> None:
    address = ipaddress.ip_address("192.0.2.7")
    made = [
        TOKENS.user(Identity("", "asmith")),
        TOKENS.address(address),
        TOKENS.network(address),
        TOKENS.session("s"),
    ]
    for letter, token in zip("uans", made, strict=True):
        assert re.fullmatch(rf"{letter}1_[a-z2-7]{{24}}", token)
    assert re.fullmatch(r"[0-9a-v]{12}", TOKENS.document("doi", "10.1000/1"))
    assert int(TOKENS.journal("issn", "00000000"), 32) < 2**60


def test_a_token_is_known_for_good() -> None:
    """Stored pseudonyms must outlive any change of this code; the same by the standard library alone."""
    label = b"journalguard/pseudonym/v1/user/1"
    key = hmac.digest(bytes(range(32)), label + b"\x01", "sha256")  # RFC 5869, 2.3
    by_hand = base64.b32encode(hmac.digest(key, b"4:user0:6:asmith", "sha256")[:15]).decode().lower()
    assert TOKENS.user(Identity("", "asmith")) == "u1_zcux5u3ttphvzvjolfo2vrwq" == f"u1_{by_hand}"


def test_another_key_or_epoch_gives_another_token() -> None:
    person = Identity("", "asmith")
    others = {Pseudonyms(Keys(bytes(32))).user(person), Pseudonyms(Keys(bytes(range(32)), "2")).user(person)}
    assert len(others | {TOKENS.user(person)}) == 3


def test_parts_do_not_run_into_one_another() -> None:
    assert TOKENS.user(Identity("ab", "c")) != TOKENS.user(Identity("a", "bc"))
    assert TOKENS.document("ab", "c") != TOKENS.document("a", "bc")


def test_spellings_of_one_address() -> None:
    assert parse_address("::ffff:192.0.2.7") == parse_address("192.0.2.7")
    assert parse_address("2001:DB8:0:0::1") == parse_address("2001:db8::1")
    assert parse_address("192.0.2.777") is None


@settings(deadline=None)
@given(st.ip_addresses())
def test_a_network_holds_its_addresses(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    network = ipaddress.ip_network(network_of(address))
    assert address in network
    assert network.prefixlen == (24 if address.version == 4 else 48)
