"""What can go wrong between this room and its database.

::

    StoreError                the root; also raised itself for an SQL error with no better name
    +-- StoreMissingError       there is no file yet, or no database or tables on the server
    +-- StoreAddressError       the URL is not one of PostgreSQL, or holds a password
    +-- StoreUnreachableError   the file cannot be read or written by this user, or the server not reached
    +-- StoreBusyError          another program held the lock for too long
    +-- StoreFullError          no room left on the disk
    +-- StoreDamagedError       not a database, or a damaged one
    +-- StoreTooNewError        written by a newer journalguard

Every message names the file or server and says what to do about it. None carries SQL, a row's contents, or
the user of a URL.
"""

from pathlib import Path


class StoreError(Exception):
    """The database could not do what was asked of it; ``str()`` names the file and the mend."""

    mend = "see the log for the cause, then start again; nothing of the last checkpoint was half written"
    what = "the database refused a statement"

    def __init__(self, place: Path | str, detail: str = "", mend: str | None = None) -> None:
        cause = f" ({detail})" if detail else ""
        super().__init__(f"{place}: {self.what}{cause}; {mend or self.mend}")


class StoreMissingError(StoreError):
    what = "there is no database yet"
    mend = "start `journalguard run --site` on the site's folder, which makes it"


class StoreAddressError(StoreError):
    what = "this is not the address of a database"
    mend = (
        "write it like postgresql://journalguard@db.example.ac.uk/journalguard; the password belongs"
        " into ~/.pgpass of the user that runs journalguard"
    )


class StoreUnreachableError(StoreError):
    what = "the database cannot be opened or written"
    mend = "give the user that runs journalguard read and write access to the file and its folder"


class StoreBusyError(StoreError):
    what = "another program holds the database locked"
    mend = "end the other journalguard, backup or sqlite3 shell that has it open, then start again"


class StoreFullError(StoreError):
    what = "there is no room left on the disk"
    mend = "free some space; work goes on from the last checkpoint"


class StoreDamagedError(StoreError):
    what = "this is not a journalguard database, or it is damaged"
    mend = "move it aside and put back a copy, or start without one and replay the logs"


class StoreTooNewError(StoreError):
    what = "it was written by a newer journalguard"
    mend = "upgrade this installation, or put back the copy made before the upgrade"
