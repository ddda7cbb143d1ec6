"""Scenes from simulated libraries: the way a site's log goes, from raw lines on."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import msgspec

from models.evaluation.records import Theft
from pseudonymiser.canonical import Canoniser
from pseudonymiser.geo import open_geo
from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.keys import Keys
from pseudonymiser.pseudonyms import Pseudonyms
from service.evaluation.exposure import Census
from service.evaluation.scenes import Scene, Writer, save
from service.records.events import AccessEvent
from service.simulator import SimulationSettings, simulate
from service.simulator.settings import zone
from service.simulator.truth import Truth

LOG_FORMAT = '%h %{ezproxy-session}i %u %t "%r" %s %b %{ezproxy-groups}i'
WARM_DAYS = 14  # no theft of a simulated world begins before
HEAVY = ("reviewer", "text-miner")  # user types whose work is to read more than anyone
LINES = 20_000  # read at once
SIMULATING = 0.6  # share of the time, for the progress

Progress = Callable[[float], None]


class Library(msgspec.Struct, frozen=True):
    """A world to be made."""

    profile: str
    seed: int
    accounts: int
    days: int
    start: str = "2026-09-01"  # local date of the first day

    @property
    def title(self) -> str:
        return f"{self.profile}, seed {self.seed}"

    def make(self, folder: Path, progress: Progress) -> None:
        """The scene, in the folder."""
        make_scene(self, folder, progress)


def make_scene(library: Library, folder: Path, progress: Progress) -> None:
    """Simulates the library into the folder and reads its log."""
    settings = SimulationSettings(
        seed=library.seed,
        accounts=library.accounts,
        days=library.days,
        start=library.start,
        profile=library.profile,
        log_format=LOG_FORMAT,
    )
    simulate(settings, folder, progress=lambda done, whole: progress(SIMULATING * done / whole))
    truth = msgspec.json.decode((folder / "truth.json").read_bytes(), type=Truth)
    # Nobody in a simulated world exists: a key that follows from the seed hides no one and repeats results.
    keys = Keys(hashlib.sha256(json.dumps(["journalguard evaluation", library.seed]).encode()).digest())
    geo = open_geo(folder / "city.mmdb", folder / "asn.mmdb", truth.campus)
    ingest = Ingest(
        IngestSettings(LOG_FORMAT, truth.timezone, campus=truth.campus, proxy_hosts=(truth.proxy_host,)),
        keys,
        geo,
    )
    census = _read(ingest, folder, progress)
    (folder / "access.log").unlink()
    save(folder, _scene(library, settings, truth, census, _teller(keys)))


def _read(ingest: Ingest, folder: Path, progress: Progress) -> Census:
    """The log through the ingest room into the scene's events."""
    census, path = Census(), folder / "access.log"
    size, done = max(path.stat().st_size, 1), 0
    with path.open("rb") as log, Writer(folder) as out:
        while raw := log.readlines(LINES * 160):
            lines = [line.rstrip(b"\n") for line in raw]
            outcomes = ingest.feed(lines, source="access.log")
            events = [outcome for outcome in outcomes if isinstance(outcome, AccessEvent)]
            out.write(events)
            census.see(event for event in events if event.account)
            done += sum(map(len, raw))
            progress(SIMULATING + (1 - SIMULATING) * done / size)
    return census


def _teller(keys: Keys) -> Callable[[str], str]:
    """From a name of the truth to its pseudonym."""
    canoniser, pseudonyms = Canoniser(()), Pseudonyms(keys)

    def tell(name: str) -> str:
        identity = canoniser.identify(name)
        return "" if identity is None else pseudonyms.user(identity)

    return tell


def _scene(
    library: Library,
    settings: SimulationSettings,
    truth: Truth,
    census: Census,
    tell: Callable[[str], str],
) -> Scene:
    days = census.account_days()
    types = {
        census.numbers[name]: reader.type
        for reader in truth.readers
        if (name := tell(reader.user)) in census.numbers
    }
    end = dt.datetime.fromisoformat(truth.start) + dt.timedelta(days=library.days)
    offset = end.replace(tzinfo=zone(settings)).utcoffset() or dt.timedelta()
    first = dt.date.fromisoformat(truth.start).toordinal() - dt.date(1970, 1, 1).toordinal()
    return Scene(
        title=library.title,
        offset=int(offset.total_seconds()),
        first_day=first,
        last_day=first + library.days - 1,
        warm_days=min(WARM_DAYS, library.days // 3),
        accounts=tuple(census.numbers),
        types=types,
        heavy={number: kind for number, kind in types.items() if kind in HEAVY},
        thefts=tuple(
            Theft(
                account=census.numbers[tell(theft.user)],
                family=theft.family,
                started_at=_seconds(theft.started_at),
                ended_at=_seconds(theft.ended_at),
                document_times=tuple(map(_seconds, theft.document_times)),
            )
            for theft in truth.thefts
        ),
        account_days=tuple((number, day, groups) for (number, day), groups in days.items()),
    )


def _seconds(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())
