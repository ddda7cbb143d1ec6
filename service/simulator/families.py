"""The families of theft, each with its own dials drawn at random.

``FAMILIES`` maps a name to the function that carries it out from a start time in s UTC.
"""

from collections.abc import Callable
from itertools import accumulate
from types import MappingProxyType

from service.simulator import catalogue
from service.simulator.catalogue import Article
from service.simulator.heist import Heist
from service.simulator.publishers import PUBLISHERS
from service.simulator.requests import Visit
from service.simulator.rhythm import second_of_day

HOUR, DAY = 3600, 86400


def burst(heist: Heist, start: int) -> None:
    """A script that takes what it can within minutes or hours."""
    time, median, sigma = float(start), heist.uniform(1.2, 9), heist.uniform(0.05, 0.8)
    for _ in range(1 + int(heist.rng.integers(3))):
        count = heist.between(60, 260)
        visit = heist.visit(heist.foreign(), script=0.6)
        found = [heist.some() for _ in range(count)]
        time = heist.run(time, visit, found, heist.gaps(count, median, sigma)) + heist.uniform(60, 2 * HOUR)


def drip(heist: Heist, start: int) -> None:
    """5 to 20 documents an hour, for hours on each of several days."""
    rate, sigma, block = heist.uniform(5, 20), heist.uniform(0.1, 1.0), heist.anywhere()
    for day in range(1 + int(heist.rng.integers(1, 5))):
        count = int(rate * heist.uniform(8, 22))
        visit = heist.visit(block, script=0.3)
        found = [heist.some() for _ in range(count)]
        heist.run(start + day * DAY, visit, found, heist.gaps(count, HOUR / rate * 0.85, sigma))


def shared(heist: Heist, start: int) -> None:
    """Sold on: several people in several countries, each reading a little, at the same time."""
    length = heist.uniform(0.7, 3.0) * DAY
    for _ in range(4 + int(heist.rng.integers(8))):
        block = heist.anywhere()
        for _ in range(1 + int(heist.rng.integers(3))):
            count = heist.between(3, 22)
            found = [_buyers(heist) for _ in range(count)]
            begin = start + heist.uniform(0, length)
            heist.run(begin, heist.visit(block), found, heist.gaps(count, heist.uniform(25, 150), 1.0))


def testing(heist: Heist, start: int) -> None:
    """Tries what the account opens: many platforms, many errors, few documents."""
    time = float(start)
    for _ in range(1 + int(heist.rng.integers(3))):
        visit = heist.visit(heist.foreign(), script=0.3)
        heist.login(time, visit)
        errors = heist.uniform(0.2, 0.5)
        for publisher in heist.rng.permutation(len(PUBLISHERS)).tolist()[: 12 + int(heist.rng.integers(14))]:
            time = _probe(heist, time + heist.uniform(5, 60), visit, publisher, errors)
        time += heist.uniform(1, 9) * HOUR


def residential(heist: Heist, start: int) -> None:
    """Through households of the victim's own country, a new address every few documents."""
    time, median = float(start), heist.uniform(12, 180)
    for _ in range(heist.between(15, 60)):
        count = 2 + int(heist.rng.integers(6))
        found = [heist.some() for _ in range(count)]
        time = heist.run(time, heist.visit(heist.domestic()), found, heist.gaps(count, median, 0.9))


def hijacked(heist: Heist, start: int, session: str = "") -> None:
    """The victim's session cookie, used from another network while the victim reads."""
    visit = heist.visit(heist.anywhere(), script=0.3, session=session)
    count, median = heist.between(40, 260), heist.uniform(4, 60)
    times = accumulate(heist.gaps(count, median, heist.uniform(0.1, 0.9)), initial=float(start))
    for time, _ in zip(times, range(count), strict=False):
        heist.take(time, visit, heist.some())


def dormant(heist: Heist, start: int) -> None:
    """An account asleep for weeks, harvested within a day."""
    time, block = float(start), heist.anywhere()
    median, sigma = heist.uniform(8, 160), heist.uniform(0.1, 1.0)
    for _ in range(1 + int(heist.rng.integers(3))):
        count = heist.between(30, 130)
        found = [heist.some() for _ in range(count)]
        visit = heist.visit(block, script=0.3)
        time = heist.run(time, visit, found, heist.gaps(count, median, sigma)) + heist.uniform(0.1, 2) * HOUR


