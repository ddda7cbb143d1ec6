"""The schema's history. Each step is a file in ``versions/``; ``upgrade`` runs those still missing.

A new step: add ``versions/000N_what.py`` with the next ``revision``, set ``HEAD`` to it, and change
``alerts_api.storage.tables`` to match. A test refuses a difference between the two.
"""

from pathlib import Path

from sqlalchemy import Connection

HEAD = "0008"


def upgrade(connection: Connection) -> None:
    """Bring the schema to ``HEAD`` inside the caller's transaction.

    Raises:
        alembic.util.CommandError: the database holds a revision this installation does not know.
    """
    # Imported only when there is something to do: it takes longer than opening the database.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
