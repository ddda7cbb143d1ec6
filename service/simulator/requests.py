"""One request of a reader, before it is written as a line; and the ways a document is fetched."""

from operator import itemgetter
from typing import NamedTuple

from service.simulator import catalogue
from service.simulator.catalogue import Article
from service.simulator.streams import mix

PROXY = "ezproxy.example.ac.uk"
_SESSION_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Visit(NamedTuple):
    """What all requests of one session from one address share."""

    user: str  # "-" where nobody is logged in
    address: str
    session: str
    agent: str
    groups: str
    country: str


class Request(NamedTuple):
    """One line to be."""

    time: int  # s UTC
    visit: Visit
    method: str
    url: str
    status: int
    size: int
    referer: str = "-"


by_time = itemgetter(0)


def session_id(*parts: int) -> str:
    """15 letters and digits, as EZproxy makes them."""
    number = mix(23, *parts) << 64 | mix(29, *parts)
    letters = []
    for _ in range(15):
        number, rest = divmod(number, 62)
        letters.append(_SESSION_LETTERS[rest])
    return "".join(letters)


def sign_in(time: int, visit: Visit, target: str, number: int) -> list[Request]:
    """The proxy's own lines of a login: form, ticket, connect."""
    ticket = f"{mix(31, number):016x}{mix(37, number):016x}"
    host = f"https://{PROXY}:443"
    entered = f"{host}/login?user={visit.user}&ticket={ticket}$u{time}$gDefault&url={target}"
    return [
        Request(time, visit._replace(user="-", session="-"), "GET", f"{host}/login?url={target}", 200, 4120),
        Request(time + 1, visit, "GET", entered, 302, 0),
        Request(time + 2, visit, "GET", f"{host}/connect?session=s{visit.session}&url={target}", 302, 0),
    ]


def arrived_from(page: str, uniform: float) -> str:
    """Where a reader came from: the article's page, nowhere, a search engine, the library's own search."""
    if uniform < 0.75:
        return page if uniform < 0.5 else "-"
    return "https://scholar.google.com/" if uniform < 0.9 else "https://discovery.example.ac.uk/"


def download(time: int, visit: Visit, found: Article, form: float, referer: str = "-") -> list[Request]:
    """The lines of one PDF; ``form``, uniform in [0, 1), decides between whole, ranges, and repeats.

    Half a dozen shapes inflate a count of requests but not of documents: ranges (206), the same second twice,
    a HEAD before, a 302 in between.
    """
    url, size = catalogue.pdf_url(found), catalogue.size(found)
    whole = Request(time, visit, "GET", url, 200, size, referer)
    if form < 0.80:
        return [whole]
    if form < 0.93:
        pieces = 2 + int((form - 0.80) / 0.13 * 9)
        step = Request(time, visit, "GET", url, 206, size // pieces, referer)
        return [step._replace(time=time + number // 3) for number in range(pieces)]
    if form < 0.96:
        return [whole, whole]
    if form < 0.98:
        return [whole._replace(method="HEAD", status=906, size=0), whole._replace(time=time + 1)]
    return [whole._replace(status=302, size=0), whole._replace(time=time + 1)]
