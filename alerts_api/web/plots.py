"""Plots of an evaluation's figures as SVG text, like those of ``charts``: pure, no script, no inline style.

Each is an image with a sentence as its name; the page puts the numbers in a table beside it.
"""

from collections.abc import Callable, Sequence

import msgspec
from markupsafe import Markup

from alerts_api.web.charts import WIDTH, nice_top

_LABELS, _RIGHT, _ROW = 300, 20, 22
_SIDE, _LEFT, _BOTTOM, _TOP = 320, 44, 34, 10
_HEAD = 8


class Whisker(msgspec.Struct, frozen=True):
    """A value with its interval."""

    label: str
    value: float
    low: float
    high: float


class Spot(msgspec.Struct, frozen=True):
    """A value at a place, with its interval."""

    at: float
    value: float
    low: float
    high: float


def whiskers(rows: Sequence[Whisker], sentence: str, *, top: float, marks: Sequence[float] = ()) -> Markup:
    """Rows of dots with intervals from 0 to ``top``, what is beyond cut off; lines at ``marks``."""
    if not rows:
        return Markup("")
    height = _HEAD + len(rows) * _ROW + 24

    def x(value: float) -> float:
        return _LABELS + max(0.0, min(1.0, value / top)) * (WIDTH - _LABELS - _RIGHT)

    floor = _HEAD + len(rows) * _ROW
    ticks = Markup("").join(_tick(x(top * n / 4), floor, top * n / 4) for n in range(5))
    lines = Markup("").join(_mark(x(mark), floor) for mark in marks)
    body = Markup("").join(_row(row, x, _HEAD + n * _ROW + _ROW / 2) for n, row in enumerate(rows))
    return _image("chart", WIDTH, height, sentence, ticks + lines + body)


def spots(
    points: Sequence[Spot], sentence: str, *, across: str, up: str, wide: float, diagonal: bool = False
) -> Markup:
    """Dots with upright intervals, joined, from 0 to ``wide`` and to 1; ``diagonal`` where both are equal."""
    if not points:
        return Markup("")

    def x(value: float) -> float:
        return _LEFT + value / wide * (_SIDE - _LEFT - _TOP)

    def y(value: float) -> float:
        return _SIDE - _BOTTOM - value * (_SIDE - _BOTTOM - _TOP)

    frame = Markup("").join(_cross(x, y, n / 4, wide) for n in range(5))
    words = Markup(
        '<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>'
        '<text class="tick" x="{}" y="{}">{}</text>'
    ).format(_SIDE - _TOP, _SIDE - 4, across, _LEFT + 4, _TOP + 12, up)
    if diagonal:
        words += Markup('<line class="band-edge" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
            x(0), y(0), x(wide), y(1)
        )
    path = " ".join(f"{'M' if n == 0 else 'L'}{x(p.at):.1f} {y(p.value):.1f}" for n, p in enumerate(points))
    dot = Markup(
        '<line class="whisker" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>'
        '<circle class="spot" cx="{0:.1f}" cy="{3:.1f}" r="4"/>'
    )
    dots = Markup("").join(dot.format(x(p.at), y(p.low), y(p.high), y(p.value)) for p in points)
    joined = Markup('<path class="observed" d="{}"/>').format(path)
    return _image("chart square", _SIDE, _SIDE, sentence, frame + words + joined + dots)


def reach(points: Sequence[Spot]) -> float:
    """How wide a plot must be: the next round number."""
    return nice_top(max((p.at for p in points), default=1.0))


def _image(classes: str, width: float, height: float, sentence: str, body: Markup) -> Markup:
    return Markup('<svg class="{}" role="img" viewBox="0 0 {} {:g}" aria-label="{}">{}</svg>').format(
        classes, width, height, sentence, body
    )


def _tick(x: float, floor: float, value: float) -> Markup:
    return Markup(
        '<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>'
        '<text class="tick" x="{0:.1f}" y="{3}" text-anchor="middle">{4:g}</text>'
    ).format(x, _HEAD, floor, floor + 16, value)


def _mark(x: float, floor: float) -> Markup:
    return Markup('<line class="moment" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(
        x, _HEAD, floor
    )


def _row(row: Whisker, x: Callable[[float], float], y: float) -> Markup:
    return Markup(
        '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
        '<line class="whisker" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>'
        '<circle class="spot" cx="{:.1f}" cy="{:.1f}" r="4"/>'
    ).format(_LABELS - 10, y + 4, row.label, x(row.low), x(row.high), y, y, x(row.value), y)


def _cross(x: Callable[[float], float], y: Callable[[float], float], share: float, wide: float) -> Markup:
    return Markup(
        '<line class="grid" x1="{0:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{2:.1f}"/>'
        '<text class="tick" x="{3:.1f}" y="{4:.1f}" text-anchor="end">{5:g}</text>'
        '<text class="tick" x="{6:.1f}" y="{7}" text-anchor="middle">{8:g}</text>'
    ).format(
        x(0),
        x(wide),
        y(share),
        x(0) - 6,
        y(share) + 4,
        share,
        x(wide * share),
        _SIDE - _BOTTOM + 14,
        wide * share,
    )
