"""Figures as SVG that carries both languages and takes its colours from the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from wayside.evidence.words import both, number
from wayside.report import Figure, Series
from wayside.table import F64

WIDTH, HEIGHT = 620, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 34, 46
BAR = 15  # thickness of a lying bar
BAR_ROW = 30  # least height of one name among lying bars
BAR_NAMES = 230  # room for the names
MOST_POINTS = 900  # of one curve; beyond that only each stretch's extremes are drawn
COLOURS = 6  # that the page's style sheet gives to series


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values on a range of pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def over(cls, values: F64, start: float, end: float, *, log: bool = False, zero: bool = False) -> Axis:
        """Make an axis on which all finite values fit, with round ends; from zero on if asked."""
        values = values[np.isfinite(values)]
        if log:
            values = values[values > 0]
            low, high = (values.min(), values.max()) if len(values) else (1.0, 10.0)
            low, high = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
            return cls(low, high if high > low else low * 10, start, end, log=True)
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        if zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):  # one value, or as good as one
            low, high = (low - 0.5, high + 0.5) if abs(low) > 1e-300 else (0.0, 1.0)
        step = _step(high - low)
        return cls(math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step, start, end)

    def at(self, value: F64) -> F64:
        """Return the pixels of values; NaN where a logarithm has no place for one."""
        low, high = self.low, self.high
        if self.log:
            value = np.log10(np.where(value > 0, value, np.nan))
            low, high = math.log10(low), math.log10(high)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return where marks stand.

        >>> Axis(0.0, 8.0, 0, 1).ticks()
        [0.0, 2.0, 4.0, 6.0, 8.0]
        >>> Axis(0.1, 100.0, 0, 1, log=True).ticks()
        [0.1, 1.0, 10.0, 100.0]
        """
        if self.log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            return [float(f"1e{e}") for e in range(first, last + 1, max(1, (last - first) // 5))]
        step = _step(self.high - self.low)
        first, last = round(self.low / step), round(self.high / step)
        return [round(n * step, 10) + 0.0 for n in range(first, last + 1)]


def _step(span: float) -> float:
    """Return a round step that cuts a span into four to eight parts."""
    size = 10.0 ** math.floor(math.log10(span / 4))
    return next(size * m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if span / (size * m) <= 6.5)


def draw(figure: Figure, label: str) -> Markup:
    """Return a figure as SVG.

    Bars with names lie, with their names at the left; bars over numbers stand. Curves have gaps where a value is
    unknown.

    Args:
        figure: what to draw.
        label: identity of the element that names it, for readers of the page that do not see it.
    """
    xs = [_numbers(s) for s in figure.series]
    if figure.kind == "bar" and not all(len(x) == len(s.y) for x, s in zip(xs, figure.series, strict=True)):
        return _named_bars(figure, label)
    ys = [np.asarray(s.y, np.float64) for s in figure.series]
    every_x = np.concatenate(xs) if xs else np.empty(0)
    every_y = np.concatenate(ys) if ys else np.empty(0)
    bar = figure.kind == "bar"
    half = 0.0
    if bar and len(np.unique(every_x)) > 1:
        half = float(np.diff(np.unique(every_x)).min()) / 2
    horizontal = Axis.over(np.concatenate([every_x - half, every_x + half]), LEFT, WIDTH - RIGHT)
    vertical = Axis.over(every_y, HEIGHT - BOTTOM, TOP, log=figure.log_y, zero=not figure.log_y)
    parts = [_grid(figure, horizontal, vertical)]
    for index, (x, y) in enumerate(zip(xs, ys, strict=True)):
        px, py = horizontal.at(x), vertical.at(y)
        css = f"s{index % COLOURS}"
        match figure.kind:
            case "scatter":
                parts.append(_dots(px, py, css))
            case "bar":
                width = abs(horizontal.at(np.array([half * 2]))[0] - horizontal.at(np.array([0.0]))[0]) or 24.0
                share = width * 0.86 / len(xs)
                left = px - width * 0.43 + share * index
                floor = vertical.start if figure.log_y else float(vertical.at(np.array([0.0]))[0])
                parts.append(_standing_bars(left, py, share, floor, css))
            case _:
                parts.append(_curve(px, py, css, stepped=figure.kind == "step"))
    return _svg(WIDTH, HEIGHT, label, parts)


def _numbers(series: Series) -> F64:
    """Return where a series stands as numbers, though they may come as texts; none where a name is no number."""
    try:
        return np.array([float(x) for x in series.x], np.float64)
    except ValueError:
        return np.empty(0)


def legend(figure: Figure) -> Markup:
    """Return the names of a figure's series beside their marks, or nothing for a single one."""
    if len(figure.series) < 2:
        return Markup("")
    line = Markup('<line x1="0" x2="22" y1="5" y2="5" class="curve s{}"/>')
    mark = Markup('<li><svg width="22" height="10" aria-hidden="true">{}</svg>{}</li>')
    items = (mark.format(line.format(i % COLOURS), both(s.text)) for i, s in enumerate(figure.series))
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


def _svg(width: float, height: float, label: str, parts: list[Markup]) -> Markup:
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-labelledby="{}">{}</svg>').format(
        f"{width:g}", f"{height:g}", label, Markup("").join(parts)
    )


def _grid(figure: Figure, horizontal: Axis, vertical: Axis) -> Markup:
    parts = []
    for value, y in zip(vertical.ticks(), vertical.at(np.array(vertical.ticks())), strict=True):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    for value, x in zip(horizontal.ticks(), horizontal.at(np.array(horizontal.ticks())), strict=True):
        bottom = HEIGHT - BOTTOM
        parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>')
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{number(value)}</text>'
        )
    parts.append(
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>'
    )
    end = f'class="name" x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end"'
    parts.append(both(figure.x_text, "text", end))
    parts.append(both(figure.y_text, "text", 'class="name" x="4" y="16"'))
    return Markup("").join(Markup(p) for p in parts)


def _curve(x: F64, y: F64, css: str, *, stepped: bool) -> Markup:
    x, y = _thinned(x, y)
    path: list[str] = []
    pen_up, last = True, 0.0
    for px, py in zip(x.tolist(), y.tolist(), strict=True):
        if math.isnan(px) or math.isnan(py):
            pen_up = True
            continue
        if pen_up:
            path.append(f"M{px:.1f} {py:.1f}")
        elif stepped:
            path.append(f"H{px:.1f}V{py:.1f}" if py != last else f"H{px:.1f}")
        else:
            path.append(f"L{px:.1f} {py:.1f}")
        pen_up, last = False, py
    return Markup('<path class="curve {}" d="{}"/>').format(css, "".join(path))


def _thinned(x: F64, y: F64) -> tuple[F64, F64]:
    """Return a curve with no more points than pixels can show, keeping each stretch's lowest and highest."""
    if len(x) <= MOST_POINTS:
        return x, y
    cuts = np.linspace(0, len(x), MOST_POINTS // 2 + 1).astype(np.int64)
    keep = [0, len(x) - 1]
    for begin, end in pairwise(cuts.tolist()):
        part = y[begin:end]
        unknown = np.isnan(part)
        if unknown.any():
            keep.append(int(begin + np.argmax(unknown)))
        if not unknown.all():
            keep += [int(begin + np.nanargmin(part)), int(begin + np.nanargmax(part))]
    rows = np.unique(keep)
    return x[rows], y[rows]


def _dots(x: F64, y: F64, css: str) -> Markup:
    stride = max(1, len(x) // 1500)
    shown = zip(x[::stride].tolist(), y[::stride].tolist(), strict=True)
    path = "".join(f"M{px:.1f} {py:.1f}h0" for px, py in shown if not (math.isnan(px) or math.isnan(py)))
    return Markup('<path class="dots {}" d="{}"/>').format(css, path)


def _standing_bars(left: F64, top: F64, width: float, floor: float, css: str) -> Markup:
    bars = (
        f'<rect x="{x:.1f}" y="{min(y, floor):.1f}" width="{max(width, 0.5):.1f}" height="{abs(floor - y):.1f}"/>'
        for x, y in zip(left.tolist(), top.tolist(), strict=True)
        if not (math.isnan(x) or math.isnan(y))
    )
    return Markup('<g class="bars {}">{}</g>').format(css, Markup("".join(bars)))


def _named_bars(figure: Figure, label: str) -> Markup:
    names = list(dict.fromkeys(str(name) for s in figure.series for name in s.x))
    every = np.concatenate([np.asarray(s.y, np.float64) for s in figure.series])
    axis = Axis.over(every, BAR_NAMES, WIDTH - 64, log=figure.log_y, zero=not figure.log_y)
    row_height = max(BAR_ROW, BAR * len(figure.series) + 12)
    height = TOP + row_height * len(names) + 10
    zero = axis.start if axis.log else float(axis.at(np.array([0.0]))[0])
    parts = [both(figure.y_text, "text", f'class="name" x="{BAR_NAMES}" y="16"')]
    for row, name in enumerate(names):
        y = TOP + row_height * row
        parts.append(
            both(
                name, "text", f'class="tick" x="{BAR_NAMES - 10}" y="{y + row_height / 2 + 4:g}" text-anchor="end"'
            )
        )
        parts += _named_row(figure.series, name, axis, zero, y + (row_height - BAR * len(figure.series)) / 2)
    bottom = TOP + row_height * len(names)
    parts.append(Markup(f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="{TOP}" y2="{bottom}"/>'))
    end = f'class="name" x="{BAR_NAMES - 10}" y="16" text-anchor="end"'
    parts.append(both(figure.x_text, "text", end))
    return _svg(WIDTH, height, label, parts)


def _named_row(series: tuple[Series, ...], name: str, axis: Axis, zero: float, y: float) -> list[Markup]:
    parts = []
    for index, one in enumerate(series):
        places = [i for i, n in enumerate(one.x) if str(n) == name]
        if not places or math.isnan(value := float(one.y[places[0]])):
            continue
        x = float(axis.at(np.array([value]))[0])
        top = y + BAR * index
        left, width = min(x, zero), abs(x - zero)
        parts.append(
            Markup(
                f'<g class="bars s{index % COLOURS}"><rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
                f'height="{BAR - 2}"/></g><text class="tick" x="{max(x, zero) + 6:.1f}" '
                f'y="{top + 11:.1f}">{number(value)}</text>'
            )
        )
    return parts
