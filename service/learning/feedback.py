"""What analysts' verdicts do to the stream.

They teach the models, and say for how long an account may do what was found to be expected.

A verdict waits until the day in progress closes and takes effect then, whenever it was given in the day. So
what it does follows from the stream and the verdicts alone, for any number of workers. The newest verdict of
an alert counts: it takes the place of what earlier ones did.
"""

from collections.abc import Iterable

import msgspec

from models.evidence import VOLUME_GROUPS
from service.decision.episodes import Allowance, Episode
from service.kernel.measure_types import MeasureGroup
from service.kernel.measures import GROUP_OF, M
from service.kernel.training_rows import READER, STOLEN, Examples
from service.records.checkpoints import AnalystVerdict
from service.records.events import Suppression

CONFIRMED, EXPECTED, WRONG_LOGIC, REOPENED = "confirmed", "expected", "wrong-logic", "reopened"
MOST_ALLOWANCES = 8  # of an account
TRAINING_LABELS = {
    CONFIRMED: STOLEN,
    EXPECTED: READER,
    WRONG_LOGIC: READER,
}  # of other verdicts nothing is learnt


class PendingCommands(msgspec.Struct, frozen=True):
    """What waits for the close of the day: verdicts, the newest of each alert, and a promotion."""

    newest: int = 0  # id of the newest one ever entered
    waiting: tuple[AnalystVerdict, ...] = ()  # by id
    promoted: int = 0  # day of the version of the models that is to be in force, 0 for none

    @property
    def is_pending(self) -> bool:
        """Is there anything?"""
        return bool(self.waiting or self.promoted)

    def enqueue(self, verdicts: Iterable[AnalystVerdict]) -> "PendingCommands":
        """With these too. Any that were entered before are left out."""
        new = [verdict for verdict in verdicts if verdict.verdict_id > self.newest]
        if not new:
            return self
        of_alert = {verdict.alert_id: verdict for verdict in (*self.waiting, *sorted(new, key=_id))}
        waiting = tuple(sorted(of_alert.values(), key=_id))
        return msgspec.structs.replace(self, newest=max(map(_id, new)), waiting=waiting)

    def with_renamed_account(self, old: str, new: str) -> "PendingCommands":
        """With another pseudonym for one of the accounts."""
        if not any(verdict.account == old for verdict in self.waiting):
            return self
        waiting = tuple(
            msgspec.structs.replace(verdict, account=new) if verdict.account == old else verdict
            for verdict in self.waiting
        )
        return msgspec.structs.replace(self, waiting=waiting)

    def without_account(self, account: str) -> "PendingCommands":
        """Without those of an account."""
        waiting = tuple(v for v in self.waiting if v.account != account)
        return msgspec.structs.replace(self, waiting=waiting)

    def with_promotion(self, day: int) -> "PendingCommands":
        """With a version of the models that is to be in force."""
        return msgspec.structs.replace(self, promoted=day)

    def applied(self) -> "PendingCommands":
        """Without what waited."""
        return PendingCommands(self.newest)


def _id(verdict: AnalystVerdict) -> int:
    return verdict.verdict_id


def apply_verdict(episode: Episode, verdict: AnalystVerdict, day: int) -> Episode:
    """The account's newest episode after a verdict that takes effect at the close of local ``day``.

    A verdict of an older alert can only end the quiet that it brought.
    """
    allowances = tuple(a for a in episode.allowances if a.alert_id != verdict.alert_id)
    if verdict.alert_id != episode.alert.alert_id:
        return msgspec.structs.replace(episode, allowances=allowances)
    quiet = None
    if verdict.verdict == EXPECTED and verdict.teaches and verdict.quiet_days > 0:
        groups = groups_of(episode)
        quiet = Suppression(tuple(g.name.lower() for g in groups), day + 1, day + 1 + verdict.quiet_days)
        new = Allowance(verdict.alert_id, sum(1 << g for g in groups), quiet.until)
        allowances = (*allowances, new)[-MOST_ALLOWANCES:]
    return msgspec.structs.replace(
        episode,
        alert=msgspec.structs.replace(episode.alert, quiet=quiet),
        judged="" if verdict.verdict == REOPENED else verdict.verdict,
        teaches=verdict.teaches,
        allowances=allowances,
    )


def training_example(episode: Episode, key: int) -> Examples:
    """What the verdict of an episode teaches the models: what its highest moment was; perhaps nothing.

    It is told again every day, for as long as the verdict stands and is not too old: one that is taken back
    is told no more.
    """
    if not episode.teaches or episode.judged not in TRAINING_LABELS or not episode.moment.fits:
        return Examples()
    return episode.moment.labelled(key, TRAINING_LABELS[episode.judged])


def groups_of(episode: Episode) -> tuple[MeasureGroup, ...]:
    """The groups of the alert's reasons; those of volume tell of one thing and go together."""
    names = {reason.measure.upper() for reason in episode.alert.reasons}
    groups = {MeasureGroup(GROUP_OF[M[name]]) for name in names if name in M.__members__}
    volume = set(list(MeasureGroup)[:VOLUME_GROUPS])
    return tuple(sorted(groups | volume if groups & volume else groups))


def in_force(allowances: Iterable[Allowance], day: int) -> tuple[int, int]:
    """From local ``day`` on: until which day nothing changes, and which groups are quiet (bits)."""
    valid = [a for a in allowances if a.until > day]
    groups = 0
    for allowance in valid:
        groups |= allowance.groups
    return min((a.until for a in valid), default=0), groups
