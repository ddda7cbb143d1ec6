"""Values that a frame's fields may have, beyond their types.

A frame of the right schema may still hold what no state can: a time past the end of 64 bits, a token that is
no token. Whoever sent it, a worker must put it aside, for it would fail at it again after every start.
"""

from collections.abc import Sequence

from service.distributed.protocol.wire import Frame
from service.records.events import AccessEvent

LAST_DAY = 400_000  # days since 1970
LAST_TIME = LAST_DAY * 86_400
WHOLE = 1 << 63  # what numpy, msgpack and SQL take
SHIPPERS = 1 << 15
BASE32HEX = "0123456789abcdefghijklmnopqrstuv"  # of tokens of documents and journals
TOKEN_LENGTH = 12


def is_valid(frame: Frame) -> bool:
    """Whether a state can take the frame in."""
    header, events = frame
    numbers = header.numbers[:1] + header.numbers[-1:]  # they increase
    return (
        _within(0, [header.shipper], SHIPPERS - 1)
        and _within(0, [header.day], LAST_DAY)
        and _within(-86_400, [header.offset], 86_400)
        and _within(0, numbers, WHOLE - 1)
        and _are_valid_events(events)
    )


def _are_valid_events(events: Sequence[AccessEvent]) -> bool:
    resources = [event.resource for event in events]
    tokens = [resource.document for resource in resources] + [resource.journal for resource in resources]
    return (
        _within(0, [event.time for event in events], LAST_TIME)
        and _within(-86_400, [event.offset for event in events], 86_400)
        and _within(-WHOLE, [event.status for event in events], WHOLE - 1)
        and _within(-WHOLE, [event.size for event in events], WHOLE - 1)
        and _within(-WHOLE, [resource.sequence for resource in resources], WHOLE - 1)
        and not "".join(tokens).strip(BASE32HEX)
        and max(map(len, tokens), default=0) <= TOKEN_LENGTH
    )


def _within(least: int, numbers: Sequence[int], most: int) -> bool:
    return not numbers or (least <= min(numbers) and max(numbers) <= most)
