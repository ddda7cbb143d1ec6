"""Where an address is and whose network it is, from local databases only; never a network call.

Databases in MaxMind's MMDB format with the fields of GeoLite2-City and GeoLite2-ASN
(https://dev.maxmind.com/geoip/docs/databases), DB-IP and IPinfo: ``country.iso_code``, ``city.names.en``,
``location.latitude``, ``autonomous_system_organization``, ``traits``. The operator's own come first, then
those of :mod:`pseudonymiser.geodata`, then "unknown".
"""

import ipaddress
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import maxminddb
import msgspec

from pseudonymiser.bounded_cache import BoundedCache
from pseudonymiser.errors import GeoFileError, NetworkError
from pseudonymiser.geodata import Databases, unpack_installed
from pseudonymiser.pseudonyms import Address
from service.records.events import Location, NetworkKind

_NOWHERE = Location()

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Networks:
    """Networks by their first and last numbers: looked at for every new address."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for network in networks:
            span = int(network.network_address), int(network.broadcast_address)
            self._spans[network.version].append(span)

    def __contains__(self, address: Address) -> bool:
        number = int(address)
        return any(first <= number <= last for first, last in self._spans[address.version])


# Addresses that are nowhere in particular (RFC 1918, 6598, 4193, loopback and link-local). The documentation
# ranges are left to the databases: simulations and tests live in them.
_PRIVATE = Networks(
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
)


class Edition(NamedTuple):
    """Which database is in use."""

    kind: str  # "city" or "asn"
    name: str  # as it calls itself
    built_at: int  # s UTC
    own: bool  # the operator's, not the installation's


class GeoProvider(Protocol):
    """Places of addresses."""

    def place(self, address: Address) -> Location: ...


def open_geo(
    city: Path | None, asn: Path | None, campus: tuple[str, ...] = (), *, unpack_into: Path | None = None
) -> "LocalGeo":
    """Open the operator's databases.

    Args:
        campus: the site's networks in CIDR.
        unpack_into: folder for those that the installation brings, for what the operator has none of;
            ``None``: these are not used.

    Raises:
        GeoFileError: a database that was named is missing or corrupt.
        NetworkError: a campus network that is not one.
    """
    networks = campus_networks(campus)
    wanted = unpack_into is not None and not (city and asn)
    installed = unpack_installed(unpack_into) if wanted and unpack_into else Databases()
    chosen = (("city", city, installed.city), ("asn", asn, installed.asn))
    readers, editions = [], []
    for kind, own, shipped in chosen:
        if path := own or shipped:
            reader = _open(path)
            told = reader.metadata()
            readers.append(reader)
            editions.append(Edition(kind, told.database_type, told.build_epoch, own is not None))
    return LocalGeo(readers, networks, NetworkKinds(), tuple(editions))


def campus_networks(campus: tuple[str, ...]) -> tuple[Network, ...]:
    """Networks in CIDR notation; NetworkError names the one that is not."""
    try:
        return tuple(ipaddress.ip_network(text.strip()) for text in campus)
    except ValueError as error:
        raise NetworkError(f"campus network: {error}; write it like 192.0.2.0/24 or 2001:db8::/32") from None


def is_private(address: Address) -> bool:
    """Whether an address is of a private network, this machine or this link: it has no place of its own."""
    return address in _PRIVATE


class LocalGeo:
    """Places by MMDB files. Fields of a later file fill what the earlier ones leave open."""

    def __init__(
        self,
        readers: list[maxminddb.Reader],
        campus: tuple[Network, ...],
        kinds: "NetworkKinds",
        editions: tuple[Edition, ...] = (),
    ) -> None:
        self.editions = editions
        self._readers = readers
        self._campus = Networks(campus)
        self._kinds = kinds

    def place(self, address: Address) -> Location:
        """Looked up anew: what remembers addresses remembers their places."""
        campus = address in self._campus
        if is_private(address):
            return Location(kind=NetworkKind.CAMPUS) if campus else _NOWHERE
        records = [found for reader in self._readers if (found := _record(reader, address))]
        owner = _owner(records)
        return _place(records, owner, NetworkKind.CAMPUS if campus else self._kinds.of(records, owner))


class NetworkKinds:
    """Kinds of network by flags, user type and owner, as ``networks.toml`` says."""

    def __init__(self) -> None:
        text = files("pseudonymiser").joinpath("networks.toml").read_text(encoding="utf-8")
        data = msgspec.convert(tomllib.loads(text), _KindData)
        self._flags, self._user_types, self._words = data.flags, data.user_types, data.kind
        self._owners = BoundedCache(self._by_words)

    def of(self, records: list[dict[str, Any]], owner: str) -> NetworkKind:
        if not records:
            return NetworkKind.UNKNOWN
        parts = [
            part for record in records for part in (record, record.get("traits")) if isinstance(part, dict)
        ]
        raised = {flag for part in parts for flag, value in part.items() if value is True}
        if raised:
            for flag, kind in self._flags.items():
                if flag in raised:
                    return kind
        for part in parts:
            if kind_of_type := self._user_types.get(
                str(part.get("user_type") or part.get("type") or "").lower()
            ):
                return kind_of_type
        return self.of_owner(owner)

    def of_owner(self, owner: str) -> NetworkKind:
        """The kind by the owner's name alone; UNKNOWN where it has none."""
        return self._owners[owner] if owner else NetworkKind.UNKNOWN

    def _by_words(self, owner: str) -> NetworkKind:
        padded = f" {owner.lower()} "
        for rule in self._words:
            if any(word in padded for word in rule.words):
                return rule.name
        return NetworkKind.ISP


