"""Small plots as SVG: bars, curves and intervals on two linear axes.

A plot is 360 units wide, which is legible on a phone. Colors are CSS classes of `style.css`, so a figure follows the
reader's light or dark theme.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final, NamedTuple, TypeAlias

WIDTH: Final = 360
_LEFT: Final = 44
_RIGHT: Final = 12
_TOP: Final = 26
_BOTTOM: Final = 40

Format: TypeAlias = Callable[[float], str]
"""Formats a number of an axis."""


class Point(NamedTuple):
    """A point in data coordinates; on a category axis, x is the number of the category."""

    x: float
    y: float


class Plot:
    """A plot with two linear axes, to which marks are added; `svg` returns the drawing.

    Args:
        title: text for screen readers.
        x_range: data coordinates of the left and right edge.
        y_range: data coordinates of the bottom and top edge.
        x_label: label below the x axis.
        y_label: label above the y axis.
        height: height of the drawing in units.
    """

    def __init__(
        self,
        title: str,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
        *,
        x_label: str,
        y_label: str,
        height: int = 240,
    ) -> None:
        self._title, self._height = title, height
        self._x_range, self._y_range = x_range, y_range
        self._marks = [
            _text(_LEFT - 34, 14, y_label, "label"),
            _text((_LEFT + WIDTH - _RIGHT) / 2, height - 6, x_label, "label", anchor="middle"),
        ]

    def x(self, value: float) -> float:
        """Convert an x value from data to drawing coordinates."""
        low, high = self._x_range
        return _LEFT + (value - low) / (high - low) * (WIDTH - _RIGHT - _LEFT)

    def y(self, value: float) -> float:
        """Convert a y value from data to drawing coordinates, clipped to the plot."""
        low, high = self._y_range
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return self._height - _BOTTOM - share * (self._height - _BOTTOM - _TOP)

    def y_ticks(self, form: Format) -> None:
        """Draw horizontal grid lines and numbers at round values."""
        for value in ticks(*self._y_range):
            y = self.y(value)
            self._marks.append(_line(_LEFT, y, WIDTH - _RIGHT, y, "zero" if value == 0 else "grid"))
            self._marks.append(_text(_LEFT - 6, y + 4, form(value), "tick", anchor="end"))

    def x_ticks(self, form: Format) -> None:
        """Draw numbers below the x axis at round values."""
        for value in ticks(*self._x_range):
            self._marks.append(_text(self.x(value), self._height - _BOTTOM + 16, form(value), "tick", anchor="middle"))

    def categories(self, names: Sequence[str]) -> None:
        """Draw category names below the x axis, at 0, 1, 2 and so on."""
        for number, name in enumerate(names):
            self._marks.append(_text(self.x(number), self._height - _BOTTOM + 16, name, "tick", anchor="middle"))

    def bar(self, x: float, width: float, low: float, high: float, style: str, note: str) -> None:
        """Draw a bar from `low` to `high`, `width` wide around x in data coordinates; `note` is its tooltip."""
        left, right = self.x(x - width / 2), self.x(x + width / 2)
        top, bottom = sorted((self.y(low), self.y(high)))
        self._marks.append(
            f'<rect class="{style}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
            f'height="{bottom - top:.1f}"><title>{escape(note)}</title></rect>'
        )

    def curve(self, points: Sequence[Point], style: str, notes: Sequence[str] = ()) -> None:
        """Draw a line through points; with notes, each point is a dot with its note as the tooltip."""
        pixels = [(self.x(point.x), self.y(point.y)) for point in points]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
        self._marks.append(f'<polyline class="line {style}" points="{joined}"/>')
        for (x, y), note in zip(pixels, notes, strict=False):
            self._marks.append(
                f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{escape(note)}</title></circle>'
            )

    def svg(self) -> str:
        """Return the drawing."""
        return _svg(self._title, self._height, self._marks)


class Row(NamedTuple):
    """A row of an interval plot: a value with its interval, and the text beside it."""

    name: str
    value: float
    low: float
    high: float
    shown: str
    style: str


def interval_plot(title: str, rows: Sequence[Row], form: Format, x_label: str) -> str:
    """Return a plot with a row for each name: the value as a dot on its interval, and the value in words."""
    low = min((row.low for row in rows if math.isfinite(row.low)), default=0.0)
    high = max((row.high for row in rows if math.isfinite(row.high)), default=1.0)
    margin = 0.04 * (high - low) or 1.0
    low, high = low - margin, high + margin
    step, height = 36, 36 * len(rows) + 40

    def x(value: float) -> float:
        return 8 + (min(max(value, low), high) - low) / (high - low) * (WIDTH - 16)

    bottom = height - 34
    marks = [_line(x(value), 4, x(value), bottom, "grid") for value in ticks(low, high)]
    marks += [_text(x(value), bottom + 14, form(value), "tick", anchor="middle") for value in ticks(low, high)]
    marks.append(_text(WIDTH / 2, height - 4, x_label, "label", anchor="middle"))
    for number, row in enumerate(rows):
        y = step * number + 28
        marks.append(_text(4, y - 11, row.name, "name"))
        marks.append(_text(WIDTH - 4, y - 11, row.shown, "name", anchor="end"))
        if math.isfinite(row.value):
            marks.append(_line(x(row.low), y, x(row.high), y, f"interval {row.style}"))
            marks.append(f'<circle class="{row.style}" cx="{x(row.value):.1f}" cy="{y}" r="4.5"/>')
    return _svg(title, height, marks)


def ticks(low: float, high: float) -> list[float]:
    """Return four to eight round numbers from `low` to `high`."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return []
    power = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(power * factor for factor in (5, 2, 1) if (high - low) / (power * factor) >= 3.5 or factor == 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) + 0.0 for number in range(first, last + 1)]


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """Return a legend: names with the colors of their CSS classes."""
    items = "".join(
        f'<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="{style}" width="12" height="12" rx="2"/></svg>'
        f"{escape(name)}</li>"
        for name, style in entries
    )
    return f'<ul class="legend">{items}</ul>'


def _svg(title: str, height: int, marks: Sequence[str]) -> str:
    inside = "\n".join(marks)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img"><title>{escape(title)}</title>\n{inside}\n</svg>'


def _text(x: float, y: float, text: str, style: str, *, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
