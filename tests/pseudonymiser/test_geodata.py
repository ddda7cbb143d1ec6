"""Location databases that come with the installation: unpacked once, checked, behind the operator's own."""

import struct
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
import zstandard

from pseudonymiser import geodata
from pseudonymiser.errors import GeoFileError
from pseudonymiser.geo import open_geo
from service.cli.assembly import told_of
from service.records.events import NetworkKind
from tests.project.repository import lacking
from tests.pseudonymiser.test_geo import LONDON, database

BLOCK = 4_096
OWNER = {"autonomous_system_number": 64_496, "autonomous_system_organization": "Example Cloud Hosting"}


def packed(data: bytes) -> bytes:
    parts = [zstandard.compress(data[start : start + BLOCK]) for start in range(0, len(data), BLOCK)]
    head = struct.pack(">8sIII", b"DETBLK01", BLOCK, len(parts), len(data))
    return head + struct.pack(f">{len(parts)}I", *map(len, parts)) + b"".join(parts)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of an installed package, with places and owners of the documentation's networks."""
    folder = tmp_path / "package"
    folder.mkdir()
    files = {
        "dbip-city": database(tmp_path / "city", "DBIP-City-Lite", {"192.0.2.0/24": LONDON}).read_bytes(),
        "origin-asn": database(tmp_path / "asn", "asn", {"192.0.2.0/24": OWNER}).read_bytes(),
    }
    for key, data in files.items():
        (folder / f"{key}.bz").write_bytes(packed(data))
    manifest = {
        "sha256": {f"{key}.bz": sha256(data).hexdigest() for key, data in files.items()},
        "datasets": [
            {"key": key, "file": f"{key}.bz", "size": len(data), "build_date": "2026-09-01"}
            for key, data in files.items()
        ],
    }
    (folder / "MANIFEST.json").write_bytes(msgspec.json.encode(manifest))
    monkeypatch.setattr(geodata, "_data_folder", lambda: folder)
    return folder


def test_places_and_owners_are_known_without_any_setting(package: Path, tmp_path: Path) -> None:
    geo = open_geo(None, None, unpack_into=tmp_path / "site/geo")
    found = geo.place(ip_address("192.0.2.7"))
    assert (found.city, found.owner, found.kind) == ("London", "Example Cloud Hosting", NetworkKind.HOSTING)
    assert [(e.kind, e.name, e.own) for e in geo.editions] == [
        ("city", "DBIP-City-Lite", False),
        ("asn", "asn", False),
    ]


def test_the_operators_own_comes_first(package: Path, tmp_path: Path) -> None:
    place = {**LONDON, "city": {"names": {"en": "Leeds"}}}
    own = database(tmp_path / "own", "GeoLite2-City", {"192.0.2.0/24": place})
    geo = open_geo(own, None, unpack_into=tmp_path / "geo")
    found = geo.place(ip_address("192.0.2.7"))
    assert (found.city, found.owner) == ("Leeds", "Example Cloud Hosting")
    assert [(edition.kind, edition.own) for edition in geo.editions] == [("city", True), ("asn", False)]


def test_it_is_unpacked_once_and_an_older_edition_goes(package: Path, tmp_path: Path) -> None:
    folder = tmp_path / "geo"
    folder.mkdir()
    (folder / "dbip-city-2023-04-01-0123456789ab.mmdb").write_bytes(b"old")
    first = geodata.unpack_installed(folder)
    assert {path.name for path in folder.iterdir()} == {path.name for path in first if path}
    assert first.city
    before = first.city.stat().st_ino
    assert geodata.unpack_installed(folder) == first
    assert first.city.stat().st_ino == before


@pytest.mark.parametrize("damage", ["head", "block", "short", "another"])
def test_a_damaged_one_is_named_and_leaves_nothing(package: Path, tmp_path: Path, damage: str) -> None:
    path = package / "origin-asn.bz"
    data = bytearray(path.read_bytes())
    if damage == "head":
        data[0] ^= 1
    elif damage == "block":
        data[-5] ^= 1
    elif damage == "short":
        del data[-20:]
    else:
        data = bytearray(packed(b"another file altogether"))
    path.write_bytes(data)
    with pytest.raises(GeoFileError, match="origin-asn"):
        geodata.unpack_installed(tmp_path / "geo")
    assert [path.name[:9] for path in (tmp_path / "geo").iterdir()] == ["dbip-city"]


def test_nothing_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(geodata, "_data_folder", lambda: None)
    geo = open_geo(None, None, unpack_into=tmp_path / "geo")
    assert geo.editions == ()
    assert not (tmp_path / "geo").exists()
    told = told_of(geo.editions, 0.0)
    assert [sentence.partition(":")[0] for sentence in told] == ["cities", "owners of networks"]
    assert all("silent" in sentence and "geo_" in sentence for sentence in told)


def test_an_old_one_is_told(package: Path, tmp_path: Path) -> None:
    geo = open_geo(None, None, unpack_into=tmp_path / "geo")
    built = geo.editions[0].built_at
    assert "old" not in told_of(geo.editions, built + 170 * 86_400)[0]
    assert "get a newer one" in told_of(geo.editions, built + 190 * 86_400)[0]


def test_the_installed_package_knows_the_world(tmp_path: Path) -> None:
    """Of addresses that are nobody's in particular: the lowest of each sixteenth of the address space."""
    if geodata._data_folder() is None:
        lacking("journalguard[geo] is not installed here")
    geo = open_geo(None, None, unpack_into=tmp_path)
    addresses = [ip_address((first << 24) + 0x640101) for first in range(20, 200, 3)]
    places = [geo.place(address) for address in addresses if address.is_global]
    assert sum(bool(place.country) for place in places) > 0.9 * len(places)
    assert sum(bool(place.owner) for place in places) > 0.7 * len(places)
    assert {edition.kind for edition in geo.editions} == {"city", "asn"}


def test_plain_files_with_their_licences(package: Path, tmp_path: Path) -> None:
    geodata.main(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"city.mmdb", "asn.mmdb", "NOTICE"}
    notice = (tmp_path / "out/NOTICE").read_text()
    assert "DB-IP City Lite of 2026-09-01" in notice
    assert "CC BY 4.0" in notice
    geo = open_geo(tmp_path / "out/city.mmdb", tmp_path / "out/asn.mmdb")
    assert geo.place(ip_address("192.0.2.7")).city == "London"
