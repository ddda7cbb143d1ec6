"""Any record of the wire for Hypothesis, and one example of each."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from service.distributed.protocol import wire
from service.distributed.protocol.wire import (
    VERSION,
    AlertRecord,
    AsideRecord,
    FrameHeader,
    IdentityRecord,
    KnowledgeRecord,
    MoveRecord,
    StatusRecord,
    SumsRecord,
    TraceRecord,
    VerdictRecord,
)
from service.learning.day_summary import DaySummary
from service.records.checkpoints import Trace
from service.records.events import Alert, Picture, Reason, Rejected, SeenEntity
from service.records.identities import Epoch, HolderId, KeyShare, Link, Mode, Pseudonym, SealedIdentity
from tests.service.factories import HOME, NOON, TODAY, event, token

RECORDS: tuple[type[Any], ...] = wire.R.__constraints__
EVENT = event(NOON, "reader", journal=token(3))
HEADER = FrameHeader(VERSION, shipper=2, day=TODAY, offset=3600, numbers=(2 << 48, (2 << 48) + 5))
_REASON = Reason("bulk-download", "docs_1h", "212 documents in one hour", 212, 4, 48_000, "documents", 14.1)
_PICTURE = Picture(
    measures=(_REASON,),
    hours=((NOON - 3600, 3), (NOON, 212)),
    days=(("2025-10-10", 212),),
    usual_hour=4.0,
    places=(SeenEntity("GB Exeter", 31.5, 0.9, new=False),),
    groups=(("volume", 14.1),),
)
_ALERT = Alert(
    "alert-1", "reader", NOON, NOON + 60, 14.1, 0.8, ("bulk-download",), (_REASON,), "212 documents", 840,
    212, "policy-hash", "model-1", _PICTURE,
)  # fmt: skip
_SHARE = KeyShare(("00112233aabbccdd",), b"\x00\xff")
EXAMPLES: dict[type[Any], Any] = {
    AlertRecord: AlertRecord(VERSION, _ALERT),
    TraceRecord: TraceRecord(VERSION, (Trace((2 << 48) + 5, EVENT, 9.5),)),
    VerdictRecord: VerdictRecord(VERSION, 7, "alert-1", "reader", "stolen", NOON + 0.5),
    StatusRecord: StatusRecord(
        VERSION, "shipper/2", {"lines_total": 900}, NOON, NOON + 0.5, (Rejected("no-time", "a.log", 3, 80),)
    ),
    SumsRecord: SumsRecord(
        VERSION, 5, TODAY + 1, TODAY - 1, DaySummary(TODAY, 3, 1, 2, b"\x00\xff", {"cities": (b"a", b"b")})
    ),
    KnowledgeRecord: KnowledgeRecord(VERSION, "tables", TODAY, b"\x00\xff"),
    AsideRecord: AsideRecord(VERSION, "library.access.v1", 5, 1234, "garbage", 17),
    IdentityRecord: IdentityRecord(
        VERSION,
        SealedIdentity(
            1,
            "u1_" + "a" * 24,
            "1",
            Mode.ONE,
            "0123456789abcdef",
            (KeyShare(("00112233aabbccdd",), b"\x00\xff"),),
        ),
    ),
    MoveRecord: MoveRecord(VERSION, Link("u1_old", "u2_new"), b"\x00\xff", ("GB", "sciencedirect")),
}
assert EVENT.place == HOME

_INTEGERS = st.integers(-(2**63), 2**63 - 1)
_PLAIN: dict[object, st.SearchStrategy[Any]] = {
    int: _INTEGERS,
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(codec="utf-8"), max_size=12),
    bytes: st.binary(max_size=12),
    bool: st.booleans(),
    type(None): st.none(),
}


_CONSTRAINED = {
    Pseudonym: st.from_regex(r"\Au[0-9A-Za-z]{1,8}_[a-z2-7]{24}\Z"),
    Epoch: st.from_regex(r"\A[0-9A-Za-z]{1,8}\Z"),
    HolderId: st.from_regex(r"\A[0-9a-f]{16}\Z"),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a record's or a field's type; the version of a record is ours."""
    if kind in _CONSTRAINED:
        return _CONSTRAINED[kind]
    if kind in _PLAIN:
        return _PLAIN[kind]
    if get_origin(kind) is None:
        return _any_record(kind) if issubclass(kind, msgspec.Struct) else st.sampled_from(kind)
    first, *others = map(any_of, (a for a in get_args(kind) if a is not Ellipsis))
    if get_origin(kind) is Mapping:
        return st.dictionaries(first, *others, max_size=3)
    if get_origin(kind) is tuple:
        endless = Ellipsis in get_args(kind)
        return st.lists(first, max_size=3).map(tuple) if endless else st.tuples(first, *others)
    return st.one_of(first, *others)


def _any_record(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind, include_extras=True)
    return st.builds(
        kind,
        **{name: st.just(VERSION) if name == "v" else any_of(hints[name]) for name in kind.__struct_fields__},
    )
