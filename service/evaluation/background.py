"""Scenes from real logs with thefts laid over them: real readers, simulated thieves.

A theft is carried out as in a simulated library, written as lines of the log's own format and read like them;
then its account is replaced by a reader's of the log. No name is needed for that, only pseudonyms, and those
are made under a key that is thrown away.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from models.evaluation.records import DAY, Theft
from pseudonymiser.geo import open_geo
from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.keys import ROOT_BYTES, Keys
from service.base.errors import LogFileError
from service.evaluation.exposure import Census
from service.evaluation.intruders import Intruder, Victims, intrude
from service.evaluation.scenes import Scene, Writer, save
from service.records.checkpoints import Changes
from service.records.commands import Command
from service.records.events import AccessEvent
from service.records.identities import Link
from service.runtime.merge import line_clock
from service.runtime.replay import Planned, plan, replay
from service.runtime.runner import Runner
from service.simulator.databases import write_databases
from service.simulator.geography import Geography

WARM_DAYS = 14  # or a third of the log: no theft begins before
SURVEYING = 0.45  # share of the time, for the progress

Progress = Callable[[float], None]


class Databases(NamedTuple):
    """Location databases of the site; none for those that came with the installation."""

    city: Path | None
    asn: Path | None


class Background(msgspec.Struct, frozen=True):
    """Logs of one site, and one draw of thefts."""

    logs: tuple[Path, ...]
    settings: IngestSettings
    databases: Databases
    draw: int

    @property
    def title(self) -> str:
        return f"real logs, draw {self.draw + 1}"

    def make(self, folder: Path, progress: Progress) -> None:
        """The scene, in the folder. Raises ``LogFileError`` where no reader can be found in the logs."""
        keys = Keys(secrets.token_bytes(ROOT_BYTES))
        geography = Geography(self.draw, self.settings.timezone)
        survey = _Survey()
        self._read(keys, survey, lambda share: progress(SURVEYING * share))
        if not survey.census.numbers:
            raise LogFileError(
                f"{self.logs[0]}: no line names a reader; does log_format fit, and does %u hold names?"
            )
        write_databases(geography, folder, survey.last)
        intruders = intrude(
            self.draw, geography, survey.victims(), self.settings, self._thieves(keys, folder)
        )
        census = Census()
        with Writer(folder) as out:
            laid = _Laid(intruders, out, census)
            self._read(keys, laid, lambda share: progress(SURVEYING + (1 - SURVEYING) * share))
            laid.finish()
        save(folder, _scene(self.title, survey, census, intruders))

    def _read(self, keys: Keys, stages: "_Survey | _Laid", progress: Progress) -> None:
        geo = open_geo(self.databases.city, self.databases.asn, self.settings.campus)
        clock = line_clock(Ingest(self.settings, keys, geo))
        planned: Planned = plan(self.logs, clock)
        runner = Runner(Ingest(self.settings, keys, geo), stages)
        replay(planned, runner, clock, lambda reading: progress(reading.bytes / max(reading.size, 1)))

    def _thieves(self, keys: Keys, folder: Path) -> Ingest:
        """Reads the thieves' lines: what the site's databases know of networks, it knows of theirs."""
        asn = folder / "asn.mmdb" if self.databases.asn else None
        return Ingest(self.settings, keys, open_geo(folder / "city.mmdb", asn))


class _Stages:
    """What the reading of a log is handed to; nothing is kept of it but events."""

    def link(self, links: Iterable[Link]) -> None:
        """The keys are new: nobody was anybody before."""

    def apply(self, commands: Sequence[Command]) -> None:
        """No reader is in it whose rights could be asked for."""

    def absorb(self, events: Sequence[AccessEvent]) -> None:
        raise NotImplementedError

    def drain(self) -> Changes:
        return Changes()

    def restore(self, accounts: Iterable[tuple[str, bytes]], shared: Mapping[str, bytes]) -> None:
        """There is nothing to go on from."""

    @property
    def counters(self) -> Mapping[str, int]:
        return {}


class _Survey(_Stages):
    """Who is in the log, when, and where at home."""

    def __init__(self) -> None:
        self.census = Census()
        self.first = self.last = self.offset = 0
        self._spans: dict[tuple[int, int], tuple[int, int]] = {}  # account-day -> first and last line
        self._places: dict[int, dict[tuple[str, str], int]] = {}  # account -> (country, city) -> lines

    def absorb(self, events: Sequence[AccessEvent]) -> None:
        known = [event for event in events if event.account]
        self.census.see(known)
        for event in known:
            number = self.census.numbers[event.account]
            key = (number, (event.time + event.offset) // DAY)
            first, last = self._spans.get(key, (event.time, event.time))
            self._spans[key] = (min(first, event.time), max(last, event.time))
            places = self._places.setdefault(number, {})
            place = (event.place.country, event.place.city)
            places[place] = places.get(place, 0) + 1
            self.first = min(self.first or event.time, event.time)
            self.last, self.offset = max(self.last, event.time), event.offset

    def victims(self) -> Victims:
        homes = {number: max(sorted(seen), key=seen.__getitem__) for number, seen in self._places.items()}
        warm = self.first + min(WARM_DAYS * DAY, (self.last - self.first) // 3)
        return Victims(tuple(self.census.numbers), self._spans, homes, warm, self.last, self.offset)


class _Laid(_Stages):
    """The log's events with the thieves' among them, in order of time, into the scene."""

    def __init__(self, intruders: Sequence[Intruder], out: Writer, census: Census) -> None:
        self._out, self._census = out, census
        self._waiting = self._in_order(intruders)
        self._next = next(self._waiting, None)
        self._sessions: dict[str, str] = {}  # of victims whose session is carried off: newest
        self._carried = {one.account for one in intruders if one.theft.family == "hijacked"}

    @staticmethod
    def _in_order(intruders: Sequence[Intruder]) -> Iterator[tuple[AccessEvent, bool]]:
        events = [(event, one.theft.family == "hijacked") for one in intruders for event in one.events]
        return iter(sorted(events, key=lambda pair: pair[0].time))

    def absorb(self, events: Sequence[AccessEvent]) -> None:
        mixed: list[AccessEvent] = []
        for event in events:
            self._due(event.time, mixed)
            if event.account in self._carried and event.session:
                self._sessions[event.account] = event.session
            mixed.append(event)
        self._write(mixed)

    def finish(self) -> None:
        """What the thieves still did after the log's last line."""
        mixed: list[AccessEvent] = []
        self._due(1 << 40, mixed)
        self._write(mixed)

    def _due(self, time: int, mixed: list[AccessEvent]) -> None:
        while self._next is not None and self._next[0].time <= time:
            event, carried = self._next
            session = self._sessions.get(event.account) if carried else None
            mixed.append(msgspec.structs.replace(event, session=session) if session else event)
            self._next = next(self._waiting, None)

    def _write(self, events: Sequence[AccessEvent]) -> None:
        self._out.write(events)
        self._census.see(event for event in events if event.account)


def _scene(title: str, survey: _Survey, census: Census, intruders: Sequence[Intruder]) -> Scene:
    first, last = ((time + survey.offset) // DAY for time in (survey.first, survey.last))
    return Scene(
        title=title,
        offset=survey.offset,
        first_day=first,
        last_day=last,
        warm_days=min(WARM_DAYS, (last - first + 1) // 3),
        accounts=tuple(census.numbers),
        types=census.category,
        heavy={},
        thefts=tuple(
            Theft(
                account=census.numbers[one.account],
                family=one.theft.family,
                started_at=one.events[0].time,
                ended_at=one.events[-1].time,
                document_times=one.theft.document_times,
            )
            for one in intruders
        ),
        account_days=tuple((number, day, of) for (number, day), of in census.account_days().items()),
    )
