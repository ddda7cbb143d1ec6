"""What the tests of the ingest room share: keys that are no secret, places, lines."""

from pathlib import Path
from typing import ClassVar

import pytest

from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.keys import Keys
from pseudonymiser.pseudonyms import Address
from service.records.events import AccessEvent, Location, NetworkKind, Rejected

COMMON = '%h %l %u %t "%r" %s %b'
KEYS = Keys(bytes(range(32)))
REAL = Path(__file__).parents[3] / "shared" / "data" / "ezproxy"

needs_real_logs = pytest.mark.skipif(not REAL.is_dir(), reason="no real logs beside the checkout")


class TableGeo:
    """Places of three networks; everything else is nowhere."""

    places: ClassVar = {
        "192.0.2": Location("GB", "London", 51.5, -0.1, "Example University", NetworkKind.EDUCATION),
        "198.51.100": Location("FR", "Lyon", 45.8, 4.8, "Example Telecom", NetworkKind.ISP),
        "203.0.113": Location("VN", "Hanoi", 21.0, 105.8, "Example Hosting", NetworkKind.HOSTING),
    }

    def place(self, address: Address) -> Location:
        return self.places.get(address.compressed.rpartition(".")[0], Location())


def ingest(log_format: str = COMMON, **settings: object) -> Ingest:
    """An ingest room of a site in London, its own realm ``example.ac.uk``."""
    values: dict[str, object] = {
        "timezone": "Europe/London",
        "home_realms": ("example.ac.uk", "EXAMPLE"),
        "proxy_hosts": ("ezproxy.example.ac.uk",),
    }
    return Ingest(IngestSettings(log_format=log_format, **{**values, **settings}), KEYS, TableGeo())  # type: ignore[arg-type]  # settings by name


def line(
    url: str = "https://www.nature.com/articles/s41586-020-0001-1",
    *,
    user: str = "asmith",
    host: str = "192.0.2.7",
    when: str = "[30/Nov/2025:12:00:00 +0000]",
    method: str = "GET",
    status: int = 200,
    size: str = "1000",
) -> bytes:
    """One line of the common format."""
    return f'{host} - {user} {when} "{method} {url} HTTP/1.1" {status} {size}'.encode()


def events(room: Ingest, *lines: bytes, audit: bool = False) -> list[AccessEvent]:
    """Events of lines that must all be accepted."""
    accepted = []
    for result in room.feed(lines, source="test.log", audit=audit):
        assert isinstance(result, AccessEvent), result
        accepted.append(result)
    return accepted


def event(room: Ingest, text: bytes, *, audit: bool = False) -> AccessEvent:
    return events(room, text, audit=audit)[0]


def reasons(room: Ingest, *lines: bytes, audit: bool = False) -> list[str]:
    """Reasons of rejected lines; "" for accepted ones."""
    fed = room.feed(lines, source="test.log", audit=audit)
    return [result.reason if isinstance(result, Rejected) else "" for result in fed]
