"""Free text loses what names a person, and keeps what it is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts_api.reveal.scrub import GAP, LONGEST, scrub


@pytest.mark.parametrize(
    "name",
    [
        "canary.doe@example.org",
        "jdoe@crick",
        "192.0.2.7",
        "2001:db8::7",
        "fe80::1",
        "EXAMPLE\\jdoe",
        "cn=Jane,ou=staff",
        "ab12345",
        "jdoe42",
        "Dr Jane Doe",
        "Mrs. O'Neill",
        "Professor Müller",
        "+44 20 7946 0958",
        "https://example.org/~jdoe",
        "user: jdoe",
        "name=Jane",
    ],
)
def test_a_name_is_left_out(name: str) -> None:
    text, gaps = scrub(f"It looks as if {name} has lent the password to a friend")
    assert name not in text
    assert text.startswith("It looks as if [left out]")
    assert text.endswith("has lent the password to a friend")
    assert gaps >= 1


@pytest.mark.parametrize(
    "text",
    [
        "1,240 documents from 18:50 to 19:13, 134 of them within one hour",
        "Alert JG-F4A7EDF920, asked as RV-ABCDEFGHIJ under INC-0012345",
        "u1_abcdefghijklmnopqrstuvwx read 412 documents on 2026-11-24",
        "The publisher wrote on 24 November, 2 % of the requests were refused",
    ],
)
def test_what_it_is_about_stays(text: str) -> None:
    assert scrub(text) == (text, 0)


@given(st.text(max_size=2 * LONGEST))
def test_any_text_comes_out_printable_and_bounded(text: str) -> None:
    kept, gaps = scrub(text)
    assert all(c.isprintable() or c == "\n" for c in kept)
    assert len(kept) <= LONGEST + gaps * len(GAP)


@given(st.text(max_size=40), st.text(max_size=40))
def test_an_address_never_stays(before: str, after: str) -> None:
    assert "canary@example.org" not in scrub(f"{before} canary@example.org {after}").text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The reader Jane Doe was away", "Jane"),
        ("user is jdoe, says the desk", "jdoe"),
        ("It was j.doe again", "j.doe"),
        ("asked Jane Doe about it", "Doe"),
        ("fullwidth jdoe\uff20example.org", "jdoe"),
        ("the patron called Anna-Lena Müller", "Müller"),
        ("her address is \uff11\uff19\uff192.0.2.7", "192"),
    ],
)
def test_plain_names_and_other_forms_of_letters_are_left_out(text: str, name: str) -> None:
    assert name not in scrub(text).text


@pytest.mark.parametrize(
    "text",
    [
        "The reader is abroad and the account is stolen",
        "Twelve hundred PDFs in one night from a hosting network; the account has to be secured.",
        "e.g. a VPN, i.e. not the campus",
    ],
)
def test_what_the_reader_does_is_no_name(text: str) -> None:
    assert scrub(text) == (text, 0)
