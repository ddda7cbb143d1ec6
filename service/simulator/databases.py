"""The MMDB files of a world, in the schema of GeoLite2-City and GeoLite2-ASN."""

from pathlib import Path
from typing import Any

from mmdb_writer import MmdbF64, MmdbU32, MMDBWriter
from netaddr import IPNetwork, IPSet

from service.simulator.cities import COUNTRIES
from service.simulator.geography import Block, Geography


class _DatedWriter(MMDBWriter):
    """Its files depend on their content only: the library itself would put the time of writing in them."""

    def __init__(self, database_type: str, built_at: int) -> None:
        super().__init__(6, database_type, ["en"], "simulated, for journalguard", ipv4_compatible=True)
        self._built_at = built_at

    def _build_meta(self) -> dict[str, Any]:
        return {**super()._build_meta(), "build_epoch": self._built_at}


def write_databases(geography: Geography, out: Path, built_at: int) -> None:
    """Writes ``city.mmdb`` and ``asn.mmdb`` into ``out``; ``built_at`` in s UTC goes into their metadata."""
    city, asn = _DatedWriter("GeoLite2-City", built_at), _DatedWriter("GeoLite2-ASN", built_at)
    for block in geography.blocks:
        networks = _networks(block)
        city.insert_network(networks, _city_record(block))
        asn.insert_network(networks, _owner_record(block))
    city.to_db_file(str(out / "city.mmdb"))
    asn.to_db_file(str(out / "asn.mmdb"))


def _networks(block: Block) -> IPSet:
    length = 32 - (block.subnets << 8).bit_length() + 1
    networks = [IPNetwork((block.first, length), version=4)]
    if block.six:
        networks.append(IPNetwork((block.six, 40), version=6))
    return IPSet(networks)


def _city_record(block: Block) -> dict[str, Any]:
    city = block.city
    place = {
        "accuracy_radius": 20,
        "latitude": MmdbF64(city.latitude),
        "longitude": MmdbF64(city.longitude),
        "time_zone": city.zone,
    }
    country = {"iso_code": city.country, "names": {"en": COUNTRIES[city.country]}}
    return {"city": {"names": {"en": city.name}}, "country": country, "location": place}


def _owner_record(block: Block) -> dict[str, Any]:
    return {
        "autonomous_system_number": MmdbU32(block.owner.asn),
        "autonomous_system_organization": block.owner.name,
    }
