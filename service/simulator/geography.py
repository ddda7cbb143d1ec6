"""Who owns which addresses, and where: an invented internet that belongs to nobody.

Real addresses belong to real people and documentation ranges are too small for a world, so addresses come
from space that is assigned to no one: campus 198.18.0.0/16 (benchmarking, RFC 2544), everyone else
240.0.0.0/4 (class E, reserved, RFC 1112) and IPv6 2001:db8::/32 (documentation, RFC 3849). The MMDB files
written beside the log give these prefixes cities and owners. Cities are real, owners are invented.
"""

import ipaddress
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from service.simulator.cities import CITIES, City, home_country
from service.simulator.streams import Purpose, choose, stream

CAMPUS = "198.18.0.0/16"
_CLASS_E = 240 << 24
_SIX = 0x20010DB8 << 96
SUBNETS = 64  # /24 networks in a block
READER_HOSTS = (
    179  # readers live on .1 to .179 of a /24, thieves above: truth can tell them apart, networks cannot
)

_ROOTS = (
    "Northgate", "Bluefern", "Harrowmere", "Silverlark", "Tidewell", "Marlbrook", "Kestrelway",
    "Pinegrove", "Longmead", "Redwharf", "Fairhollow", "Brightmoor", "Stonebeck", "Ravensea", "Goldenfen",
    "Ashcombe", "Wintergate", "Foxdale", "Merrivale", "Halcyon", "Thornbury", "Larkspur", "Elderholt",
    "Dunmarrow", "Coldharbour", "Osprey Vale", "Greywater", "Sunhaven", "Millrace", "Oakfirth",
)  # fmt: skip
_ISP_SUFFIX = ("Broadband", "Telecom", "Fibre", "Cable", "Net", "Online", "Link")
_HOSTING = (
    ("Skyforge Hosting", ("Amsterdam", "Frankfurt", "Ashburn", "Singapore", "London")),
    ("Kestrel Cloud Servers", ("Ashburn", "San Francisco", "Dublin", "Tokyo", "Frankfurt", "Paris")),
    ("Palebridge Data Center", ("Moscow", "Amsterdam", "Bucharest", "Warsaw")),
    ("Quillon VPS", ("Helsinki", "Frankfurt", "Kyiv", "Warsaw")),
    ("Tundra Dedicated", ("Toronto", "Stockholm", "Prague", "Chicago")),
    ("Lotus Compute", ("Singapore", "Hong Kong", "Hanoi", "Jakarta", "Mumbai")),
    ("Vantor Limited", ("Moscow", "Istanbul", "Dubai", "Tehran")),  # the name does not tell
    ("Orrin Systems", ("Beijing", "Shanghai", "Hong Kong")),
)
_VPN = (
    ("Umbra VPN", ("London", "Amsterdam", "New York", "Zurich", "Singapore", "Frankfurt", "Paris", "Sydney")),
    ("Veilnet VPN", ("Stockholm", "London", "Chicago", "Tokyo", "Madrid", "Toronto", "Dublin")),
    ("Nightjar Privacy", ("Bucharest", "Amsterdam", "San Francisco", "Milan", "London", "Hong Kong")),
)


class Owner(NamedTuple):
    """A network owner."""

    name: str
    asn: int
    kind: str  # campus, isp, mobile, education, hosting, vpn


class Block(NamedTuple):
    """A /18 of one owner in one city; some also have an IPv6 /40."""

    owner: Owner
    city: City
    first: int  # first IPv4 address as a number
    six: int = 0  # first IPv6 address as a number; 0 = none
    subnets: int = SUBNETS

    def address(self, subnet: int, host: int) -> str:
        """IPv4 address in the block's subnet."""
        value = self.first + (subnet % self.subnets << 8) + host
        return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"

    def address6(self, subscriber: int, interface: int) -> str:
        """IPv6 address in the subscriber's /48 (of 256), with the interface's 64 bits."""
        return str(ipaddress.IPv6Address(self.six + (subscriber % 256 << 80) + interface))


class Blocks(tuple[Block, ...]):
    """Blocks to pick from, by the weight of their city."""

    def pick(self, uniform: float) -> Block:
        """One of them, by a uniform number in [0, 1)."""
        return self[choose(self._cumulative, uniform)]

    @cached_property
    def _cumulative(self) -> tuple[float, ...]:
        return tuple(accumulate(block.city.weight for block in self))


class Geography:
    """All blocks of a world, and the ways to pick one."""

    def __init__(self, seed: int, zone: str) -> None:
        self.home = home_country(zone)
        self._next, self._next_six = _CLASS_E, _SIX
        self._asn = 4_200_000_000  # private use, RFC 6996
        order = stream(seed, Purpose.GEOGRAPHY).permutation(len(_ROOTS) * len(_ISP_SUFFIX)).tolist()
        self._names = [f"{_ROOTS[n % len(_ROOTS)]} {_ISP_SUFFIX[n // len(_ROOTS)]}" for n in order]
        self.campus_city = next(city for city in CITIES if city.country == self.home)
        self.campus = Block(
            self._owner("University of Eastmarch", "campus"),
            self.campus_city,
            (198 << 24) + (18 << 16),
            0,
            256,
        )
        self.blocks = [self.campus, *self._access_networks(), *self._spread(_HOSTING, "hosting")]
        self.blocks += self._spread(_VPN, "vpn")
        self._index: dict[tuple[str, str], Blocks] = {}

    def of(self, kind: str, country: str = "") -> Blocks:
        """Blocks of a kind in a country, everywhere if no country is named."""
        return self._kept(kind, country, lambda block: country in (block.city.country, ""))

    def abroad(self, kind: str) -> Blocks:
        """Blocks of a kind outside the home country."""
        return self._kept(kind, "abroad", lambda block: block.city.country != self.home)

    def town(self, kind: str, city: str) -> Blocks:
        """Blocks of a kind in the city."""
        return self._kept(kind, f"town {city}", lambda block: block.city.name == city)

    def _kept(self, kind: str, where: str, fits: Callable[[Block], bool]) -> Blocks:
        """Chosen once for each kind and place."""
        if (kind, where) not in self._index:
            found = [block for block in self.blocks if block.owner.kind == kind and fits(block)]
            self._index[kind, where] = Blocks(found)
        return self._index[kind, where]

    def _owner(self, name: str, kind: str) -> Owner:
        self._asn += 1
        return Owner(name, self._asn, kind)

    def _block(self, owner: Owner, city: City, six: bool = False) -> Block:
        block = Block(owner, city, self._next, self._next_six if six else 0)
        self._next += SUBNETS << 8
        self._next_six += (1 << 88) if six else 0
        return block

    def _access_networks(self) -> list[Block]:
        """Households, telephones and universities of every country."""
        blocks = []
        for country in dict.fromkeys(city.country for city in CITIES):
            cities = [city for city in CITIES if city.country == country]
            for number in range(4 if country == self.home else 2):
                owner = self._owner(self._names.pop(), "isp")
                blocks += [self._block(owner, city, country == self.home and number < 2) for city in cities]
            mobile = self._owner(f"{self._names.pop().split()[0]} Mobile {country}", "mobile")
            blocks += [self._block(mobile, city) for city in cities[:2]]
            education = self._owner(f"{self._names.pop().split()[0]} University {country}", "education")
            blocks.append(self._block(education, cities[0]))
        return blocks

    def _spread(self, table: tuple[tuple[str, tuple[str, ...]], ...], kind: str) -> list[Block]:
        blocks = []
        for name, places in table:
            owner = self._owner(name, kind)
            blocks += [self._block(owner, city) for place in places for city in CITIES if city.name == place]
        return blocks
