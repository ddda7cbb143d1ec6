"""What readers' rights, and the time for which things are kept, ask of the stream about one account.

An order is taken in its place between events: what came before it is known, what comes after is new.
"""

from enum import StrEnum

import msgspec


class Act(StrEnum):
    """What is asked."""

    FORGET = "forget"  # all that is known; the account's next event is a stranger's
    RESTRICT = "restrict"  # leave it as it is: its events are dropped, neither scored nor learnt from
    LIFT = "lift"


class Order(msgspec.Struct, frozen=True):
    """One act for one account. A second time it changes nothing more."""

    act: Act
    account: str
