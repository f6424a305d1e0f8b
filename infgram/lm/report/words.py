"""Figures in words, for pages and terminals."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """A perplexity for people."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}" if value < 1e7 else f"{value:.1e}"


def signed(change: float) -> str:
    """A change in percent."""
    return f"{change:+.1%}".replace("-", "−")
