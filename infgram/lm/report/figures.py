"""Figures of a report: one function per figure."""

from __future__ import annotations

import math
from html import escape
from typing import Final

from infgram.lm.evaluation.compared_models import CACHE, MODEL_TITLES, NEURAL
from infgram.lm.evaluation.results import Evaluation, Result
from infgram.lm.report.plot import Plot, Point, Row, interval_plot, legend

_COMPARED: Final = (("paper", "c1"), ("classes", "c2"), ("gated", "c3"))


def perplexity_figure(evaluation: Evaluation) -> str:
    """Draw the finite perplexities with their intervals."""
    shown = [result for result in evaluation.results if math.isfinite(result.perplexity) and result.name != CACHE]
    if evaluation.mixtures:
        shown = [result for result in shown if result in evaluation.mixtures or result.name == NEURAL]
    rows = [
        Row(
            name=result.title,
            value=result.perplexity,
            low=result.interval.low,
            high=result.interval.high,
            shown=_with_change(result),
            style="c3" if result.name == "gated" else "c1" if result.name == "paper" else "c0",
        )
        for result in shown
    ]
    return _figure(
        interval_plot("Perplexity of models and mixtures", rows, _plain, "perplexity per token"),
        "Perplexity per token, with 95% bootstrap intervals over documents"
        + ("; in brackets the change against the paper’s rule." if evaluation.mixtures else "."),
    )


def agreement_figure(evaluation: Evaluation) -> str:
    """Draw the figure of the infini-gram paper: agreement by effective n, for all contexts and for sparse ones."""
    rows = [row for row in evaluation.agreement if row.effective_n != "all"]
    plot = Plot(
        "Next-token agreement of the ∞-gram by effective n",
        (-0.6, len(rows) - 0.4),
        (0, 1),
        x_label="effective n",
        y_label="agreement; bars: share of tokens",
    )
    for x, row in enumerate(rows):
        share = row.n_positions / evaluation.n_positions
        plot.bar(x, 0.7, 0, share, "back", f"n = {row.effective_n}: {share:.1%} of tokens")
    plot.y_ticks(_percent)
    plot.categories([_short(row.effective_n) for row in rows])
    plot.curve(
        [Point(x, row.agreement) for x, row in enumerate(rows)],
        "c3",
        [f"all, n = {row.effective_n}: {row.agreement:.1%} of {row.n_positions:,}" for row in rows],
    )
    sparse = [(x, row) for x, row in enumerate(rows) if row.n_sparse]
    plot.curve(
        [Point(x, row.sparse_agreement) for x, row in sparse],
        "c1",
        [f"sparse, n = {row.effective_n}: {row.sparse_agreement:.1%} of {row.n_sparse:,}" for _, row in sparse],
    )
    total = evaluation.agreement[-1]
    of_sparse = f"; of the sparse ones {total.sparse_agreement:.1%}" if total.n_sparse else ""
    return _figure(
        plot.svg() + legend([("all contexts", "c3"), ("sparse contexts", "c1"), ("share of tokens", "back")]),
        f"Share of tokens to which the ∞-gram gives more than half of the probability: {total.agreement:.1%} of all "
        f"tokens{of_sparse}.",
    )


def gains_figure(evaluation: Evaluation) -> str:
    """Draw the gain in bits per token by effective n, for the paper's rule, classes and the gate."""
    results = {result.name: result for result in evaluation.mixtures}
    compared = [(results[name], style) for name, style in _COMPARED if name in results]
    by_length = [[gain for gain in result.gains if gain.name.startswith("n = ")] for result, _ in compared]
    values = [gain.bits for gains in by_length for gain in gains if math.isfinite(gain.bits)]
    if not values:
        return ""
    plot = Plot(
        "Bits saved per token, by effective n",
        (-0.6, len(by_length[0]) - 0.4),
        (min(0.0, *values), max(0.0, *values) * 1.05 or 1.0),
        x_label="effective n",
        y_label="bits saved per token",
    )
    plot.y_ticks(_plain)
    plot.categories([_short(gain.name.removeprefix("n = ")) for gain in by_length[0]])
    width = 0.8 / len(compared)
    for side, ((result, style), gains) in enumerate(zip(compared, by_length, strict=True)):
        for x, gain in enumerate(gains):
            note = f"{result.title}, {gain.name}: {gain.bits:+.2f} bits, {gain.n_positions:,} tokens"
            plot.bar(x + (side - (len(compared) - 1) / 2) * width, width, 0, gain.bits, style, note)
    against = MODEL_TITLES[evaluation.models[0].name].lower()
    return _figure(
        plot.svg() + legend([(result.title, style) for result, style in compared]),
        f"Gain over the {against} alone, by effective n: the longest suffix of the context in the corpus, plus one.",
    )


