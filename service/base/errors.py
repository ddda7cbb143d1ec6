"""What can go wrong for the operator of a site. A bad line is never an error: it is counted.

::

    ServiceError
    ├── SettingsError   a setting that is unknown, missing or has no meaning
    ├── SiteError       no site in this folder, one there already, or one in use
    ├── AddressError    the pages cannot be served at the wanted address
    ├── PagesError      the process that serves pages does not come up
    ├── LogFileError    a log to replay that cannot be read, or not to its end
    ├── OutputError     a result that cannot be written
    ├── ReportError     an evaluation's report that is not understood
    ├── PolicyError     a policy file that is not understood
    └── StateError      saved states of another version, or damaged
"""


class ServiceError(Exception):
    """Root of the package. The text names the file, where there is one, and says how to mend it."""


class SettingsError(ServiceError):
    """A setting that is unknown, missing or has no meaning."""


class SiteError(ServiceError):
    """No site in this folder, one there already, or one in use."""


class AddressError(ServiceError):
    """The pages cannot be served at the wanted address."""


class PagesError(ServiceError):
    """The process that serves pages does not come up."""


class LogFileError(ServiceError):
    """A log to replay that cannot be read, or not to its end."""


class OutputError(ServiceError):
    """A result that cannot be written."""


class ReportError(ServiceError):
    """An evaluation's report that is not understood."""


class PolicyError(ServiceError):
    """A policy file that is not understood."""


class CheckpointError(ServiceError):
    """Saved states of another version, or damaged."""
