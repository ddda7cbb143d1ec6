"""The many spellings of one person, as one identity.

Case, Unicode compatibility forms, blanks, percent signs, bytes that are no UTF-8 (read as Windows-1252),
``DOMAIN\\name``, ``name@realm`` and LDAP names are brought to one text; the site's own realm is left out.
Look-alike letters of other alphabets are other people. ``auto-<address>`` (AutoLoginIP), ``-`` and nothing
are nobody.

A name costs no more than its length: one that is too long, or still not settled after ``_ROUNDS``, was made
to be costly, and is known by its digest.
"""

import codecs
import hashlib
import re
import unicodedata
from urllib.parse import unquote

import msgspec

_DIRECTORY_NAMES = tuple(
    re.compile(rf"(?:^|,)\s*{attribute}\s*=\s*([^,\\]*+(?:\\.[^,\\]*+)*)")
    for attribute in ("uid", "samaccountname", "cn")
)
_DIRECTORY_REALM = re.compile(r",\s*dc\s*=\s*([^,]+)")
_AUTO_LOGIN = re.compile(r"auto-(?=[\da-f]*[.:])[\da-f.:]+(?:%\w+)?(?:@.*)?")
_LONGEST = 256  # characters; what a directory allows is far shorter
_LONGEST_OTHER = 96  # of a name that is not plain ASCII: normalising takes the square of its accents
_ROUNDS = 4  # of folding a name; people's take two
_DIGEST = "sha256:"  # how a name begins that is known by its digest
_BLANK = ' \t\r\n\v\f\u00a0"'
_NOBODY = frozenset({"", "-"})


class Identity(msgspec.Struct, frozen=True):
    """One person. ``realm`` is empty at home. Does not print itself: it is a clear name."""

    realm: str
    local: str

    def __repr__(self) -> str:
        return "Identity(…)"


class Canoniser:
    """Names of one site; ``home_realms`` are the spellings of its own realm ("example.ac.uk", "EXAMPLE")."""

    def __init__(self, home_realms: tuple[str, ...] = ()) -> None:
        self._home = frozenset(_plain(realm).lstrip("@") for realm in home_realms)
        self._domains = frozenset(realm.partition(".")[0] for realm in self._home)

    def identify(self, name: str) -> Identity | None:
        """The person that a name field means; None where it means nobody."""
        text = self.canonical(name)
        if text.startswith(_DIGEST):
            return Identity("", text)
        if text in _NOBODY or _AUTO_LOGIN.fullmatch(text):
            return None
        local, separator, realm = text.rpartition("@")
        return Identity(realm, local) if separator and local else Identity("", text)

    def canonical(self, name: str) -> str:
        """``local`` or ``local@realm``; the canonical text of a canonical text is itself."""
        text = name if len(name) > _LONGEST else _readable(name)
        for _ in range(_ROUNDS):
            if len(text) > (_LONGEST if text.isascii() else _LONGEST_OTHER):
                break
            settled = self._step(_fold(text))
            if settled == text:
                return text
            text = settled
        return _digest(name)

    def _step(self, text: str) -> str:
        if "=" in text and (local := _directory_name(text)):
            realm = ".".join(part.strip() for part in _DIRECTORY_REALM.findall(text))
            text = f"{local}@{realm}" if realm else local
        elif "\\" in text:
            domain, _, local = text.partition("\\")
            local = local.replace("\\", "/")  # more of them are nothing that a directory knows
            if self._is_home_domain(domain) and local:
                return local
            text = f"{local}@{domain}" if domain and local else domain or local
        local, separator, realm = text.rpartition("@")
        while separator and local and realm in self._home:
            text = local
            local, separator, realm = text.rpartition("@")
        return text

    def _is_home_domain(self, domain: str) -> bool:
        """Is ``DOMAIN`` of ``DOMAIN\\name`` the site's own Windows domain?

        Guests come as name@realm; while no realm is named as home, a Windows domain is taken for the site's.
        """
        return "." not in domain and (not self._home or domain in self._domains)


def _directory_name(text: str) -> str:
    """The login in an LDAP name: the uid before the common name, which is often the person's full name."""
    for pattern in _DIRECTORY_NAMES:
        if found := pattern.search(text):
            return found[1].replace("\\", "").strip()
    return ""


def _plain(text: str) -> str:
    """Folded until it is settled."""
    for _ in range(_ROUNDS):
        folded = _fold(text)
        if folded == text:
            break
        text = folded
    return text


def _fold(text: str) -> str:
    """NFKC, case folded, percent signs decoded, without blanks and quotes around."""
    text = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    if "%" in text:
        decoded = unquote(text, errors="replace")
        text = text if "\ufffd" in decoded else decoded
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).strip(_BLANK)


def _readable(name: str) -> str:
    """The name with bytes that were no UTF-8 (kept as surrogates) as the letters of Windows-1252 they are."""
    if name.isascii():
        return name
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "journalguard-1252")


def _as_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    raw = error.object[error.start : error.end]
    return raw.decode("cp1252", "replace"), error.end


codecs.register_error("journalguard-1252", _as_1252)


def _digest(name: str) -> str:
    return _DIGEST + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
