"""A theft as it is carried out: the thief's addresses and sessions, what is asked for, what is got."""

from collections.abc import Sequence

import numpy as np

from service.simulator import catalogue
from service.simulator.catalogue import Article
from service.simulator.geography import READER_HOSTS, Block, Geography
from service.simulator.readers import BROWSERS, Reader
from service.simulator.requests import Request, Visit, arrived_from, download, session_id, sign_in

SCRIPTS = ("python-requests/2.32.3", "curl/8.14.1", "Go-http-client/2.0", "Java/21.0.7", "Wget/1.25.0")
_REFUSED = 0.03  # share of fetches that a publisher answers with an error
_DEAD = (404, 404, 599, 403)


class Heist:
    """Collects the requests of one theft; ``documents`` keeps when each document was first got."""

    def __init__(self, rng: np.random.Generator, number: int, victim: Reader, geography: Geography) -> None:
        self.rng, self.victim, self.geography = rng, victim, geography
        self.requests: list[Request] = []
        self.documents: dict[Article, int] = {}
        self.platforms = self._targets()
        self._number = number
        self._sessions = 0

    def uniform(self, low: float, high: float) -> float:
        """A uniform draw."""
        return float(self.rng.uniform(low, high))

    def between(self, low: int, high: int) -> int:
        """A whole number, small ones as likely as large ones in proportion (uniform in the logarithm)."""
        return round(float(np.exp(self.rng.uniform(np.log(low), np.log(high)))))

    def foreign(self) -> Block:
        """Mostly a hosting network abroad, sometimes a household or a VPN exit there."""
        draw = self.rng.random()
        return self._pick(self.geography.abroad("hosting" if draw < 0.7 else "isp" if draw < 0.9 else "vpn"))

    def domestic(self) -> Block:
        """A household in the victim's country."""
        return self._pick(self.geography.of("isp", self.victim.home.block.city.country))

    def nearby(self) -> Block:
        """A household in the victim's city."""
        return self._pick(self.geography.town("isp", self.victim.home.block.city.name))

    def anywhere(self) -> Block:
        """Abroad twice as often as at home."""
        return self.foreign() if self.rng.random() < 0.67 else self.domestic()

    def visit(self, block: Block, *, script: float = 0.0, session: str = "") -> Visit:
        """A new address in the block, a new session unless one is given, a script's agent by that chance."""
        host = READER_HOSTS + 1 + int(self.rng.integers(75))
        address = block.address(int(self.rng.integers(block.subnets)), host)
        agents = SCRIPTS if self.rng.random() < script else BROWSERS
        agent = agents[int(self.rng.integers(len(agents)))]
        if not session:
            self._sessions += 1
            session = session_id(67, self._number, self.victim.number, self._sessions)
        return self.victim.visit(address, block.city.country, session, agent)

    def login(self, time: float, visit: Visit) -> None:
        """The proxy's own lines but for the form, which names no user: all of a theft is the account's."""
        target = catalogue.host_url(self.platforms[0], "/")
        self.requests += sign_in(int(time), visit, target, int(self.rng.integers(1 << 40)))[1:]

    def take(self, time: float, visit: Visit, found: Article) -> bool:
        """Fetches the document, sometimes in vain; tells whether it was got."""
        refused, form, came = self.rng.random(3).tolist()
        if refused < _REFUSED:
            self.look(time, visit, catalogue.pdf_url(found), _DEAD[int(refused / _REFUSED * 4)])
            return False
        referer = "-" if visit.agent in SCRIPTS else arrived_from(catalogue.page_url(found), came)
        lines = download(int(time), visit, found, form, referer)
        self.requests += lines
        got = next(line.time for line in lines if line.status in (200, 206))
        self.documents[found] = min(got, self.documents.get(found, got))
        return True

    def look(self, time: float, visit: Visit, url: str, status: int = 200) -> None:
        """A page."""
        size = 45_000 if status == 200 else 0 if status == 599 else 900
        self.requests.append(Request(int(time), visit, "GET", url, status, size))

    def some(self) -> Article:
        """Any article of the theft's platforms."""
        pick, journal, age = self.rng.random(3).tolist()
        return catalogue.article(self.platforms[int(pick * len(self.platforms))], journal, age)

    def gaps(self, count: int, median: float, sigma: float) -> list[float]:
        """Seconds between documents; ``sigma`` 0.1 is a machine, 1 and more a person or a disguise."""
        drawn: list[float] = (median * np.exp(sigma * self.rng.standard_normal(count))).tolist()
        return drawn

    def run(self, start: float, visit: Visit, found: Sequence[Article], gaps: Sequence[float]) -> float:
        """Logs in and takes one document after another; gives the time after the last."""
        self.login(start, visit)
        time = start + 4
        for one, gap in zip(found, gaps, strict=True):
            self.take(time, visit, one)
            time += gap
        return time

    def _targets(self) -> tuple[int, ...]:
        """One to three platforms: popular ones, or those of the victim."""
        own = [publisher for publisher, _ in self.victim.tastes]
        draws = self.rng.random((int(self.rng.integers(1, 4)), 2)).tolist()
        return tuple(catalogue.readable(b) if a < 0.6 else own[int(b * len(own))] for a, b in draws)

    def _pick(self, blocks: Sequence[Block]) -> Block:
        return blocks[int(self.rng.integers(len(blocks)))]
