"""Calibration: the operator's budget of alerts per day -> the threshold of the next day.

The threshold is the score at which the last days would have opened as many alerts as the budget allows,
counting that an account rests after an alert. A slow feedback on the logarithm of the budget takes out what
that estimate misses. Where a fortnight to come would not keep to its budget, the next days make good as much
as that takes and no more: a threshold that swings loses thefts on the days on which it is high. A day counts
as ``FLOOD`` times its budget at most: a thousand thieves at once do not raise the next threshold.
All of it changes only at the close of a day.
"""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

GAIN = 0.1  # of the feedback, per day
FEEDBACK_DAYS = 7  # alerts a day are averaged over these before they are compared with the budget
BAND = 0.05  # of its budget that a fortnight may be off before days make good,
MOST_MORE, MOST_FEWER = 2.0, 2.2  # by at most so many times more, or fewer, alerts a day
FLOOD = 4.0  # times what is wanted of a day that it counts at most
OUTBREAK = 6.0  # times the budget: a day of more is nothing that the next ones make good
CLIP = 1.2  # of the feedback, in units of ln(budget)
FORTNIGHT = 14  # days over which alerts are to keep to the budget
WINDOW_DAYS = 14  # whose scores tell what a threshold would have given
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
    if len(days) > WARM_DAYS:
        lately = [min(d[2], FLOOD * budget) for d in days[-FEEDBACK_DAYS:]]
        step = GAIN * math.log((budget + 0.2) / (sum(lately) / len(lately) + 0.2))
        if step < 0 or old.threshold > FLOOR + 0.01:  # at the floor more alerts cannot be had by wanting more
            feedback = min(CLIP, max(-CLIP, feedback + step))
    wanted = math.exp(feedback) * _made_good([d[2] for d in days[-FORTNIGHT + 1 :]], budget)
    if len(days) <= WARM_DAYS:
        threshold = _prior(days, wanted)
    else:
        threshold = _fit(candidates, wanted * min(len(days), WINDOW_DAYS), FLOOD * wanted)
    return Calibration(threshold=max(FLOOR, threshold), feedback=feedback, days=days, candidates=candidates)


def _made_good(opened: Sequence[int], budget: float) -> float:
    """Alerts wanted of the next day, after days (at most ``FORTNIGHT`` - 1) that opened so many.

    As near to the budget as can be, if with as many on each of the days after it every fortnight that still
    holds some of these days is to be within ``BAND`` of its budget.
    """
    known = [budget if n > OUTBREAK * budget else min(n, FLOOD * budget) for n in opened]
    known = [budget] * (FORTNIGHT - 1 - len(known)) + known
    least, most = -math.inf, math.inf
    for days in range(1, FORTNIGHT):  # that are still to come in a fortnight
        missing = FORTNIGHT * budget - sum(known[days - 1 :])
        least = max(least, (missing - BAND * FORTNIGHT * budget) / days)
        most = min(most, (missing + BAND * FORTNIGHT * budget) / days)
    wanted = min(most, max(least, budget)) if least <= most else (least + most) / 2
    return min(MOST_MORE * budget, max(budget / MOST_FEWER, wanted))


def highest(scores: Sequence[Candidate], budget: float) -> tuple[Candidate, ...]:
    """As many of a day's highest scores as a threshold can depend on, highest first.

    Those of parts of the accounts, put together, hold those of all.
    """
    return tuple(sorted(scores, key=lambda c: (-c.score, c.account))[: most_kept(budget)])


def most_kept(budget: float) -> int:
    """Scores of a day that are kept at most."""
    return max(50, int(KEPT_PER_ALERT * budget))


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
