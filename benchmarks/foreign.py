"""Scenes from a simulator by other hands, which may lie beside the project; none of its code is in here.

It is run as a program: it writes logs, location databases and the truth into a folder, and these are read
like any site's. What it knows of readers and thieves stays unknown to the detector.
"""

import gzip
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from models.evaluation.records import DAY, GRACE, Theft
from pseudonymiser.canonical import Canoniser
from pseudonymiser.geo import open_geo
from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.keys import Keys
from pseudonymiser.pseudonyms import Pseudonyms
from service.evaluation.exposure import Census
from service.evaluation.scenes import Scene, Writer, save
from service.records.events import AccessEvent

SIMULATOR = Path("../shared")  # the folder that holds the package `worlds`
AFTER = (
    2 * 3600
)  # s after a theft's last line in which an alert still finds it, by that simulator's own scorer
LINES = 20_000
SIMULATING = 0.4  # share of the time, for the progress


class Incident(msgspec.Struct, frozen=True):
    """A theft, as the truth tells it."""

    type: str
    user: str
    start: float
    end: float
    doc_times: tuple[float, ...]


class Cohort(msgspec.Struct, frozen=True):
    """A reader, as the truth tells of them."""

    cohort: str


class Truth(msgspec.Struct, frozen=True):
    """What is used of the whole file."""

    log_format: str
    timezone: str
    realm: str
    proxy_host: str
    start: float
    scored_from: float
    incidents: tuple[Incident, ...]
    users: dict[str, Cohort]


class Foreign(msgspec.Struct, frozen=True):
    """A world to be made."""

    profile: str
    seed: int
    accounts: int
    days: int
    simulator: Path = SIMULATOR

    @property
    def title(self) -> str:
        return f"foreign {self.profile}, seed {self.seed}"

    def make(self, folder: Path, progress: Callable[[float], None]) -> None:
        """The scene, in the folder."""
        told = f"--seed {self.seed} --profile {self.profile} --accounts {self.accounts} --days {self.days}"
        command = [sys.executable, "-m", "worlds", str(folder.resolve()), *told.split()]
        subprocess.run(command, cwd=self.simulator, check=True, stdout=subprocess.DEVNULL)
        progress(SIMULATING)
        truth = msgspec.json.decode((folder / "truth.json").read_bytes(), type=Truth)
        keys = Keys(hashlib.sha256(f"journalguard foreign world {self.seed}".encode()).digest())
        settings = IngestSettings(
            truth.log_format, truth.timezone, home_realms=(truth.realm,), proxy_hosts=(truth.proxy_host,)
        )
        ingest = Ingest(settings, keys, open_geo(folder / "city.mmdb", folder / "asn.mmdb", ()))
        census, offset = Census(), 0
        logs = sorted((folder / "logs").glob("*.gz"))
        with Writer(folder) as out:
            for number, log in enumerate(logs, 1):
                for events in _events(ingest, log):
                    out.write(events)
                    census.see(event for event in events if event.account)
                    offset = events[-1].offset if events else offset
                log.unlink()
                progress(SIMULATING + (1 - SIMULATING) * number / len(logs))
        save(folder, self._scene(truth, census, offset, Teller(keys, truth.realm)))

    def _scene(self, truth: Truth, census: Census, offset: int, tell: "Teller") -> Scene:
        first = int(truth.start + offset + DAY // 2) // DAY
        types = {
            census.numbers[name]: reader.cohort
            for user, reader in truth.users.items()
            if (name := tell(user)) in census.numbers
        }
        return Scene(
            title=self.title,
            offset=offset,
            first_day=first,
            last_day=first + self.days - 1,
            warm_days=round((truth.scored_from - truth.start) / DAY),
            accounts=tuple(census.numbers),
            types=types,
            heavy={},
            thefts=tuple(
                Theft(
                    account=census.numbers[tell(one.user)],
                    family=one.type,
                    started_at=int(one.start),
                    ended_at=int(one.end) + AFTER - GRACE,  # with the figures' own grace: two hours
                    document_times=tuple(map(int, one.doc_times)),
                )
                for one in truth.incidents
            ),
            account_days=tuple((number, day, of) for (number, day), of in census.account_days().items()),
        )


class Teller:
    """From a name of the truth to its pseudonym."""

    def __init__(self, keys: Keys, realm: str) -> None:
        self._canoniser, self._pseudonyms = Canoniser((realm,)), Pseudonyms(keys)

    def __call__(self, name: str) -> str:
        identity = self._canoniser.identify(name)
        return "" if identity is None else self._pseudonyms.user(identity)


def _events(ingest: Ingest, log: Path) -> Iterator[list[AccessEvent]]:
    lines = gzip.decompress(log.read_bytes()).splitlines()
    for at in range(0, len(lines), LINES):
        outcomes = ingest.feed(lines[at : at + LINES], source=log.name)
        yield [outcome for outcome in outcomes if isinstance(outcome, AccessEvent)]
