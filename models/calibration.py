"""Calibration: the operator's budget of alerts per day -> the threshold of the next day.

The threshold is the score at which the last days would have opened as many alerts as the budget allows,
counting that an account rests after an alert. A slow feedback on the logarithm of the budget takes out what
that estimate misses, and what the last fortnight gave too many or too few, the next days make good. A day
counts as ``FLOOD`` times that at most: a thousand thieves at once do not raise the next threshold.
All of it changes only at the close of a day.
"""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

GAIN = 0.1  # of the feedback, per day
FEEDBACK_DAYS = 7  # alerts a day are averaged over these before they are compared with the budget
GOOD_DAYS = 2.0  # within which what was too many or too few is made good,
MOST_MORE, MOST_FEWER = 2.0, 3.0  # by at most so many times more, or fewer, alerts a day
FLOOD = 4.0  # times what is wanted of a day that it counts at most
OUTBREAK = 6.0  # times the budget: a day of more is nothing that the next ones make good
CLIP = 1.2  # of the feedback, in units of ln(budget)
FORTNIGHT = 14  # days over which alerts are to keep to the budget
WINDOW_DAYS = 8  # whose scores tell what a threshold would have given
WARM_DAYS = 3  # before that, the prior threshold
FLOOR = 2.5  # -ln share: a quiet day shall not fill the queue with noise
REST_DAYS = 3
KEPT_PER_ALERT = 40  # candidates kept per day, in budgets


class Candidate(msgspec.Struct, frozen=True, array_like=True):
    """The highest score of one account on one day."""

    day: int
    account: int  # any stable hash
    score: float


class Calibration(msgspec.Struct, frozen=True):
    """What is remembered; ``threshold`` is in force until the next close."""

    threshold: float = 6.0
    feedback: float = 0.0
    days: tuple[tuple[int, int, int], ...] = ()  # (day, active accounts, alerts opened)
    candidates: tuple[Candidate, ...] = ()


def close_day(
    old: Calibration, day: int, active: int, opened: int, scores: Sequence[Candidate], budget: float
) -> Calibration:
    """Take in a day and set the next threshold.

    ``scores`` are that day's account maxima above ``FLOOR``; ``opened`` counts real alerts.
    """
    since = day - WINDOW_DAYS
    days = (*(d for d in old.days if d[0] > day - FORTNIGHT), (day, active, opened))
    candidates = (*(c for c in old.candidates if c.day > since), *highest(scores, budget))
    feedback = old.feedback
    given = [min(d[2], FLOOD * budget) for d in days[-FORTNIGHT + 1 :]]
    if len(days) > WARM_DAYS:
        lately = given[-FEEDBACK_DAYS:]
        step = GAIN * math.log((budget + 0.2) / (sum(lately) / len(lately) + 0.2))
        if step < 0 or old.threshold > FLOOR + 0.01:  # at the floor more alerts cannot be had by wanting more
            feedback = min(CLIP, max(-CLIP, feedback + step))
    outbreaks = sum(d[2] > OUTBREAK * budget for d in days[-FORTNIGHT + 1 :])
    missing = (len(given) + outbreaks * (FLOOD - 1.0) - sum(given) / budget) / GOOD_DAYS  # budgets a day
    wanted = budget * math.exp(feedback) * min(MOST_MORE, max(1.0 / MOST_FEWER, 1.0 + missing))
    if len(days) <= WARM_DAYS:
        threshold = _prior(days, wanted)
    else:
        threshold = _fit(candidates, wanted * min(len(days), WINDOW_DAYS), FLOOD * wanted)
    return Calibration(threshold=max(FLOOR, threshold), feedback=feedback, days=days, candidates=candidates)


def highest(scores: Sequence[Candidate], budget: float) -> tuple[Candidate, ...]:
    """As many of a day's highest scores as a threshold can depend on, highest first.

    Those of parts of the accounts, put together, hold those of all.
    """
    most = max(50, int(KEPT_PER_ALERT * budget))
    return tuple(sorted(scores, key=lambda c: (-c.score, c.account))[:most])


def _prior(days: Sequence[tuple[int, int, int]], wanted: float) -> float:
    """While there is no history: scores are ``-ln share`` by construction."""
    active = sum(d[1] for d in days) / len(days)
    return math.log(max(active, 50.0) / wanted)


def _fit(candidates: Sequence[Candidate], wanted: float, flood: float) -> float:
    """Lowest score at which at most ``wanted`` alerts would have been opened in the window."""
    low, high = FLOOR, max((c.score for c in candidates), default=FLOOR) + 0.1
    ordered = sorted(candidates, key=lambda c: c.day)
    for _ in range(30):
        middle = (low + high) / 2
        if _openings(ordered, middle, flood) > wanted:
            low = middle
        else:
            high = middle
    return high


def _openings(ordered: Sequence[Candidate], threshold: float, flood: float) -> float:
    """Alerts that a threshold would have opened, an account resting ``REST_DAYS`` after its last."""
    last: dict[int, int] = {}
    on = Counter[int]()
    for c in ordered:
        if c.score < threshold:
            continue
        if c.day - last.get(c.account, -999) > REST_DAYS:
            on[c.day] += 1
        last[c.account] = c.day
    return sum(min(count, flood) for count in on.values())


def probability(score: float, prior: float) -> float:
    """That the account is stolen, by Bayes' rule.

    ``prior`` is the share of account-days that are thefts; seven of ten thefts are taken to reach any
    score, ``exp(-score)`` of ordinary account-days do. An estimate under a stated prior, no frequency.
    """
    odds = 0.7 * prior / ((1.0 - prior) * math.exp(-score))
    return odds / (1.0 + odds)
