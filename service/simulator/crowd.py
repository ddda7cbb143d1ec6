"""Lines without a person: a monitor that asks all day, scanners, and terminals that log in by address.

At a French university a fifth of all lines had no user, four fifths of those from one address, nearly all
302.
"""

import numpy as np

from service.simulator import catalogue
from service.simulator.geography import READER_HOSTS, Geography
from service.simulator.readers import BROWSERS
from service.simulator.requests import PROXY, Request, Visit, session_id

_PER_ACCOUNT = 0.75  # lines without a person in a day, for each account of the site
_PATHS = (
    "/",
    "/robots.txt",
    "/favicon.ico",
    "/login",
    "/wp-login.php",
    "/menu",
    "/.env",
    "/public/style.css",
)


def crowd_day(
    rng: np.random.Generator, geography: Geography, accounts: int, day: int, midnight: int
) -> list[Request]:
    """The day's lines that belong to no account. Unsorted."""
    lines = int(accounts * _PER_ACCOUNT)
    return [
        *_monitor(geography, lines * 8 // 10, midnight),
        *_scanners(rng, geography, lines * 17 // 100, midnight),
        *_terminals(rng, geography, lines * 3 // 1000 + 1, day, midnight),
    ]


def _monitor(geography: Geography, lines: int, midnight: int) -> list[Request]:
    """Asks the proxy's front page at even intervals."""
    visit = Visit("-", geography.campus.address(2, 9), "-", "check_http/v2.4", "-", geography.home)
    url = f"https://{PROXY}:443/login?url=https://www.example.com/"
    return [Request(midnight + number * 86400 // lines, visit, "GET", url, 302, 0) for number in range(lines)]


def _scanners(rng: np.random.Generator, geography: Geography, lines: int, midnight: int) -> list[Request]:
    hosting = geography.of("hosting") + geography.of("isp")
    requests = []
    for where, subnet, when, path in rng.random((lines, 4)).tolist():
        block = hosting[int(where * len(hosting))]
        address = block.address(int(subnet * block.subnets), 1 + int(subnet * 1e6) % READER_HOSTS)
        visit = Visit("-", address, "-", BROWSERS[int(path * len(BROWSERS))], "-", block.city.country)
        name = _PATHS[int(path * len(_PATHS))]
        found = name in ("/", "/login", "/menu", "/favicon.ico")
        url = f"https://{PROXY}:443{name}"
        requests.append(Request(midnight + int(when * 86399), visit, "GET", url, 200 if found else 404, 1500))
    return requests


def _terminals(
    rng: np.random.Generator, geography: Geography, sessions: int, day: int, midnight: int
) -> list[Request]:
    """Sessions opened by address (AutoLoginIP): the name EZproxy writes is no person's."""
    requests = []
    for number, (when, host, pick) in enumerate(rng.random((sessions, 3)).tolist()):
        address = geography.campus.address(3, 1 + int(host * 20))
        session = session_id(61, day, number)
        visit = Visit(f"auto-{address}", address, session, BROWSERS[0], "Default+AutoLogin", geography.home)
        found = catalogue.article(catalogue.readable(pick), when, host)
        start = midnight + 8 * 3600 + int(when * 36000)
        requests.append(Request(start, visit, "GET", catalogue.page_url(found), 200, 70_000))
        requests.append(
            Request(start + 25, visit, "GET", catalogue.pdf_url(found), 200, catalogue.size(found))
        )
    return requests
