"""The schema files are those of the code, and versions of the code understand each other.

Within a version a field with a default may be added, nothing else. A golden message or ``version1`` is never
changed; what they do not fit is a new version.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.distributed.protocol.schemas import RECORDS as DESCRIBED
from service.distributed.protocol.schemas import schemas
from service.distributed.protocol.wire import VERSION, FrameHeader, decode, decode_frame, encode, encode_frame
from service.records.events import AccessEvent
from tests.project.repository import ROOT
from tests.service.distributed import version1
from tests.service.distributed.records import EVENT, EXAMPLES, HEADER, RECORDS, any_of

GOLDEN = ROOT / "tests/golden/wire/v1"


def newer(record: type[Any]) -> type[Any]:
    """The record as a later writer of the same version may have it."""
    return msgspec.defstruct(record.__name__, [("added", int, 7)], bases=(record,), frozen=True)


def grown(value: Any) -> Any:
    """The same as a ``newer`` record."""
    return newer(type(value))(**{name: getattr(value, name) for name in value.__struct_fields__})


def old(record: type[Any]) -> type[Any]:
    """The record as version 1 had it."""
    found = getattr(version1, record.__name__)
    assert isinstance(found, type)
    return found


def attributes(record: msgspec.Struct) -> dict[str, str]:
    """Name on the wire -> name of the attribute."""
    return dict(zip(record.__struct_encode_fields__, record.__struct_fields__, strict=True))


def same(ours: Any, theirs: Any) -> bool:
    """Whether an old reader's record says what ours says, in the fields that it has."""
    if isinstance(theirs, msgspec.Struct):
        names = attributes(ours)
        return all(
            same(getattr(ours, names[name]), getattr(theirs, at)) for name, at in attributes(theirs).items()
        )
    if isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return bool(ours == theirs)


def test_the_files_are_current() -> None:
    """`make schemas` writes them."""
    folder = ROOT / "deploy/schemas"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == schemas()


def test_messages_are_as_the_files_say() -> None:
    jsonschema = pytest.importorskip(
        "jsonschema", reason="no jsonschema here to check messages against the files"
    )
    examples: list[tuple[type[Any], Any]] = [*EXAMPLES.items(), (FrameHeader, HEADER), (AccessEvent, EVENT)]
    for record, example in examples:
        assert record in DESCRIBED
        (name,) = (n for n in schemas() if n.replace("-", "").startswith(f"{record.__name__.lower()}."))
        jsonschema.validate(
            msgspec.json.decode(msgspec.json.encode(example)), msgspec.json.decode(schemas()[name])
        )


@pytest.mark.parametrize("record", RECORDS)
def test_golden_messages_are_still_read(record: type[Any]) -> None:
    assert decode((GOLDEN / f"{record.__name__}.json").read_bytes(), record) == EXAMPLES[record]


def test_the_golden_frame_is_still_read() -> None:
    assert decode_frame((GOLDEN / "Frame.ndjson").read_bytes()) == (HEADER, [EVENT, EVENT])


@pytest.mark.parametrize("record", RECORDS)
@settings(max_examples=25)
@given(data=st.data())
def test_an_old_reader_reads_what_is_written_today(record: type[Any], data: st.DataObject) -> None:
    written = data.draw(any_of(record))
    assert same(written, msgspec.json.decode(encode(written), type=old(record)))
    assert same(written, msgspec.json.decode(msgspec.json.encode(grown(written)), type=old(record)))


@pytest.mark.parametrize("record", RECORDS)
@settings(max_examples=25)
@given(data=st.data())
def test_today_reads_what_an_old_writer_and_a_newer_one_wrote(record: type[Any], data: st.DataObject) -> None:
    written = data.draw(any_of(record))
    assert decode(msgspec.json.encode(grown(written)), record) == written
    before = msgspec.json.decode(encode(written), type=old(record))
    assert same(decode(msgspec.json.encode(before), record), before)


@given(any_of(FrameHeader), any_of(AccessEvent))
def test_frames_are_read_by_old_and_new(header: FrameHeader, event: AccessEvent) -> None:
    header = msgspec.structs.replace(header, numbers=(7,))
    for lines in (
        encode_frame(header, [event]),
        msgspec.json.Encoder().encode_lines([grown(header), grown(event)]),
    ):
        assert decode_frame(lines) == (header, [event])
        head, _, body = lines.partition(b"\n")
        assert same(header, msgspec.json.decode(head, type=version1.FrameHeader))
        assert same(event, msgspec.json.decode(body, type=version1.AccessEvent))


def test_a_new_version_begins_new_goldens() -> None:
    """Whoever raises the version freezes its records and messages beside those of version 1."""
    assert VERSION == 1
    assert Path(GOLDEN).name == f"v{VERSION}"
