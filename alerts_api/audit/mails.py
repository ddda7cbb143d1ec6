"""Mails to the data protection officer, laid into an outgoing folder as ``.eml`` files.

The site's own mailer sends and removes them (``sendmail -t < FILE``): journalguard opens no connection. The
folder is not made here: one that is missing may be a share that is not mounted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import msgspec

from alerts_api.audit.errors import HandOverError
from service.base.files import write_atomically


class Mail(msgspec.Struct, frozen=True):
    """Mails to hand over."""

    outgoing: Path  # folder
    sender: str
    recipient: str


def compose(mail: Mail, subject: str, text: str, now: float) -> EmailMessage:
    """A message without its attachments. ``now`` is wall clock, s UTC."""
    message = EmailMessage()
    message["From"], message["To"] = mail.sender, mail.recipient
    message["Date"] = format_datetime(datetime.fromtimestamp(int(now), UTC))
    message["Subject"] = subject
    message.set_content(text)
    return message


def deliver(mail: Mail, name: str, message: EmailMessage) -> None:
    """The file ``name``.eml appears whole. Raises ``HandOverError``."""
    with reachable(mail.outgoing):
        # By the umask: the mailer that takes it may be another user.
        write_atomically(mail.outgoing / f"{name}.eml", message.as_bytes(), 0o666)


@contextmanager
def reachable(path: Path) -> Iterator[None]:
    """Turns the file system's errors into ``HandOverError``."""
    try:
        yield
    except OSError as error:
        raise HandOverError(
            f"{error.filename or path}: cannot be written ({error.strerror}); see that the folder is there, "
            "mounted and writable. A checkpoint that is missing there follows with the next one"
        ) from None
