"""What one reader does on one day: sessions, pages, documents, and all that inflates a log around them.

Targets, measured at a French consortium and a French university: documents of an account-day p50 1, p95 14,
p99 29; 94 % of sessions from one address; errors under 1 %; keep-alive polls every 60 s. Pages and assets are
fewer than in life (median 15 lines of an account-day, not 170), so that a world is not ten times as large for
lines that mean nothing.
"""

import numpy as np

from service.simulator import catalogue
from service.simulator.catalogue import Article
from service.simulator.readers import AccessPoint, Reader
from service.simulator.requests import Request, Visit, arrived_from, download, session_id, sign_in
from service.simulator.rhythm import second_of_day
from service.simulator.streams import lognormal, mix

POLL_EVERY = 60
_LONGEST_GAP = 2400.0
# Status of a page by a uniform draw: the first whose edge the draw is above, else 200.
_ODD = ((500, 0.998), (404, 0.982), (204, 0.975), (302, 0.93), (304, 0.90))


def account_day(rng: np.random.Generator, reader: Reader, day: int, midnight: int) -> list[Request]:
    """All requests of the sessions that begin on the day, unsorted; ``midnight`` is its start in s UTC."""
    documents = documents_of_day(rng, reader)
    sessions = _session_count(rng, reader, documents)
    shares = rng.multinomial(documents, np.full(sessions, 1.0 / sessions)).tolist()
    requests: list[Request] = []
    for number, share in enumerate(shares):
        hour, second = rng.random(2).tolist()
        start = midnight + second_of_day(hour, second, reader.shift)
        walk = _Walk(rng, reader, _visits(rng, reader, day, number), start, share)
        requests += _session(walk, mix(reader.number, day, number), share)
    return requests


def documents_of_day(rng: np.random.Generator, reader: Reader) -> int:
    """How many documents the reader takes on the day: heavy-tailed, with the bursts of reviews."""
    draws = rng.random(2).tolist()
    normal = float(rng.standard_normal())
    if reader.kind.name == "text-miner":
        return int(lognormal(150 * reader.appetite, 0.35, normal))
    if reader.kind.name == "reviewer" and draws[0] < 0.10:
        return 60 + int(140 * draws[1])
    if reader.kind.name == "walk-in":
        return int(lognormal(10 * reader.appetite, 0.8, normal))
    if "endnote" in reader.traits and draws[0] < 0.06:
        return 15 + int(35 * draws[1])
    return int(lognormal(reader.appetite * 1.5, 1.15, normal))


def _session_count(rng: np.random.Generator, reader: Reader, documents: int) -> int:
    if reader.kind.name == "walk-in":
        return 2 + int(rng.poisson(6))
    extra = 0.25 + 0.01 * min(documents, 60) + 3.0 * ("always-on" in reader.traits)
    return 1 + min(int(rng.poisson(extra)), 9)


def _session(walk: "_Walk", number: int, documents: int) -> list[Request]:
    """One session: a login, then searching, reading, downloading; sometimes a page is left open."""
    rng = walk.rng
    walk.login(number)
    walk.browse(1 + int(rng.poisson(1.8 + 0.2 * min(documents, 20))))
    for _ in range(documents):
        walk.document()
    if rng.random() < 0.05:
        walk.polls(int(rng.integers(3, 40)))
    return walk.requests


def _visits(rng: np.random.Generator, reader: Reader, day: int, number: int) -> tuple[Visit, ...]:
    """The session from its address; and, in one of sixteen, from the address it moves to."""
    draws = rng.random(4).tolist()
    session = session_id(reader.number, day, number)
    agent = reader.agents[int(draws[0] * len(reader.agents))]
    capitals = reader.number % 97 == 5 and draws[3] > 0.7  # some type their name so, now and then
    user = reader.user.upper() if capitals else reader.user
    visits = []
    for haunt in _route(reader, day, draws[1], draws[2]):
        visit = reader.visit(haunt.address(day, number), haunt.block.city.country, session, agent)
        visits.append(visit._replace(user=user))
    return tuple(visits)


def _route(reader: Reader, day: int, where: float, moves: float) -> list[AccessPoint]:
    """Where the session is used from, in order."""
    away = next((trip for trip in reader.trips if trip.first <= day <= trip.last), None)
    base = away.haunt if away else reader.campus if where < reader.campus_share else reader.home
    if reader.vpn and mix(reader.number, day, 5) % 10 < 5:
        exit_number = 0 if mix(reader.number, day, 7) % 10 < 7 else int(where * len(reader.vpn))
        base = reader.vpn[exit_number]
    if "mobile" in reader.traits and not away and moves < 0.3:
        return [base, reader.telephone] if moves < 0.2 else [reader.telephone]
    if moves > 0.95 and reader.kind.name != "walk-in":
        return [base, reader.home if base is not reader.home else reader.telephone]
    return [base]


