"""Where each role may go: the entries of every page's head."""

from typing import NamedTuple

from alerts_api.signin.actors import ALERT_READERS, EVERYONE, HEALTH_READERS, MODEL_READERS, Actor, Role


class MenuEntry(NamedTuple):
    """One page of the navigation."""

    here: str  # what the page calls itself
    href: str
    title: str
    roles: tuple[Role, ...]


ENTRIES = (
    MenuEntry("queue", "/", "Queue", ALERT_READERS),
    MenuEntry("reveals", "/reveals", "Names", (Role.KEY_HOLDER, Role.APPROVER, Role.DPO)),
    MenuEntry("audit", "/audit", "Audit", (Role.AUDITOR, Role.DPO)),
    MenuEntry("log", "/log", "Log", HEALTH_READERS),
    MenuEntry("drift", "/drift", "Drift", HEALTH_READERS),
    MenuEntry("evaluation", "/evaluation", "Evaluation", MODEL_READERS),
    MenuEntry("rights", "/rights", "Rights", (Role.DPO,)),
    MenuEntry("help", "/help", "Help", EVERYONE),
)


def entries(actor: Actor) -> tuple[MenuEntry, ...]:
    """Those that the actor may open."""
    return tuple(entry for entry in ENTRIES if actor.has(*entry.roles))


def home(actor: Actor) -> str:
    """Where the actor's work begins."""
    return entries(actor)[0].href
