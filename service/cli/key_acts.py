"""Acts of the command line that change who can be named by whom: each is a leaf of the audit log."""

import time
from collections.abc import Callable
from contextlib import closing

import click
import msgspec

from alerts_api.audit import key_acts
from alerts_api.audit.leaves import ActKind
from alerts_api.storage.database import Database, open_database
from service.cli.options import database_of
from service.config.settings import SiteFolder

KEYRING, SETTINGS, POLICY = ActKind.KEYRING_IN_FORCE, ActKind.SETTINGS_IN_FORCE, ActKind.POLICY_IN_FORCE


def note_act(site: SiteFolder, kind: ActKind, **what: str | int) -> None:
    """Write it into the site's audit log; a host of a site that keeps its log elsewhere says so."""
    with_database(site, lambda database: _act(database, kind, what))


def note_start(site: SiteFolder) -> None:
    """What a process of the site starts with: who can open what is sealed, budgets and roles, the policy."""
    # Only `run` needs them: an auditor's computer loads nothing of the ingest room.
    from pseudonymiser.holders import load_keyring, ring_of  # noqa: PLC0415
    from service.policy.loading import load_policy  # noqa: PLC0415

    settings, keyring = site.settings, load_keyring(site.keyholders)
    policy = load_policy(site.policy, alerts_per_day=settings.alerts_per_day).hash
    told = {
        "reveal": settings.reveal,
        "signin": settings.signin,
        "judges_trained": settings.judges_trained,
    }

    def note(database: Database) -> None:
        now = time.time()
        with database.writing() as connection:
            ring = f"{ring_of(keyring.holders, keyring.mode)} {keyring.mode}"
            words = f"It takes {keyring.mode}: {', '.join(f'{h.label} {h.id}' for h in keyring.holders)}"
            key_acts.in_force(connection, KEYRING, ring, now, note=words)
            key_acts.in_force(connection, SETTINGS, msgspec.json.encode(told).decode(), now)
            key_acts.in_force(connection, POLICY, policy, now, note=f"policy {policy}")

    with_database(site, note)


def with_database(site: SiteFolder, act: Callable[[Database], None]) -> None:
    """On a host that ships into Kafka there is none: what is done there has to be told to the officer."""
    if not site.settings.database_url and not site.database.exists() and site.settings.kafka is not None:
        click.echo(
            "This host has no audit log: what was done here is in none until the pages' host notes it. Tell "
            "the data protection officer.",
            err=True,
        )
        return
    with closing(open_database(database_of(site), create=True, durable=True)) as database:
        act(database)


def _act(database: Database, kind: ActKind, what: dict[str, str | int]) -> None:
    with database.writing() as connection:
        key_acts.act(connection, kind, time.time(), **what)  # type: ignore[arg-type]
