"""Places from databases made for the test; no network, no guessing."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from pseudonymiser.errors import GeoFileError, NetworkError
from pseudonymiser.geo import GeoProvider, NetworkKinds, is_private, open_geo
from pseudonymiser.pseudonyms import parse_address
from service.records.events import Location, NetworkKind

LONDON = {
    "country": {"iso_code": "GB"},
    "city": {"names": {"en": "London"}},
    "location": {"latitude": 51.5142, "longitude": -0.0931},
}


def database(path: Path, kind: str, records: dict[str, dict[str, object]]) -> Path:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


@pytest.fixture
def city(tmp_path: Path) -> Path:
    records: dict[str, dict[str, object]] = {
        "192.0.2.0/24": LONDON,
        "203.0.113.0/24": {"country": {"iso_code": "VN"}, "traits": {"is_hosting_provider": True}},
        "2001:db8::/32": {"country": {"iso_code": "FR"}},
    }
    return database(tmp_path / "city.mmdb", "GeoLite2-City", records)


@pytest.fixture
def asn(tmp_path: Path) -> Path:
    records: dict[str, dict[str, object]] = {
        "192.0.2.0/24": {
            "autonomous_system_number": 64496,
            "autonomous_system_organization": "Example University",
        },
        "198.51.100.0/24": {
            "autonomous_system_number": 64497,
            "autonomous_system_organization": "Acme Telecom",
        },
    }
    return database(tmp_path / "asn.mmdb", "GeoLite2-ASN", records)


def place(geo: GeoProvider, text: str) -> Location:
    address = parse_address(text)
    assert address is not None
    return geo.place(address)


def test_city_and_owner_come_together_rounded_to_a_tenth_of_a_degree(city: Path, asn: Path) -> None:
    geo = open_geo(city, asn)
    expected = Location("GB", "London", 51.5, -0.1, "Example University", NetworkKind.EDUCATION)
    assert place(geo, "192.0.2.7") == place(geo, "::ffff:192.0.2.7") == expected
    assert place(geo, "198.51.100.1") == Location(owner="Acme Telecom", kind=NetworkKind.ISP)
    assert place(geo, "2001:db8::1") == Location("FR")


def test_flags_tell_the_kind_of_network(city: Path) -> None:
    assert place(open_geo(city, None), "203.0.113.5").kind is NetworkKind.HOSTING


def test_campus_is_what_the_site_says(city: Path) -> None:
    geo = open_geo(city, None, ("192.0.2.0/25", "10.1.0.0/16", "2001:db8:1::/48"))
    assert place(geo, "192.0.2.7").kind is NetworkKind.CAMPUS
    assert place(geo, "192.0.2.200").kind is not NetworkKind.CAMPUS
    assert place(geo, "10.1.2.3") == Location(kind=NetworkKind.CAMPUS)
    assert place(geo, "10.2.2.3") == Location()
    assert place(geo, "2001:db8:1::9").kind is NetworkKind.CAMPUS


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "192.168.1.1", "172.31.255.255", "100.64.0.0", "fe80::1", "::1"]
)
def test_nowhere(city: Path, address: str) -> None:
    assert place(open_geo(city, None), address) == Location()


@pytest.mark.parametrize("private", ["10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "fc00::/7", "fe80::/10"])
def test_private_networks_end_where_they_end(private: str) -> None:
    network = ip_network(private)
    first, last = network.network_address, network.broadcast_address
    assert is_private(first)
    assert is_private(last)
    assert not is_private(first - 1)
    assert not is_private(last + 1)


@pytest.mark.parametrize(
    ("owner", "kind"),
    [
        ("Amazon.com, Inc.", NetworkKind.HOSTING),
        ("Universite de Lyon", NetworkKind.EDUCATION),
        ("Jisc Services Limited", NetworkKind.EDUCATION),
        ("Mullvad VPN AB", NetworkKind.VPN),
        ("Vodafone Limited", NetworkKind.MOBILE),
        ("British Telecommunications PLC", NetworkKind.ISP),
        ("", NetworkKind.UNKNOWN),
    ],
)
def test_kinds_by_owner(owner: str, kind: NetworkKind) -> None:
    assert NetworkKinds().of_owner(owner) is kind


def test_a_missing_or_corrupt_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.mmdb").write_bytes(b"not a database")
    for name, mend in (("absent.mmdb", "give the path"), ("broken.mmdb", "download it again")):
        with pytest.raises(GeoFileError, match=f"{name}.*{mend}"):
            open_geo(tmp_path / name, None)


def test_a_wrong_campus_network_is_named(city: Path) -> None:
    with pytest.raises(NetworkError, match=r"192\.0\.2\.7/24"):
        open_geo(city, None, ("192.0.2.7/24",))
