"""The many spellings of one person, as one identity.

Case, Unicode compatibility forms, blanks (also ``%20``), ``DOMAIN\\name``, ``name@realm`` and LDAP names are
brought to one text; the site's own realm is left out. Look-alike letters of other alphabets are other people.
``auto-<address>`` (AutoLoginIP), ``-`` and nothing are nobody.
"""

import re
import unicodedata

import msgspec

_DIRECTORY_NAMES = tuple(
    re.compile(rf"(?:^|,)\s*{attribute}\s*=\s*((?:\\.|[^,\\])+)")
    for attribute in ("uid", "samaccountname", "cn")
)
_DIRECTORY_REALM = re.compile(r",\s*dc\s*=\s*([^,]+)")
_AUTO_LOGIN = re.compile(r"auto-(?=[\da-f]*[.:])[\da-f.:]+(?:%\w+)?(?:@.*)?")
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
        if text in _NOBODY or _AUTO_LOGIN.fullmatch(text):
            return None
        local, separator, realm = text.rpartition("@")
        return Identity(realm, local) if separator and local else Identity("", text)

    def canonical(self, name: str) -> str:
        """``local`` or ``local@realm``; the canonical text of a canonical text is itself."""
        text = _plain(name)
        while (settled := self._step(text)) != text:
            text = settled
        return text

    def _step(self, text: str) -> str:
        if "=" in text and (local := _directory_name(text)):
            realm = ".".join(part.strip() for part in _DIRECTORY_REALM.findall(text))
            text = f"{local}@{realm}" if realm else local
        elif "\\" in text:
            domain, _, local = text.partition("\\")
            if self._is_home_domain(domain) and local:
                return _plain(local)
            text = f"{local}@{domain}" if domain and local else domain or local
        local, separator, realm = text.rpartition("@")
        if separator and local and realm in self._home:
            text = local
        return _plain(text)

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
    """NFKC, case folded, without blanks around; repeated, because each can undo another."""
    while (folded := _fold(text)) != text:
        text = folded
    return text


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", text.replace("%20", " ").replace("%c2%a0", " ")).strip().strip('"')
