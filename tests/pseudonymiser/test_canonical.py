"""The spellings of one person."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymiser.canonical import Canoniser, Identity

HOME = Canoniser(("example.ac.uk", "EXAMPLE"))

ONE_PERSON = [
    "ab00001",
    " AB00001 ",
    "AB00001%20",
    "ab00001\u00a0",
    "EXAMPLE\\ab00001",
    "example\\AB00001",
    "ab00001@example.ac.uk",
    "ab00001@EXAMPLE.AC.UK ",
    "EXAMPLE\\ab00001@example.ac.uk",
    "uid=ab00001,ou=people,dc=example,dc=ac,dc=uk",
    "CN=Ann Blake,uid=AB00001,OU=people,O=Example",
    "ａｂ00001",  # full width
    '"ab00001"',
]


@pytest.mark.parametrize("spelling", ONE_PERSON)
def test_spellings_of_one_person_give_one_identity(spelling: str) -> None:
    assert HOME.identify(spelling) == Identity("", "ab00001")


def test_another_realm_is_another_person() -> None:
    assert HOME.identify("ab00001@nhs.example.org") == Identity("nhs.example.org", "ab00001")
    assert HOME.identify("NHS\\ab00001") == Identity("nhs", "ab00001")
    assert HOME.identify("uid=ab00001,dc=other,dc=org") == Identity("other.org", "ab00001")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-",
        " ",
        "%20",
        "auto-192.0.2.44",
        "auto-2001:db8::1",
        "AUTO-192.0.2.44",
        "auto-192.0.2.44@example.ac.uk",
    ],
)
def test_nobody(name: str) -> None:
    assert HOME.identify(name) is None


def test_while_no_realm_is_named_a_windows_domain_is_home() -> None:
    unnamed = Canoniser()
    assert unnamed.identify("UNI\\ab00001") == unnamed.identify("ab00001")
    assert unnamed.identify("ab00001@uni.example") != unnamed.identify("ab00001")


def test_a_named_realm_brings_its_windows_domain_along() -> None:
    named = Canoniser(("uni.example",))
    assert named.identify("UNI\\ab00001") == named.identify("ab00001")
    assert named.identify("OTHER\\ab00001") != named.identify("ab00001")


def test_names_that_begin_like_an_auto_login_are_people() -> None:
    assert HOME.identify("auto-fabrik") == Identity("", "auto-fabrik")
    assert HOME.identify("auto-dead") == Identity("", "auto-dead")


def test_look_alikes_are_other_people() -> None:
    assert HOME.identify("раypal") != HOME.identify("paypal")  # Cyrillic er and a


def test_an_identity_does_not_print_itself() -> None:
    assert "ab00001" not in repr(HOME.identify("ab00001"))


@settings(deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[\\@=,%20a-c ]{0,12}", fullmatch=True))
def test_canonical_is_idempotent(name: str) -> None:
    once = HOME.canonical(name)
    assert HOME.canonical(once) == once


@settings(deadline=None)
@given(
    st.from_regex(r"[a-z0-9._-]{1,12}", fullmatch=True),
    st.from_regex(r"[a-z]{2,8}\.(?:org|edu)", fullmatch=True),
    st.from_regex(r"[a-z]{2,8}\.(?:org|edu)", fullmatch=True),
)
def test_realms_keep_people_apart(local: str, realm: str, other: str) -> None:
    same = HOME.identify(f"{local}@{realm}") == HOME.identify(f"{local}@{other}")
    assert same == (realm == other)
