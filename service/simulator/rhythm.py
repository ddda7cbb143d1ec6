"""When people read: hours of the day, days of the week, the terms of the year.

Hours and weekdays follow the sessions of a French university (minimum 0.4 % at 03 h, peak 10 % at 15 h,
quietest day Saturday).
"""

import datetime as dt
from itertools import accumulate

HOURS = (
    1.6, 1.0, 0.6, 0.4, 0.4, 0.6, 1.2, 2.8, 5.6, 7.6, 8.4, 7.8,
    5.4, 6.6, 8.6, 10.0, 9.0, 7.4, 5.4, 4.2, 3.1, 3.0, 3.0, 2.4,
)  # fmt: skip
WEEKDAYS = (1.18, 1.22, 1.22, 1.19, 0.98, 0.59, 0.63)  # Monday first, mean 1
_CUMULATIVE = tuple(accumulate(HOURS))
# (month, day) from which a factor holds: terms, exam weeks, vacations of a northern university
_YEAR = (
    ((1, 1), 0.6), ((1, 5), 1.5), ((1, 25), 1.0), ((2, 1), 1.2), ((4, 1), 0.85), ((4, 20), 1.2),
    ((5, 4), 1.5), ((5, 30), 1.0), ((6, 20), 0.6), ((7, 5), 0.45), ((9, 1), 0.65), ((9, 19), 1.0),
    ((10, 5), 1.1), ((10, 17), 1.35), ((11, 1), 1.1), ((12, 1), 1.3), ((12, 19), 0.35),
)  # fmt: skip


def season(date: dt.date) -> float:
    """Students' appetite on the date, about 1 in term."""
    factor = _YEAR[0][1]
    for since, value in _YEAR:
        if (date.month, date.day) >= since:
            factor = value
    return factor


def second_of_day(uniform: float, fraction: float, shift_hours: int) -> int:
    """A second of the local day by the hour profile, moved by ``shift_hours`` (night workers, abroad)."""
    point = uniform * _CUMULATIVE[-1]
    hour = next(index for index, edge in enumerate(_CUMULATIVE) if point < edge or index == 23)
    return (hour + shift_hours) % 24 * 3600 + int(fraction * 3600)
