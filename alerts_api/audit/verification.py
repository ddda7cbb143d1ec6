"""Whether a log is what was signed: from an exported file, public keys and checkpoints kept elsewhere.

No secret, no database, no network. Everything is computed from the leaves anew; nothing that the file says
of itself is believed but what a known key has signed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from alerts_api.audit.checkpoints import LogCheckpoint, read_checkpoint
from alerts_api.audit.errors import NoteError
from alerts_api.audit.export import ExportFacts, checkpoints_of, scan
from alerts_api.audit.signednote import PublicKey, is_signed_by

_NAMED = 12  # leaves that a sentence names one by one


class What(StrEnum):
    """What was done to a log."""

    EDITED = "edited"
    DELETED = "deleted"
    REORDERED = "reordered"
    REPEATED = "repeated"
    TRUNCATED = "truncated"
    FORKED = "forked"
    FORGED = "forged"
    UNSIGNED = "unsigned"


class VerificationFinding(msgspec.Struct, frozen=True):
    what: What
    text: str


class VerificationReport(msgspec.Struct, frozen=True):
    """What holds and what does not, in sentences."""

    size: int
    holds: tuple[str, ...]
    broken: tuple[VerificationFinding, ...]
    remarks: tuple[str, ...]


class _SignedClaim(msgspec.Struct, frozen=True):
    """A checkpoint that a known key signed, and where it is from."""

    where: str  # name of the file it was given as; "" for the export's own
    checkpoint: LogCheckpoint

    def __str__(self) -> str:
        return f"the checkpoint of {self.checkpoint.size} leaves" + (
            f" in {self.where}" if self.where else ""
        )


def verify(
    lines: Iterable[bytes], keys: Sequence[PublicKey], older: Sequence[tuple[str, str]]
) -> VerificationReport:
    """Check an export.

    Args:
        lines: of the file.
        keys: public keys of the log, the present one and former ones.
        older: checkpoints from elsewhere, as name and note.

    Raises:
        ExportError: not an export.
        NoteError: one of ``older`` is not a checkpoint that one of ``keys`` signed.
    """
    given = [_SignedClaim(name, _trusted(name, note, keys)) for name, note in older]
    said, notes, rest = checkpoints_of(lines)
    own, forged, strange = _own(notes, keys)
    claims = sorted([*own, *given], key=lambda each: each.checkpoint.size)
    facts = scan(rest, said, {each.checkpoint.size for each in claims})
    held = [each for each in claims if facts.roots.get(each.checkpoint.size) == each.checkpoint.root]
    broken = (*forged, *_order(facts, claims), *_changes(facts), *_contradictions(facts, claims, held))
    if not claims:
        broken = (
            *broken,
            VerificationFinding(
                What.UNSIGNED,
                "no checkpoint is signed by the key given: is it this log's key, and was one made before?",
            ),
        )
    remarks = [*strange, *_remarks(facts, held)]
    return VerificationReport(len(facts.indexes), _holding(facts, held), broken, tuple(remarks))


def _trusted(name: str, note: str, keys: Sequence[PublicKey]) -> LogCheckpoint:
    error = NoteError("no key was given")
    for key in keys:
        try:
            return read_checkpoint(note, key)
        except NoteError as found:
            error = found
    raise NoteError(f"{name}: {error}; is it a checkpoint of this log, and the key its key?")


def _own(
    notes: list[str], keys: Sequence[PublicKey]
) -> tuple[list[_SignedClaim], list[VerificationFinding], list[str]]:
    """The file's checkpoints: good ones, findings of bad ones, remarks of those by other keys."""
    claims, forged, strange = [], [], 0
    for number, note in enumerate(notes, 1):
        try:
            key = next((key for key in keys if is_signed_by(note, key)), None)
            if key is None:
                strange += 1
            else:
                claims.append(_SignedClaim("", read_checkpoint(note, key)))
        except NoteError as error:
            forged.append(VerificationFinding(What.FORGED, f"checkpoint {number} of the file: {error}"))
    remark = f"{strange} checkpoints in the file are signed by other keys than those given; passed over"
    return claims, forged, [remark] if strange else []


def _order(facts: ExportFacts, claims: list[_SignedClaim]) -> list[VerificationFinding]:
    """Leaves that are missing, twice there, or not where they belong."""
    places = [at if index < 0 else index for at, index in enumerate(facts.indexes)]
    times = Counter(places)
    runs = _runs(sorted(times))
    end = runs[-1][1] + 1 if runs else 0
    found = []
    ends = [-1, *(last for _, last in runs)]
    if gaps := [
        (before + 1, first - 1) for before, (first, _) in zip(ends, runs, strict=False) if first > before + 1
    ]:
        found.append(
            VerificationFinding(What.DELETED, f"{_leaves(gaps)} missing, with later ones after the gap")
        )
    if twice := sorted(index for index, count in times.items() if count > 1):
        found.append(VerificationFinding(What.REPEATED, f"{_leaves(_runs(twice))} there more than once"))
    if moved := _moved(places):
        found.append(VerificationFinding(What.REORDERED, moved))
    signed = max((each.checkpoint.size for each in claims), default=0)
    if max(signed, facts.size) > end:
        found.append(VerificationFinding(What.TRUNCATED, _truncated(facts, claims, end, signed)))
    return found


def _moved(places: Iterable[int]) -> str:
    highest = -1
    for index in places:
        if index < highest:
            return f"leaf {index} stands after leaf {highest}"
        highest = index
    return ""


