"""Free text without what names a person, as far as patterns can tell.

What is asked and why stands in the audit log for two years; a name in it would undo the pseudonym beside it.
So what looks like one is left out before anything is kept. What only people can tell, the form asks them for.
"""

import re
from ipaddress import ip_address
from typing import NamedTuple
from unicodedata import normalize

LONGEST = 1_000  # characters
GAP = "[left out]"

# What follows "the reader is" and is no name.
_COMMON = (
    "an?|the|not|no|in|on|at|away|abroad|known|new|one|of|to|by|stolen|secured|closed|still|also|now|here|it|"
    "that|this|his|her|their|our|being|used|active|asked|told"
)
_MAIL = r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)*"
_URL = r"\b[a-z][a-z0-9+.-]*://\S+"
_ADDRESS = r"(?<![\w.:])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:])"
_DOMAIN_USER = r"\b[A-Za-z][\w.-]*\\[\w.-]+"
_DIRECTORY = r"\b(?:cn|uid|sn|givenname|mail|ou)\s*=\s*[^,;\s]+"
_USER_ID = r"\b(?=[a-z0-9._-]*[a-z])(?=[a-z0-9._-]*[0-9])[a-z0-9][a-z0-9._-]{3,}\b"  # ab12345, jdoe42
_TITLED = r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Dame)\.?\s+[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)*"
_TELEPHONE = r"(?<![\w-])(?![0-9]{4}-[0-9]{2}-[0-9]{2}\b)\+?[0-9](?:[ ()./-]?[0-9]){6,}"
_WHO = "(?i:user(?:name)?|login|account|reader|name|student|patron|borrower|member|colleague|called|named)"
_NAMED = rf"\b{_WHO}(?:\s*[:=]\s*|\s+(?i:is|was|called|named)\s+)(?!(?i:{_COMMON})\b)\S+(?:\s+[A-Z][\w'-]+)*"
_AFTER_WHO = rf"\b{_WHO}\s+[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)*"
_TWO_WORDS = r"(?<![\w'-])[A-Z][a-z'\u00c0-\u024f-]+(?:\s+[A-Z]\.?)?\s+[A-Z][a-z'\u00c0-\u024f-]+(?![\w'-])"
_INITIAL = r"(?<![\w./])[A-Za-z]\.[a-z]{3,}(?![\w/])"

_LOOKS = re.compile(
    "|".join(
        (
            *(_URL, _MAIL, _DOMAIN_USER, _DIRECTORY, _NAMED, _TITLED, _AFTER_WHO, _TWO_WORDS),
            *(_ADDRESS, _TELEPHONE, _INITIAL, _USER_ID),
        )
    )
)
# Ours, and of the service desk: tell nothing to who cannot look them up.
_OURS = re.compile(r"u[0-9A-Za-z]{1,8}_[a-z2-7]{24}|JG-[0-9A-F]{10}|RV-[A-Z2-7]{10}")
_IS_ADDRESS = re.compile(_ADDRESS)


class Scrubbed(NamedTuple):
    text: str
    gaps: int  # places where something was left out


def scrub(text: str, longest: int = LONGEST) -> Scrubbed:
    """The text without addresses, user names and names of people; ``gaps`` says how often.

    Other forms of the same letters, as fullwidth ones, are read as what they look like.

    >>> scrub("Please call Dr Jane Doe (jdoe@example.org) from 192.0.2.7")
    Scrubbed(text='Please call [left out] ([left out]) from [left out]', gaps=3)
    """
    gaps = 0

    def without(found: re.Match[str]) -> str:
        nonlocal gaps
        if _OURS.fullmatch(found[0]) or not _names(found[0]):
            return found[0]
        gaps += 1
        return GAP

    plain = normalize("NFKC", text)
    kept = "".join(c for c in plain if c.isprintable() or c == "\n").strip()[:longest]
    return Scrubbed(_LOOKS.sub(without, kept), gaps)


def _names(text: str) -> bool:
    """Whether what looks like an address is one; anything else that was found counts as it is."""
    if not _IS_ADDRESS.fullmatch(text):
        return True
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
