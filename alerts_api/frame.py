"""What every page's layout needs."""

from alerts_api.detections import title_of
from alerts_api.records import Status
from alerts_api.room import Room


def frame(room: Room, status: Status, here: str) -> dict[str, object]:
    """The values that ``layout.html`` uses; ``here`` is the page's place in the navigation."""
    return {
        "status": status,
        "demo": room.demo,
        "here": here,
        "now": room.clock(),
        "detections": room.detections,
        "title_of": lambda name: title_of(name, room.detections),
    }