def _truncated(facts: ExportFacts, claims: list[_SignedClaim], end: int, signed: int) -> str:
    gone = _leaves([(end, max(signed, facts.size) - 1)])
    if facts.size >= signed:
        return f"{gone} missing at the end: the file says it has {facts.size} leaves; was it copied whole?"
    newest = next(each for each in claims if each.checkpoint.size == signed)
    text = f"{gone} missing at the end: {newest} is signed"
    return f"{text}. If it was made after this export, take a newer export" if newest.where else text


def _changes(facts: ExportFacts) -> list[VerificationFinding]:
    """Leaves that contradict something beside them in the same file."""
    unread = [at for at, index in enumerate(facts.indexes) if index < 0]
    found = []
    if facts.changed:
        where = _leaves(_runs(facts.changed))
        found.append(
            VerificationFinding(What.EDITED, f"{where} not what the database's own tree was made of")
        )
    if rest := [at for at in unread if at not in facts.changed]:
        found.append(VerificationFinding(What.EDITED, f"{_leaves(_runs(rest))} no record of an act"))
    if facts.misfiled:
        where = _leaves(_runs(facts.misfiled))
        found.append(
            VerificationFinding(
                What.EDITED, f"{where} filed in the database as another act: hidden from the pages' filters"
            )
        )
    if facts.unopened > facts.forgotten:
        found.append(_forgotten_by_nobody(facts))
    if facts.misfits:
        where = _leaves(_runs(facts.misfits))
        found.append(
            VerificationFinding(What.EDITED, f"{where} shown with a pseudonym that is not the recorded one")
        )
    return found


def _forgotten_by_nobody(facts: ExportFacts) -> VerificationFinding:
    many = f"{facts.unopened} leaves no longer tell whom they are about"
    return VerificationFinding(
        What.DELETED,
        f"{many}, and the log explains {facts.forgotten} of them by erasure or age: somebody removed "
        "the rest, or it was erased by a version that did not say so",
    )


def _contradictions(
    facts: ExportFacts, claims: list[_SignedClaim], held: list[_SignedClaim]
) -> list[VerificationFinding]:
    """Signed roots that are not those of the leaves, or not of one history."""
    against = [
        each
        for each in claims
        if facts.roots.get(each.checkpoint.size, each.checkpoint.root) != each.checkpoint.root
    ]
    longest = max((each.checkpoint.size for each in held if not each.where), default=-1)
    found = []
    for each in against:
        size = each.checkpoint.size
        if size <= longest or _rival(each, claims):
            why = "and other leaves are signed too: somebody with the key has shown two histories"
            found.append(VerificationFinding(What.FORKED, f"{each} is signed, {why} ({_since(size, held)})"))
    if against and not found:
        first = against[0]
        where = _since(first.checkpoint.size, held)
        found.append(VerificationFinding(What.EDITED, f"{first} has not the root of these leaves ({where})"))
    return found


def _rival(one: _SignedClaim, claims: list[_SignedClaim]) -> bool:
    """Whether another root of the same size is signed."""
    size, root = one.checkpoint.size, one.checkpoint.root
    return any(each.checkpoint.size == size and each.checkpoint.root != root for each in claims)


def _since(size: int, held: list[_SignedClaim]) -> str:
    """Between which leaves a difference lies."""
    first = max((each.checkpoint.size for each in held if each.checkpoint.size < size), default=0)
    return (
        f"the difference is at leaf {first}"
        if first + 1 == size
        else (f"the first difference is among leaves {first} to {size - 1}")
    )


def _holding(facts: ExportFacts, held: list[_SignedClaim]) -> tuple[str, ...]:
    found = []
    if facts.in_order == len(facts.indexes) >= facts.size:
        found.append(f"{len(facts.indexes)} leaves, none missing, each in its place")
    given = [f"{each} is signed, and the log still begins with its leaves" for each in held if each.where]
    own = [each for each in held if not each.where]
    if own:
        many = f"{len(own)} checkpoints" if len(own) > 1 else "the checkpoint"
        found.append(f"{many} of the file: signed, with the roots of these leaves")
    return (*found, *given)


def _remarks(facts: ExportFacts, held: list[_SignedClaim]) -> list[str]:
    found = []
    covered = max((each.checkpoint.size for each in held), default=0)
    if held and covered < facts.in_order == len(facts.indexes):
        young = _leaves([(covered, facts.in_order - 1)])
        found.append(f"{young} younger than the newest checkpoint: nothing signed covers them yet")
    if facts.newer:
        found.append(f"{facts.newer} leaves are of a newer version: they are in the tree, but not read here")
    if not any(each.where for each in held):
        found.append(
            "no checkpoint from elsewhere was given: the holder of the signing key could have made this anew"
        )
    return found


def _runs(indexes: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each run of neighbours."""
    runs: list[tuple[int, int]] = []
    for index in indexes:
        if runs and runs[-1][1] == index - 1:
            runs[-1] = runs[-1][0], index
        else:
            runs.append((index, index))
    return runs


def _leaves(runs: Sequence[tuple[int, int]]) -> str:
    """Their numbers with the verb: ``leaf 5 is``, ``leaves 5, 7 to 9 are``."""
    names = [str(first) if first == last else f"{first} to {last}" for first, last in runs]
    if len(runs) == 1 and runs[0][0] == runs[0][1]:
        return f"leaf {names[0]} is"
    more = f" and {len(names) - _NAMED} more places" if len(names) > _NAMED else ""
    return f"leaves {', '.join(names[:_NAMED])}{more} are"
