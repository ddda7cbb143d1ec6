"""The records of ``wire`` as JSON Schema files, for programs that are not ours.

``python -m service.distributed.protocol.schemas FOLDER`` writes them; ``make schemas`` does that.
"""

import re
import sys
from pathlib import Path
from typing import Any

import msgspec

from service.distributed.protocol.wire import VERSION, FrameHeader, R
from service.records.events import AccessEvent

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# A frame is one header line, then event lines.
RECORDS = (FrameHeader, AccessEvent, *R.__constraints__)


def schemas() -> dict[str, bytes]:
    """File name -> content of every record's schema."""
    return {f"{_kebab(record.__name__)}.v{VERSION}.schema.json": _schema(record) for record in RECORDS}


def write(folder: Path) -> None:
    """All files anew; those of records that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"*.v{VERSION}.schema.json"):
        old.unlink()
    for name, content in schemas().items():
        (folder / name).write_bytes(content)


def _schema(record: type[Any]) -> bytes:
    schema = {"$schema": DIALECT, **msgspec.json.schema(record)}
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2) + b"\n"


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
