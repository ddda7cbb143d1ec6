"""What can go wrong with the audit log. Each stops the act that was to be recorded.

::

    AuditError
    ├── LeafError         an act that cannot be recorded as it is
    ├── NoSuchTreeError   a proof was asked of leaves that are not there
    ├── SigningKeyError   the key of the checkpoints is missing, damaged, or readable by others
    ├── NoteError         a signed note, checkpoint or public key that is not one, or not signed by this key
    ├── RewrittenError    the log no longer continues what was signed before
    ├── HandOverError     a checkpoint cannot be written where it is to be kept
    └── ExportError       a file that is not an export of this log
"""


class AuditError(Exception):
    """Root of the package. The text says what is wrong and how to mend it; never a key, never free text."""


class LeafError(AuditError):
    """An act that cannot be recorded as it is."""


class NoSuchTreeError(AuditError):
    """A proof was asked of leaves that are not there."""


class SigningKeyError(AuditError):
    """The key of the checkpoints is missing, damaged, or readable by others."""


class NoteError(AuditError):
    """A signed note, checkpoint or public key that is not one, or not signed by this key."""


class RewrittenError(AuditError):
    """The log no longer continues what was signed before."""


class HandOverError(AuditError):
    """A checkpoint cannot be written where it is to be kept."""


class ExportError(AuditError):
    """A file that is not an export of this log."""
