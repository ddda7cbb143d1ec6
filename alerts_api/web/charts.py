"""Charts as SVG text: pure functions of numbers, styled by the page's classes.

No script and no inline style, so they work under the pages' strict policy, print, and can be tested
as text. Each is an image with a sentence as its name; the page puts the numbers in a table beside it.
"""

from collections.abc import Sequence
from math import sqrt

import msgspec
from markupsafe import Markup

WIDTH, HEIGHT = 720, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 18, 28
_BAR = 96


class Point(msgspec.Struct, frozen=True):
    """One observation of a time line."""

    label: str  # of the table
    tick: str  # of the axis, "" for none
    value: float
    end: float  # end of the point's span on the time axis; its start is ``at``
    at: float


class Line(msgspec.Struct, frozen=True):
    """A time line: what was observed, the usual band from 0 to ``usual``, and moments to mark."""

    points: tuple[Point, ...]
    usual: float
    moments: tuple[tuple[float, str], ...]  # (place on the time axis, word)
    sentence: str


def line_chart(line: Line) -> Markup:
    """The observed steps over the expected band, with values above the band dotted."""
    if not line.points:
        return Markup("")
    scale = _Scale(line)
    parts = [_grid(scale), _band(scale, line.usual), _steps(scale, line.points), _dots(scale, line)]
    parts += [_axis(scale, line.points), *(_moment(scale, at, word) for at, word in line.moments)]
    return Markup('<svg class="chart" role="img" viewBox="0 0 {} {}" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, line.sentence, Markup("").join(parts)
    )


def share_bar(share: float) -> Markup:
    """A bar filled to ``share`` (0 to 1). Decoration: the number stands beside it."""
    filled = max(0.0, min(1.0, share)) * _BAR
    return Markup(
        '<svg class="bar" aria-hidden="true" viewBox="0 0 {0} 8" width="{0}" height="8">'
        '<rect class="bar-track" width="{0}" height="8" rx="2"/>'
        '<rect class="bar-fill" width="{1:.1f}" height="8" rx="2"/></svg>'
    ).format(_BAR, filled)


def nice_top(highest: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten (at least 4) that is not below ``highest``.

    >>> nice_top(3), nice_top(31), nice_top(412)
    (4, 50, 500)
    """
    if highest <= 4:
        return 4
    power = 1
    while power * 10 < highest:
        power *= 10
    return next(step * power for step in (1, 2, 5, 10) if step * power >= highest)


class _Scale:
    """From observations to places in the picture."""

    def __init__(self, line: Line) -> None:
        self.start, self.end = line.points[0].at, line.points[-1].end
        self.top = nice_top(max(line.usual, *(point.value for point in line.points), 0))

    def x(self, at: float) -> float:
        share = (at - self.start) / max(self.end - self.start, 1e-9)
        return _LEFT + max(0.0, min(1.0, share)) * (WIDTH - _LEFT - _RIGHT)

    def inside(self, at: float) -> bool:
        """Whether a word centred there keeps clear of the edges."""
        return _LEFT + 20 < self.x(at) < WIDTH - 30

    def y(self, value: float) -> float:
        """Heights grow with the square root: a burst stays inside while the usual band can be seen."""
        return HEIGHT - _BOTTOM - sqrt(max(0.0, value) / self.top) * (HEIGHT - _TOP - _BOTTOM)


def _grid(scale: _Scale) -> Markup:
    cell = Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
        '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{:g}</text>'
    )
    values = (0, scale.top / 10, scale.top / 2, scale.top)
    rows = ((value, scale.y(value)) for value in values)
    return Markup("").join(
        cell.format(_LEFT, WIDTH - _RIGHT, y, y, _LEFT - 6, y + 4, value) for value, y in rows
    )


def _band(scale: _Scale, usual: float) -> Markup:
    if usual <= 0:
        return Markup("")
    top, floor = scale.y(usual), scale.y(0)
    return Markup(
        '<rect class="band" x="{0}" y="{1:.1f}" width="{2}" height="{3:.1f}"/>'
        '<line class="band-edge" x1="{0}" x2="{4}" y1="{1:.1f}" y2="{1:.1f}"/>'
    ).format(_LEFT, top, WIDTH - _LEFT - _RIGHT, max(floor - top, 1.0), WIDTH - _RIGHT)


def _steps(scale: _Scale, points: Sequence[Point]) -> Markup:
    first = points[0]
    path = [f"M{scale.x(first.at):.1f} {scale.y(first.value):.1f}"]
    for point in points:
        path.append(f"L{scale.x(point.at):.1f} {scale.y(point.value):.1f}")
        path.append(f"L{scale.x(point.end):.1f} {scale.y(point.value):.1f}")
    return Markup('<path class="observed" d="{}"/>').format(" ".join(path))


def _dots(scale: _Scale, line: Line) -> Markup:
    dot = Markup('<circle class="above" cx="{:.1f}" cy="{:.1f}" r="3.5"/>')
    above = (point for point in line.points if point.value > line.usual)
    return Markup("").join(
        dot.format((scale.x(point.at) + scale.x(point.end)) / 2, scale.y(point.value)) for point in above
    )


def _axis(scale: _Scale, points: Sequence[Point]) -> Markup:
    # Every other tick is minor: left out where the screen is narrow.
    label = Markup('<text class="tick{}" x="{:.1f}" y="{}" text-anchor="middle">{}</text>')
    shown = [point for point in points if point.tick and scale.inside(point.at)]
    return Markup("").join(
        label.format(" minor" if n % 2 else "", scale.x(point.at), HEIGHT - 6, point.tick)
        for n, point in enumerate(shown)
    )


def _moment(scale: _Scale, at: float, word: str) -> Markup:
    x = scale.x(at)
    side, shift = ("end", -5) if x > WIDTH * 0.8 else ("start", 5)
    return Markup(
        '<line class="moment" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>'
        '<text class="moment-word" x="{3:.1f}" y="{4}" text-anchor="{5}">{6}</text>'
    ).format(x, _TOP - 8, HEIGHT - _BOTTOM, x + shift, _TOP + 2, side, word)