class _Walk:
    """A session as it goes on: the time, and the requests so far."""

    def __init__(
        self, rng: np.random.Generator, reader: Reader, visits: tuple[Visit, ...], start: int, documents: int
    ) -> None:
        self.rng, self.reader, self.visits = rng, reader, visits
        self.time = float(start)
        self.requests: list[Request] = []
        self.left = documents + 1
        self.pace = self._pace(documents)
        self.turn = (documents + 1) // 2

    def _pace(self, documents: int) -> float:
        """Median seconds between documents: unhurried for a few, quicker for many, seconds for tools."""
        if self.reader.kind.name == "text-miner":
            return 25.0
        if "endnote" in self.reader.traits and documents >= 12:
            return 2.0
        return 110.0 if documents < 8 else 45.0 if documents < 40 else 28.0

    @property
    def visit(self) -> Visit:
        """The visit now: the second one after half of the documents."""
        return self.visits[-1] if self.left <= self.turn else self.visits[0]

    def login(self, number: int) -> None:
        """Three lines of the proxy itself."""
        target = catalogue.host_url(self.reader.tastes[0][0], "/")
        self.requests += sign_in(int(self.time), self.visit, target, number)
        self.time += 4

    def browse(self, pages: int) -> None:
        """Search results and contents with the assets they load."""
        for kind, gap, pick, assets in self.rng.random((pages, 4)).tolist():
            self.time += 4 + 50 * gap
            draw = int(pick * 1e9)
            publisher = self._platform(pick) if kind < 0.85 else catalogue.platform(gap)
            url = catalogue.search_url(publisher, draw)
            if kind < 0.25:
                url = catalogue.contents_url(catalogue.article(publisher, pick, gap))
            status = next((code for code, edge in _ODD if kind > edge), 200)
            self._add(url, status, 20_000 + draw % 60_000 if status == 200 else 0)
            self._assets(publisher, draw, int(assets * 5), url)

    def document(self) -> None:
        """An article: its page most times, then the PDF or the full text."""
        self.left -= 1
        normal, page, form, pick, recency, html, assets = (*self.rng.standard_normal(1), *self.rng.random(6))
        self.time += min(lognormal(self.pace, 1.2, float(normal)), _LONGEST_GAP)
        found = self._article(float(pick), float(recency))
        url = catalogue.page_url(found)
        if page < 0.6 and self.pace > 26:
            self._add(url, 200, 60_000 + int(pick * 90_000))
            self._assets(found.publisher, int(pick * 1e9), int(assets * 5), url)
            self.time += 3 + 20 * float(html)
        if html > 0.93:
            self._add(catalogue.html_url(found), 200, 190_000 + int(pick * 90_000), url)
            return
        came = arrived_from(url, float(assets))
        self.requests += download(int(self.time), self.visit, found, float(form), came)
        if 0.60 < form < 0.62:  # looked at again
            self._add(catalogue.pdf_url(found), 304, 0, url)

    def polls(self, count: int) -> None:
        """Keep-alive requests of a page left open."""
        publisher = self._platform(0.3)
        for number in range(count):
            self.time += POLL_EVERY
            self._add(catalogue.poll_url(publisher, number), 200, 43)

    def _add(self, url: str, status: int, size: int, referer: str = "-") -> None:
        self.requests.append(Request(int(self.time), self.visit, "GET", url, status, size, referer))

    def _assets(self, publisher: int, number: int, count: int, referer: str) -> None:
        for part in range(count):
            status = 304 if (number + part) % 11 == 0 else 200
            self._add(
                catalogue.asset_url(publisher, number + 7 * part),
                status,
                0 if status == 304 else 9000,
                referer,
            )

    def _platform(self, uniform: float) -> int:
        return self.reader.tastes[int(len(self.reader.tastes) * uniform**1.7)][0]

    def _article(self, pick: float, recency: float) -> Article:
        """Three of four from the favourite journals."""
        if pick < 0.75:
            tastes = self.reader.tastes
            publisher, journal = tastes[int(len(tastes) * (pick / 0.75) ** 1.7)]
            return catalogue.in_journal(publisher, journal, recency)
        uniform = (pick - 0.75) * 4
        return catalogue.article(catalogue.readable(uniform), uniform * 7 % 1, recency)
