"""Who can sign in at a site, and that nobody comes in unasked."""

from contextlib import closing

from alerts_api.signin import users
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import open_database
from service.base.errors import AddressError
from service.config.settings import LOOPBACK


def is_local(host: str) -> bool:
    """Whether only this machine reaches the address."""
    return host in LOOPBACK


def check_entrance(host: str, place: DatabaseLocation, *, create: bool, provided: bool) -> None:
    """Somebody can sign in wherever others reach the pages. Raises ``AddressError``."""
    if provided or is_local(host):
        return
    with closing(open_database(place, create=create)) as database, database.reading() as connection:
        if users.any_there(connection):
            return
    raise AddressError(
        f"{host}: others reach this address, and nobody can sign in yet; make a user by `journalguard users"
        " add`, name your identity provider in [signin] of site.toml, or serve at 127.0.0.1"
    )