def ramp(heist: Heist, start: int) -> None:
    """Begins like a reader and grows by 15 % a day."""
    block, amount = heist.anywhere(), heist.uniform(4, 9)
    for day in range(12 + int(heist.rng.integers(14))):
        count = max(1, round(amount))
        found = [heist.some() for _ in range(count)]
        begin = start + day * DAY + heist.uniform(-2, 2) * HOUR * (day > 0)
        heist.run(begin, heist.visit(block), found, heist.gaps(count, heist.uniform(20, 150), 0.9))
        amount *= 1.15


def mimic(heist: Heist, start: int) -> None:
    """Low and careful: the victim's city, journals and hours."""
    block, evening = heist.nearby(), start % DAY
    for day in range(3 + int(heist.rng.integers(6))):
        hour, second = heist.rng.random(2).tolist()
        begin = start - evening + day * DAY + second_of_day(hour, second, 0)
        visit = heist.visit(block)
        time = float(begin if day else max(begin, start))
        heist.login(time, visit)
        for _ in range(heist.between(6, 20)):
            found = _favourite(heist)
            if heist.take(time + 20, visit, found):
                heist.look(time + 5, visit, catalogue.page_url(found))
            time += 25 + heist.gaps(1, 90, 1.1)[0]


def sweep(heist: Heist, start: int) -> None:
    """Empties journals in order, oldest or newest first."""
    time, visit = float(start), heist.visit(heist.foreign(), script=0.5)
    median, sigma = heist.uniform(2, 30), heist.uniform(0.05, 0.6)
    for _ in range(1 + int(heist.rng.integers(3))):
        first = heist.some()
        step = 1 if heist.rng.random() < 0.5 else -1
        room = catalogue.journal_length(first.publisher, first.journal)
        count = min(heist.between(60, 220), room)
        found = [first._replace(ordinal=(first.ordinal + step * number) % room) for number in range(count)]
        time = heist.run(time, visit, found, heist.gaps(count, median, sigma)) + 60


def scihub(heist: Heist, start: int) -> None:
    """Fetches what others ask for: any publisher, each article once."""
    visit, mean = heist.visit(heist.foreign(), script=0.4), heist.uniform(30, 260)
    wanted: dict[Article, None] = {}
    for pick, journal, age in heist.rng.random((heist.between(70, 320), 3)).tolist():
        wanted[catalogue.article(catalogue.readable(pick), journal, age)] = None
    heist.run(start, visit, list(wanted), heist.rng.exponential(mean, len(wanted)).tolist())


FAMILIES: MappingProxyType[str, Callable[[Heist, int], None]] = MappingProxyType(
    {
        "burst": burst, "drip": drip, "shared": shared, "testing": testing, "residential": residential,
        "hijacked": hijacked, "dormant": dormant, "ramp": ramp, "mimic": mimic, "sweep": sweep,
        "scihub": scihub,
    }
)  # fmt: skip


def _buyers(heist: Heist) -> Article:
    pick, journal, age = heist.rng.random(3).tolist()
    return catalogue.article(catalogue.readable(pick), journal, age)


def _favourite(heist: Heist) -> Article:
    pick, age = heist.rng.random(2).tolist()
    tastes = heist.victim.tastes
    return catalogue.in_journal(*tastes[int(pick * len(tastes))], age)


def _probe(heist: Heist, time: float, visit: Visit, publisher: int, errors: float) -> float:
    """A platform's front door, a search, perhaps a document."""
    for part in range(2 + int(heist.rng.integers(4))):
        failed = heist.rng.random() < errors
        url = catalogue.search_url(publisher, part) if part else catalogue.host_url(publisher, "/")
        heist.look(time, visit, url, (404, 599)[part % 2] if failed else 200)
        time += heist.uniform(1, 12)
    if heist.rng.random() < 0.25 and PUBLISHERS[publisher].pdf:
        heist.take(time, visit, catalogue.article(publisher, heist.uniform(0, 1), heist.uniform(0, 1)))
    return time
