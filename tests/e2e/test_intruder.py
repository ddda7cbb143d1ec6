"""The motivated intruder (ICO): with all but the keys, and a directory of all names, he links nobody."""

import hashlib
import hmac
import itertools
from base64 import b32encode, b64encode
from pathlib import Path

import pytest

from tests.e2e.sites import access_lines, call, followed, made

DIRECTORY = [f"canary{letter}{number:03d}" for letter in "abc" for number in range(100)]
READERS = DIRECTORY[::30]
ADDRESS = "192.0.2.7"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    lines = [line for name in READERS for line in access_lines(range(0, 900, 3), name)]
    (tmp_path / "access.log").write_text("".join(f"{line}\n" for line in sorted(lines, key=lambda x: x[20:])))
    folder = made(tmp_path / "site", "--log", tmp_path / "access.log", "--realm", "example.ac.uk")
    followed(folder, len(lines))
    who = ("--reader", "-", "--case", "S-1", "--dpo", "mh")
    call("rights", "access", "--site", folder, *who, stdin=f"{READERS[0]}\n".encode())
    call("audit", "export", "--site", folder, folder / "audit.jsonl")
    return folder


def dump(site: Path) -> bytes:
    """All in the folder of the site but for the keys, the settings (they name the log's format) and maps."""
    apart = (site / "keys", site / "geo", site / "site.toml")
    files = [path for path in site.rglob("*") if path.is_file()]
    return b"\n".join(path.read_bytes() for path in files if not any(map(path.is_relative_to, apart)))


def pseudonyms(site: Path) -> dict[str, bytes]:
    result = call(
        "pseudonym",
        "--site",
        site,
        "--kind",
        "user",
        "--purpose",
        "directory",
        stdin="\n".join(DIRECTORY).encode(),
    )
    pairs = [line.split(b"\t") for line in result.stdout_bytes.splitlines()]
    return {name.decode(): token for name, token in pairs}


def guesses(name: str) -> list[bytes]:
    """What a name becomes by every unkeyed digest, and by keys that one would try; in the usual spellings."""
    texts = [name, name.upper(), f"{name}@example.ac.uk", f"4:user0:{len(name)}:{name}"]
    kinds = ("md5", "sha1", "sha256")
    digests = [hashlib.new(kind, text.encode()).digest() for kind in kinds for text in texts]
    keys = [b"", b"journalguard", bytes(32), b"journalguard/pseudonym/v1/user/1"]
    digests += [hmac.digest(key, text.encode(), "sha256") for key in keys for text in texts]
    return [form for digest in digests for form in spellings(digest)]


def spellings(digest: bytes) -> list[bytes]:
    return [digest[:15], digest.hex().encode(), b32encode(digest[:15]).lower(), b64encode(digest)]


def test_a_directory_of_all_names_links_nobody(site: Path) -> None:
    found = dump(site)
    tokens = pseudonyms(site)
    assert all(tokens[name] in found for name in READERS), "the readers are in it, under their pseudonyms"
    for name in DIRECTORY:
        assert name.encode() not in found
        assert not [guess for guess in guesses(name) if guess in found]
    assert ADDRESS.encode() not in found


def test_who_is_in_the_dump_cannot_be_told_from_who_is_not(site: Path) -> None:
    """Any other keys make of the directory tokens that fit as well: none of them is there."""
    other = made(site.parent / "other", "--realm", "example.ac.uk")
    found = dump(site)
    assert not [name for name, token in pseudonyms(other).items() if token in found]


def test_pseudonyms_tell_nothing_of_each_other(site: Path) -> None:
    """Names that differ in one letter have tokens that agree no more than by chance."""
    tokens = [token.split(b"_")[1] for token in pseudonyms(site).values()]
    alike = [sum(a == b for a, b in zip(x, y, strict=True)) for x, y in itertools.pairwise(tokens)]
    assert max(alike) < 12, "of 24 characters"
