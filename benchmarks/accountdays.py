"""Account-days of a scene with what simple detectors look at, and the alerts they would raise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.evaluation.records import DAY, RaisedAlert
from service.evaluation.scenes import Scene, read_events
from service.records.events import READING, AccessEvent

REST = 3  # days after an alert in which an account raises no other, as ours


@dataclass(slots=True)
class Doings:
    """Of one account on one day, growing while its lines come."""

    documents: set[str] = field(default_factory=set)
    countries: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    platforms: set[str] = field(default_factory=set)
    requests: int = 0
    megabytes: float = 0.0

    def take(self, event: AccessEvent) -> bool:
        """True if the line brought a document."""
        self.requests += 1
        self.megabytes += max(event.size, 0) / 1e6
        self.addresses.add(event.address)
        self.platforms.add(event.resource.platform)
        if event.place.country:
            self.countries.add(event.place.country)
        read = event.resource.kind in READING and event.status in {200, 206} and event.method == "GET"
        before = len(self.documents)
        if read and event.resource.document:
            self.documents.add(event.resource.document)
        return len(self.documents) > before


def walk(folder: Path, scene: Scene) -> Iterator[tuple[int, int, AccessEvent, Doings, bool]]:
    """Every line of an account: its number, local day, the line, the day so far, whether a document came."""
    numbers = {account: number for number, account in enumerate(scene.accounts)}
    days: dict[tuple[int, int], Doings] = {}
    for events in read_events(folder):
        for event in events:
            if event.account:
                number, day = numbers[event.account], (event.time + event.offset) // DAY
                doings = days.setdefault((number, day), Doings())
                yield number, day, event, doings, doings.take(event)


def alerts_of(firsts: Mapping[tuple[int, int], int]) -> tuple[RaisedAlert, ...]:
    """From the first moment above a threshold on each account-day to alerts: an account rests after one."""
    alerts: list[RaisedAlert] = []
    newest: dict[int, int] = {}
    for (number, day), time in sorted(firsts.items(), key=lambda item: item[1]):
        if day - newest.get(number, -99) > REST:
            alerts.append(RaisedAlert(number, time, 0.0, 0.0))
        newest[number] = day
    return tuple(alerts)


def late(alerts: Sequence[RaisedAlert], scene: Scene) -> float:
    """Alerts a day after the warm-up."""
    first = scene.first_day + scene.warm_days
    counted = sum((alert.opened_at + scene.offset) // DAY >= first for alert in alerts)
    return counted / (scene.last_day - first + 1)
