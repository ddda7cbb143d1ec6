"""Alerting: one alert per account and episode, which grows instead of repeating.

An episode opens when a score passes the threshold. Until the account has rested, whatever it does
belongs to the same alert. Later it opens a new one only with a new kind of reason or clearly more
evidence, or once the old one is two weeks past: the same harmless habit is not shown again and again.
"""

from enum import StrEnum
from hashlib import sha256

import msgspec
import numpy as np

from models.calibration import probability
from service.kernel.training_rows import Examples
from service.policy.model import Policy
from service.records.events import Alert, Reason

COOLDOWN = 3 * 86400  # s after the last passing score
EXPIRY = 14 * 86400
STRONGER = 1.5  # more in -ln share


class Allowance(msgspec.Struct, frozen=True):
    """Kinds of evidence that a verdict found to be expected of an account."""

    alert_id: str
    groups: int  # bits of service.kernel.measures.Group
    until: int  # first local day on which they count again


class Episode(msgspec.Struct, frozen=True):
    """The newest episode of an account; kept with its state."""

    alert: Alert
    passed_at: int  # event time of the newest score above the threshold
    events_before: int
    documents_before: int
    opened_on: int  # local day of the site
    judged: str = ""  # the newest verdict of its alert that has taken effect
    teaches: bool = False  # may that verdict teach the models?
    moment: Examples = Examples()  # the one of its highest score
    allowances: tuple[Allowance, ...] = ()  # of the account, oldest first


class Decision(StrEnum):
    """What a scored moment means for the analysts, and why."""

    NO_ALERT = "below the threshold, no episode"
    OPENED = "above the threshold: a new episode"
    GREW = "belongs to the open episode"
    REPEATED = "above the threshold, but as the last episode: belongs to it"


def decide(
    episode: Episode | None,
    time: int,
    score: float,
    threshold: float,
    detections: tuple[str, ...],
    blatant: bool = False,
) -> Decision:
    """What to do with a scored moment at event time ``time`` (s UTC); a blatant one is never a repetition."""
    passes = score >= threshold
    if episode is None:
        return Decision.OPENED if passes else Decision.NO_ALERT
    since = time - episode.passed_at
    if since <= COOLDOWN and not episode.judged:
        return Decision.GREW
    if not passes:
        return Decision.NO_ALERT
    news = bool(detections) and detections[0] not in episode.alert.detections
    stronger = score >= episode.alert.score + STRONGER
    # A judged alert is done with: nobody would look there for what is of another kind.
    if since > EXPIRY or news or blatant or (stronger and since > COOLDOWN):
        return Decision.OPENED
    return Decision.GREW if since <= COOLDOWN else Decision.REPEATED


def needs_new_reasons(episode: Episode | None, time: int, score: float) -> bool:
    """Are the reasons of this moment needed: for a new episode, or as the strongest of the open one?"""
    if episode is None or episode.judged:
        return True
    return score > episode.alert.score or time - episode.passed_at > COOLDOWN


def open_episode(
    account: str,
    time: int,
    sequence: int,
    day: int,
    state: np.void,
    groups: tuple[str, ...] = (),
    before: Episode | None = None,
) -> Episode:
    """A new, still empty episode, opened on ``day`` by event number ``sequence`` that ``state`` includes.

    ``groups`` of readers are those that the account belongs to now; ``before`` is its last episode, whose
    allowances go on.
    """
    alert = Alert(
        alert_id=alert_id(account, time, sequence),
        account=account,
        opened_at=time,
        updated_at=time,
        score=0.0,
        probability=0.0,
        detections=(),
        reasons=(),
        summary="",
        events=0,
        documents=0,
        policy="",
        model="",
        day=day,
        groups=groups,
    )
    documents = int(state["documents"]) - int(state["document_time"] == state["last_time"])
    allowances = before.allowances if before else ()
    return Episode(alert, time, int(state["events"]) - 1, documents, day, allowances=allowances)


def extend_episode(
    episode: Episode,
    time: int,
    state: np.void,
    seen: Examples,
    score: float,
    threshold: float,
    found: tuple[Reason, ...],
    policy: Policy,
    model: str,
) -> Episode:
    """The episode with one more scored moment, ``seen``; its reasons are those of its highest score."""
    old, highest = episode.alert, episode.moment
    alert = msgspec.structs.replace(
        old,
        updated_at=max(time, old.updated_at),
        events=int(state["events"]) - episode.events_before,
        documents=int(state["documents"]) - episode.documents_before,
    )
    if score > old.score:
        highest = seen
        prior = policy.budget.thefts_per_10000_account_days / 1e4
        alert = msgspec.structs.replace(
            alert,
            score=round(score, 6),
            probability=round(probability(score, prior), 6),
            detections=tuple(r.detection for r in found),
            reasons=found,
            summary=summary(found),
            policy=policy.hash,
            model=model,
        )
    passed_at = max(time, episode.passed_at) if score >= threshold else episode.passed_at
    return msgspec.structs.replace(episode, alert=alert, passed_at=passed_at, moment=highest)


def summary(found: tuple[Reason, ...]) -> str:
    """The two strongest reasons in one sentence."""
    if not found:
        return "Several measures together are unusual, none of them alone."
    sentence = ", and ".join([found[0].text, *(r.text.split(";")[0] for r in found[1:2])])
    return sentence[0].upper() + sentence[1:] + "."


def alert_id(account: str, time: int, sequence: int) -> str:
    """Short, stable and without meaning: the same event always opens the same alert."""
    digest = sha256(f"journalguard/alert/v1\0{account}\0{time}\0{sequence}".encode()).hexdigest()
    return f"JG-{digest[:10].upper()}"
