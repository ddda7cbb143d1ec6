"""What the data protection officer is told without asking: each release, and what is overdue.

No reader's name is in it, and no free text: the page of the request has that.
"""

from datetime import UTC, datetime
from pathlib import Path

from alerts_api.audit.mails import Mail, compose, deliver
from alerts_api.reveal.gate import RevealRequest
from alerts_api.reveal.overdue import WORDS, Overdue
from service.config.tables import RevealSettings


class Notices:
    """Lays mails into the outgoing folder of the settings; without one it does nothing.

    Args:
        site: the folder that paths of the settings begin at.
    """

    def __init__(self, settings: RevealSettings, site: Path) -> None:
        self._mail = (
            Mail(site / settings.outgoing, settings.sender, settings.dpo) if settings.outgoing else None
        )

    def released(self, request: RevealRequest, now: float) -> None:
        """A name leaves. Raises ``HandOverError``."""
        why = " It was urgent and nobody has approved it yet." if request.break_glass else ""
        self._send("release", request, f"A reader is named: {request.id}", f"{_who(request)}{why}", now)

    def rejected(self, request: RevealRequest, now: float) -> None:
        """An urgent request was found not right. Raises ``HandOverError``."""
        left = "The name had left before." if request.released_at else "Nothing leaves for it any more."
        text = (
            f"An urgent request was found not right by a second person. {left} Its key-holder has no further "
            f"urgent ones until you allow it on the page.\n\n{_who(request)}"
        )
        self._send("rejected", request, f"Urgent and not right: {request.id}", text, now)

    def overdue(self, request: RevealRequest, what: Overdue, now: float) -> None:
        """Something should have been done by now. Raises ``HandOverError``."""
        text = f"{WORDS[what]}\n\n{_who(request)}"
        self._send(what.value, request, f"Overdue: {request.id}", text, now)

    def _send(self, kind: str, request: RevealRequest, subject: str, text: str, now: float) -> None:
        if self._mail is None:
            return
        at = datetime.fromtimestamp(now, UTC).strftime("%d %b %Y %H:%M UTC")
        body = f"{text}\n\n{at}. Its page in journalguard: /reveals/{request.id}\n"
        deliver(self._mail, f"{request.id}-{kind}", compose(self._mail, subject, body, now))


def _who(request: RevealRequest) -> str:
    return (
        f"Key-holder {request.holder} asked whose account {request.account} is, for alert {request.alert}, "
        f"case {request.case_ref}, reason {request.reason}."
    )