def weights_figure(evaluation: Evaluation) -> str:
    """Draw the gate's mean weight of each model by effective n."""
    gate = next((result for result in evaluation.mixtures if result.name == "gated"), None)
    if gate is None:
        return ""
    gains = [gain for gain in gate.gains if gain.name.startswith("n = ")]
    plot = Plot(
        "Mean weights of the gate, by effective n",
        (-0.6, len(gains) - 0.4),
        (0, 1),
        x_label="effective n",
        y_label="mean weight",
    )
    plot.y_ticks(_percent)
    plot.categories([_short(gain.name.removeprefix("n = ")) for gain in gains])
    names = list(gate.gains[0].weights)
    for x, gain in enumerate(gains):
        low = 0.0
        for name in names:
            weight = gain.weights[name]
            plot.bar(x, 0.8, low, low + weight, _colour(name), f"{MODEL_TITLES[name]}, {gain.name}: {weight:.1%}")
            low += weight
    return _figure(
        plot.svg() + legend([(MODEL_TITLES[name], _colour(name)) for name in names]),
        "Mean weight of each model in the gate, by effective n.",
    )


def calibration_figure(evaluation: Evaluation) -> str:
    """Draw expected against actual loss."""
    curves = {name: [row for row in rows if math.isfinite(row.actual)] for name, rows in evaluation.calibration.items()}
    curves = {name: rows for name, rows in curves.items() if len(rows) > 1}
    if not curves:
        return ""
    highest = max(max(row.expected, row.actual) for rows in curves.values() for row in rows) * 1.05
    plot = Plot(
        "Expected against actual loss",
        (0, highest),
        (0, highest),
        x_label="expected loss (entropy), bits per token",
        y_label="actual loss, bits per token",
    )
    plot.y_ticks(_plain)
    plot.x_ticks(_plain)
    plot.curve([Point(0, 0), Point(highest, highest)], "diagonal")
    entries = []
    for name, rows in curves.items():
        notes = [f"{MODEL_TITLES[name]}: expected {row.expected:.2f}, actual {row.actual:.2f} bits" for row in rows]
        plot.curve([Point(row.expected, row.actual) for row in rows], _colour(name), notes)
        entries.append((MODEL_TITLES[name], _colour(name)))
    return _figure(
        plot.svg() + legend(entries),
        "Calibration: tokens in ten bins by a model's expected loss. A model on the diagonal is calibrated; above "
        "it, it is overconfident.",
    )


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _with_change(result: Result) -> str:
    value = number(result.perplexity)
    return value if result.change is None or result.name == "paper" else f"{value} ({signed(result.change)})"


def _short(effective_n: str) -> str:
    """Shorten `9–12` to `9+`, since the next class begins where this one ends."""
    first, dash, _ = effective_n.partition("–")
    return f"{first}+" if dash else first


def _plain(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _colour(model: str) -> str:
    """Return the CSS class of a model's color, the same in every figure."""
    return f"c{list(MODEL_TITLES).index(model)}"


def number(value: float) -> str:
    """Format a perplexity."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}" if value < 1e7 else f"{value:.1e}"


def signed(change: float) -> str:
    """Format a relative change in percent."""
    return f"{change:+.1%}".replace("-", "−")
