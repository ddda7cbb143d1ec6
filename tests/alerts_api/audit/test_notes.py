"""Signed notes and checkpoints are those of C2SP, to the byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts_api.audit.checkpoints import LogCheckpoint, parse_checkpoint, read_checkpoint
from alerts_api.audit.errors import NoteError
from alerts_api.audit.merkle import leaf_hash, root_of
from alerts_api.audit.signednote import (
    PublicKey,
    Signer,
    is_signed_by,
    new_private_text,
    open_note,
    parse_private,
    parse_public,
    text_of,
)
from tests.alerts_api.audit.audit_examples import NAME, SIGNER

# The example of https://c2sp.org/signed-note, with its key.
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_TEXT = "This is an example message.\n"
FOO_NOTE = (
    f"{FOO_TEXT}\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The test log of Tessera, Google's tile log (testdata/build_log.sh): its published key, leaves, checkpoints.
TESSERA = "PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg"
TESSERA_PUBLIC = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
TESSERA_LEAVES = [b"one", b"two", b"three", b"four", b"five", b"six", b"seven", b"eit"]
TESSERA_NOTES = [
    "example.com/log/testdata\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
    "— example.com/log/testdata "
    "M9e0lhxJACzE1KoUdqKuPa+9p6R7dSW8BlEvrg/noo8FkGg6PbJoRNOcdjqjOq89wVvTA60eubCc4oufo5BvIVEgtQc=\n",
    "example.com/log/testdata\n8\nbC+VwvrJbalNVjfkdI8kUgs7mJoXrqiXCE7bgnD28pY=\n\n"
    "— example.com/log/testdata "
    "M9e0lq1EK37dHtgv9O3UzPxisw5vwIPcJsX9ab0xt4mvVfbdUR1fbMjN6sBFYpBoBEmD4+cWhj/AVgI5MitCO5+mews=\n",
]
# The example of https://c2sp.org/tlog-checkpoint; its key is not published.
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
TEXT = "first\n\nlast\n"
NOTE = SIGNER.sign(TEXT)
OTHER = Signer("other.example.ac.uk/audit", bytes(32))


def line(note: str) -> str:
    """Its signature."""
    return note.rpartition("\n\n")[2]


class TestGolden:
    def test_the_example_of_the_format(self) -> None:
        assert open_note(FOO_NOTE, parse_public(FOO)) == FOO_TEXT

    @pytest.mark.parametrize("note", TESSERA_NOTES)
    def test_another_implementation_s_log(self, note: str) -> None:
        signer = parse_private(TESSERA)
        assert signer.public.text() == TESSERA_PUBLIC
        size = int(note.split("\n")[1])
        root = root_of(map(leaf_hash, TESSERA_LEAVES[:size]))
        checkpoint = LogCheckpoint("example.com/log/testdata", size, root)
        assert signer.sign(checkpoint.text()) == note
        assert read_checkpoint(note, parse_public(TESSERA_PUBLIC)) == checkpoint

    def test_the_example_of_checkpoints(self) -> None:
        found = parse_checkpoint(text_of(SOFA))
        assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20_852_163)
        assert found.text() + "\n" + line(SOFA) == SOFA


class TestNotes:
    def test_the_text_may_have_empty_lines(self) -> None:
        assert open_note(NOTE, SIGNER.public) == TEXT

    def test_signatures_of_others_are_passed_over(self) -> None:
        both = NOTE + line(OTHER.sign(TEXT))
        assert open_note(both, SIGNER.public) == open_note(both, OTHER.public) == TEXT
        assert is_signed_by(both, OTHER.public)

    def test_sixteen_signatures_of_five_kilobytes_are_read(self) -> None:
        long = "— witness.example.com/w " + "A" * 6_800 + "\n"
        assert open_note(NOTE + long * 15, SIGNER.public) == TEXT

    def test_one_of_the_key_s_own_that_does_not_fit_is_too_many(self) -> None:
        with pytest.raises(NoteError, match="does not fit the text"):
            open_note(NOTE + line(SIGNER.sign("other\n")), SIGNER.public)

    def test_same_name_other_key(self) -> None:
        with pytest.raises(NoteError, match="not signed by"):
            open_note(Signer(NAME, bytes(32)).sign(TEXT), SIGNER.public)

    @pytest.mark.parametrize(
        "note",
        [
            "",
            TEXT,
            TEXT + "\n",
            NOTE[:-1],
            NOTE + "further\n",
            NOTE.replace("first", "fi\rst"),
            NOTE.replace("— ", "- "),
            NOTE.replace(f"— {NAME} ", f"— {NAME}  "),
            NOTE + "— two words AAAAAAAA\n",
            NOTE + "— a+b AAAAAAAA\n",
            NOTE + "— short AAAA\n",
            NOTE + line(OTHER.sign(TEXT)) * 64,
            "x" * 1_000_000 + "\n\n" + line(NOTE),
        ],
    )
    def test_what_is_no_note(self, note: str) -> None:
        with pytest.raises(NoteError):
            open_note(note, SIGNER.public)

    @given(st.data())
    def test_no_character_can_be_changed(self, change: st.DataObject) -> None:
        at = change.draw(st.integers(0, len(TEXT) - 1))
        other = change.draw(st.characters(codec="utf-8").filter(lambda c: c != NOTE[at]))
        with pytest.raises(NoteError):
            open_note(NOTE[:at] + other + NOTE[at + 1 :], SIGNER.public)

    @given(st.text(max_size=200))
    def test_any_text_is_a_note_or_an_error(self, text: str) -> None:
        try:
            assert open_note(text, SIGNER.public)
        except NoteError as error:
            assert str(error)


class TestKeys:
    def test_texts_lead_back(self) -> None:
        assert parse_public(SIGNER.public.text() + "\n") == SIGNER.public
        assert parse_private(new_private_text(NAME, bytes(range(32)))).public == SIGNER.public

    @pytest.mark.parametrize("text", [TESSERA_PUBLIC, FOO])
    def test_no_part_and_no_change_of_a_key_is_one(self, text: str) -> None:
        for start in range(len(text)):
            for end in range(start + 1, len(text) + 1):
                if end - start < len(text):
                    with pytest.raises(NoteError):
                        parse_public(text[start:end])
        for at, letter in enumerate(text):
            with pytest.raises(NoteError):
                parse_public(text[:at] + chr(ord(letter) + 1) + text[at + 1 :])

    @pytest.mark.parametrize("at", range(0, len(TESSERA), 5))
    def test_a_damaged_private_key_is_not_repeated(self, at: int) -> None:
        damaged = TESSERA[:at] + chr(ord(TESSERA[at]) + 1) + TESSERA[at + 1 :]
        with pytest.raises(NoteError) as caught:
            parse_private(damaged)
        assert TESSERA[-20:] not in str(caught.value)

    @pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb"])
    def test_names_that_a_note_cannot_carry(self, name: str) -> None:
        with pytest.raises(NoteError, match=r"take one like alerts\.example"):
            Signer(name, bytes(32))

    def test_a_signer_does_not_show_its_key(self) -> None:
        secret = new_private_text(NAME, bytes(range(32))).rpartition("+")[2]
        assert secret not in repr(SIGNER)
        assert secret not in str(SIGNER)


class TestCheckpoints:
    ROOT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

    def test_further_lines_are_passed_over(self) -> None:
        assert parse_checkpoint(f"a\n3\n{self.ROOT}\nextension\n").size == 3

    @pytest.mark.parametrize(
        "text",
        [
            "",
            f"a\n3\n{ROOT}\n\n",
            f"\n3\n{ROOT}\n",
            f"a\n03\n{ROOT}\n",
            f"a\n-3\n{ROOT}\n",
            f"a\n٣\n{ROOT}\n",
            f"a\n3 \n{ROOT}\n",
            f"a\n{'9' * 20}\n{ROOT}\n",
            "a\n3\nAAAA\n",
            "a\n3\n" + ROOT.replace("+", "-") + "\n",
            "a\n3\n",
        ],
    )
    def test_what_is_no_checkpoint(self, text: str) -> None:
        with pytest.raises(NoteError, match="not a checkpoint"):
            parse_checkpoint(text)

    def test_the_log_s_name_is_the_key_s(self) -> None:
        note = SIGNER.sign(LogCheckpoint("elsewhere", 0, bytes(32)).text())
        with pytest.raises(NoteError, match=f"a checkpoint of elsewhere, signed by {NAME}"):
            read_checkpoint(note, SIGNER.public)

    def test_a_key_is_its_name_and_its_bytes(self) -> None:
        assert PublicKey("a", bytes(32)).id != PublicKey("b", bytes(32)).id
