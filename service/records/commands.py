"""What readers' rights ask of the stream about one account, and operators about its models.

A command is taken in its place between events: what came before it is known, what comes after is new.
"""

from enum import StrEnum

import msgspec


class CommandKind(StrEnum):
    """What is asked."""

    FORGET = "forget"  # all that is known; the account's next event is a stranger's
    RESTRICT = "restrict"  # leave it as it is: its events are dropped, neither scored nor learnt from
    LIFT = "lift"
    PROMOTE = "promote"  # a kept version of the models, from the next close of a day on


class Command(msgspec.Struct, frozen=True):
    """One act for one account, or one version of the models. A second time it changes nothing more."""

    act: CommandKind
    account: str = ""
    model: int = 0  # day of the version