class _KindWords(msgspec.Struct, frozen=True):
    name: NetworkKind
    words: tuple[str, ...]


class _KindData(msgspec.Struct, frozen=True):
    kind: tuple[_KindWords, ...]
    user_types: Mapping[str, NetworkKind]
    flags: Mapping[str, NetworkKind]


def _place(records: list[dict[str, Any]], owner: str, kind: NetworkKind) -> Location:
    country = _text(records, ("country", "iso_code")) or _text(records, ("registered_country", "iso_code"))
    if not country:
        country = next((v for r in records if isinstance(v := r.get("country"), str) and len(v) == 2), "")
    return Location(
        country=country.upper()[:2],
        city=_text(records, ("city", "names", "en")),
        latitude=_degrees(records, "latitude"),
        longitude=_degrees(records, "longitude"),
        owner=owner,
        kind=kind,
    )


def _owner(records: list[dict[str, Any]]) -> str:
    """The network's owner, as GeoLite2-ASN, GeoIP2-ISP and IPinfo name it."""
    for name in ("autonomous_system_organization", "as_name", "isp", "organization"):
        if owner := _text(records, (name,)) or _text(records, ("traits", name)):
            return owner
    return ""


def _text(records: list[dict[str, Any]], path: tuple[str, ...]) -> str:
    for record in records:
        value: Any = record
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            return value[:100]
    return ""


def _degrees(records: list[dict[str, Any]], name: str) -> float | None:
    """A coordinate to a tenth of a degree, some ten kilometres: nearer would point at households."""
    for record in records:
        location = record.get("location")
        value = location.get(name) if isinstance(location, dict) else None
        if isinstance(value, int | float):
            return round(float(value), 1)
    return None


def _record(reader: maxminddb.Reader, address: Address) -> dict[str, Any] | None:
    try:
        found = reader.get(address)
    except (ValueError, maxminddb.InvalidDatabaseError):  # an IPv6 address in an IPv4 file, a damaged record
        return None
    return found if isinstance(found, dict) else None


def _open(path: Path) -> maxminddb.Reader:
    try:
        return maxminddb.open_database(path)
    except FileNotFoundError:
        raise GeoFileError(
            f"{path}: no such file; give the path of an MMDB database, or leave it out"
        ) from None
    except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
        raise GeoFileError(f"{path}: not a readable MMDB database ({error}); download it again") from None
