"""Bytes as words of a public list: for paper, and for reading aloud over a telephone.

The list is BIP-39's English one (``words.txt``, MIT): 2,048 words that differ in their first four letters, so
a misread word is mostly no word. A secret of 32 bytes is that standard's mnemonic of 24 words, whose last
8 bits are a checksum; so the paper can be read without this program too. A fingerprint is the first words
of a digest, 11 bits each.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files

from pseudonymiser.errors import KeyHolderError

SECRET_WORDS = 24
_BITS = 11  # a word


def secret_words(secret: bytes) -> list[str]:
    """The 24 words of 32 bytes, by BIP-39."""
    bits = int.from_bytes(secret + _checksum(secret), "big")
    return _words(bits, SECRET_WORDS)


def secret_of(text: str) -> bytes:
    """The 32 bytes behind 24 words, in any case and with any blanks; four letters of a word are enough.

    Raises:
        KeyHolderError: a word that is not on the list (with its place, never with the others), not 24 of
            them, or a checksum that does not fit.
    """
    found = text.casefold().split()
    if len(found) != SECRET_WORDS:
        raise KeyHolderError(f"{len(found)} words; the paper has {SECRET_WORDS}, type all of them in order")
    bits = 0
    for place, word in enumerate(found, 1):
        bits = bits << _BITS | _number(word, place)
    whole = bits.to_bytes(33, "big")
    if _checksum(whole[:32]) != whole[32:]:
        raise KeyHolderError("the words do not fit together: one is wrong, or two changed places")
    return whole[:32]


def spoken(digest: bytes, count: int) -> list[str]:
    """The first ``count`` words of a digest of 32 bytes."""
    return _words(int.from_bytes(digest, "big") >> (256 - count * _BITS), count)


def _words(bits: int, count: int) -> list[str]:
    listed, _ = _list()
    return [listed[bits >> (_BITS * place) & 2047] for place in range(count - 1, -1, -1)]


def _number(word: str, place: int) -> int:
    listed, numbers = _list()
    number = numbers.get(word[:4])
    if number is None or not listed[number].startswith(word):
        raise KeyHolderError(f"word {place} is not on the list; look at the paper again")
    return number


def _checksum(secret: bytes) -> bytes:
    return sha256(secret).digest()[:1]


@cache
def _list() -> tuple[list[str], dict[str, int]]:
    """The words, and the number of each by its first four letters (three-letter words: by all)."""
    listed = files("pseudonymiser").joinpath("words.txt").read_text(encoding="ascii").split()
    return listed, {word[:4]: number for number, word in enumerate(listed)}
