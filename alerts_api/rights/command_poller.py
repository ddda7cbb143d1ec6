"""What a running stream must be told: accounts to forget, and those to leave alone."""

from collections.abc import Callable

from sqlalchemy import select

from alerts_api.alerts.restrictions import in_force
from alerts_api.storage.database import Database
from alerts_api.storage.rights_tables import erasures
from service.records.commands import Command, CommandKind


class CommandPoller:
    """Asked now and then by the process that scores. Raises :class:`alerts_api.storage.errors.StoreError`."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._restricted: frozenset[str] = frozenset()

    def poll(self) -> list[Command]:
        """Orders since the last call; an erasure comes until the checkpoint that does it is written."""
        with self._database.reading() as connection:
            erased = list(connection.execute(select(erasures.c.pseudonym)).scalars())
            restricted = frozenset(connection.execute(in_force(self._clock())).scalars())
        commands = [Command(CommandKind.FORGET, account) for account in erased]
        commands += [Command(CommandKind.LIFT, account) for account in sorted(self._restricted - restricted)]
        commands += [
            Command(CommandKind.RESTRICT, account)
            for account in sorted(restricted - {*self._restricted, *erased})
        ]
        self._restricted = restricted - set(erased)
        return commands

    def close(self) -> None:
        self._database.close()
