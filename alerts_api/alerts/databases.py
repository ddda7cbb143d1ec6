"""What is told of the location databases in use, for those who look after the service."""

import msgspec
from sqlalchemy import Connection, select

from alerts_api.storage import tables

GEO = "geo"  # among the shared blobs: sentences, JSON


def read_databases(connection: Connection) -> list[str]:
    """Sentences, one a database; none where the reading process has told nothing."""
    blob = connection.execute(select(tables.shared.c.state).where(tables.shared.c.name == GEO)).scalar()
    return [] if blob is None else msgspec.json.decode(blob, type=list[str])
