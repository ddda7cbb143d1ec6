"""Say which field of plain values does not fit a record, as a path and not as part of a sentence.

msgspec tells what is wrong with a value in a sentence meant for people. Where the value stands is found
here by converting each field by itself, so that nothing hangs on how the sentence is worded.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec

Path = tuple[str | int, ...]  # names of fields and indexes of lists, from the outside in


class Trouble(Enum):
    """What can be wrong with a field."""

    UNKNOWN = "unknown"  # the record has no such field
    MISSING = "missing"
    NO_TABLE = "no table"  # the field is a record, the value is not
    VALUE = "value"  # wrong type, or out of range


class Fault(NamedTuple):
    """One field that does not fit."""

    path: Path
    trouble: Trouble
    words: str = ""  # of msgspec about a value, as "Expected `int` <= 65535"

    @property
    def plain_words(self) -> str:
        """The words without code quotes, as the rest of a sentence."""
        words = self.words.replace("`", "")
        return words[:1].lower() + words[1:]

    @property
    def field(self) -> str:
        """The innermost name of the path; empty where the whole value is meant."""
        return next((part for part in reversed(self.path) if isinstance(part, str)), "")


def faults(value: object, hint: Any, *, strict: bool = True, path: Path = ()) -> Iterator[Fault]:
    """Find everything in which a value differs from a type.

    Args:
        value: plain values, as tomllib or JSON give them.
        hint: a record's class, or the annotation of one of its fields.
        strict: without it texts may stand for numbers, as in environment variables.
        path: where the value itself stands.

    Yields:
        Faults in the order of the values, then those of missing fields. None where msgspec converts.
    """
    record, item = record_of(hint), item_of(hint)
    if record is not None and value is not None:
        yield from _of_record(value, record, strict, path)
        return
    found = False
    if item is not None and isinstance(value, list | tuple):
        for index, each in enumerate(value):
            for fault in faults(each, item, strict=strict, path=(*path, index)):
                found = True
                yield fault
    if not found:  # what is left concerns the value as a whole
        try:
            msgspec.convert(value, hint, strict=strict)
        except msgspec.ValidationError as error:
            yield Fault(path, Trouble.VALUE if record is None else Trouble.NO_TABLE, str(error))


def _of_record(value: object, record: type[msgspec.Struct], strict: bool, path: Path) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield Fault(path, Trouble.NO_TABLE)
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(record)}
    for name, each in value.items():
        if name in fields:
            yield from faults(each, fields[name].type, strict=strict, path=(*path, name))
        elif record.__struct_config__.forbid_unknown_fields:
            yield Fault((*path, name), Trouble.UNKNOWN)
    for name, field in fields.items():
        if field.required and name not in value:
            yield Fault((*path, name), Trouble.MISSING)


def plain(hint: Any) -> Any:
    """Take the metadata and ``| None`` from an annotation.

    >>> plain(Annotated[int | None, "words"])
    <class 'int'>
    """
    if get_origin(hint) is Annotated:
        return plain(get_args(hint)[0])
    parts = [part for part in get_args(hint) if part is not type(None)]
    return plain(parts[0]) if type(None) in get_args(hint) and len(parts) == 1 else hint


def record_of(hint: Any) -> type[msgspec.Struct] | None:
    """Give the record that an annotation stands for, if it is one or an optional one."""
    kind = plain(hint)
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def item_of(hint: Any) -> Any:
    """Give the type of the items of a list of any length; ``None`` for everything else.

    >>> item_of(tuple[str, ...]), item_of(str)
    (<class 'str'>, None)
    """
    kind = plain(hint)
    arguments = get_args(kind)
    if get_origin(kind) is tuple:
        return arguments[0] if arguments[1:] == (...,) else None
    return arguments[0] if get_origin(kind) in {list, frozenset} else None
