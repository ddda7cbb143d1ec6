"""What can go wrong before a line is read. A bad line is never an error: it is a ``Rejected``.

::

    PseudonymiserError
    ├── LogFormatError      a LogFormat that cannot be compiled
    ├── TimezoneError       a zone that is not in the IANA list
    ├── NetworkError        a campus network that is not in CIDR notation
    ├── KeyFileError        keys missing, damaged, or readable by others
    ├── KeyHolderError      a key-holder's file, words, passphrase or sealed identity that does not do
    ├── GeoFileError        a location database missing or corrupt
    ├── PatternError        a name of logs that cannot be followed (in rotation)
    └── StateError          a checkpoint this version cannot read
"""


class PseudonymiserError(Exception):
    """Root of the package. The text says what is wrong and how to mend it; it never holds a log line."""


class LogFormatError(PseudonymiserError):
    """A LogFormat that cannot be compiled.

    ``column`` counts characters of the format from 1; 0 means the format as a whole.
    """

    def __init__(self, problem: str, *, column: int, mend: str) -> None:
        where = f"LogFormat, column {column}" if column else "LogFormat"
        super().__init__(f"{where}: {problem}. {mend}")
        self.column = column


class TimezoneError(PseudonymiserError):
    """A time zone that is not in the IANA list."""


class NetworkError(PseudonymiserError):
    """A network that is not in CIDR notation."""


class KeyFileError(PseudonymiserError):
    """Keys missing, damaged, or readable by others. Never carries key bytes."""


class KeyHolderError(PseudonymiserError):
    """A key-holder's file, words, passphrase or sealed identity that does not do. Never carries a secret."""


class GeoFileError(PseudonymiserError):
    """A location database that is missing or corrupt."""


class IngestStateError(PseudonymiserError):
    """A checkpoint of the ingest room that cannot be read."""
