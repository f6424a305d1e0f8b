"""The report as one self-contained HTML page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from infgram.lm.evaluation.results import Evaluation, Result
from infgram.lm.report.figures import (
    agreement_figure,
    calibration_figure,
    gains_figure,
    number,
    perplexity_figure,
    signed,
    weights_figure,
)


def html_of(evaluation: Evaluation) -> str:
    """Return the page, without scripts and external resources, in the reader's light or dark theme."""
    style = files("infgram.lm.report").joinpath("style.css").read_text(encoding="utf-8")
    title = f"Language models on {escape(evaluation.text)}"
    figures = "\n".join(
        figure(evaluation)
        for figure in (perplexity_figure, agreement_figure, gains_figure, weights_figure, calibration_figure)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="lead">{_summary(evaluation)}</p>
{_facts(evaluation)}
<section class="figures">
{figures}
</section>
<h2>Perplexity and bits per byte</h2>
{_results_table(evaluation)}
{_notes(evaluation)}
{_gains_tables(evaluation)}
</main>
</body>
</html>
"""


def _summary(evaluation: Evaluation) -> str:
    """Return the main result in one sentence."""
    named = {result.name: result for result in evaluation.results}
    best = min(evaluation.results, key=lambda result: result.perplexity)
    text = f"Best: {best.title}, perplexity {number(best.perplexity)} per token"
    if "paper" in named and best.change is not None and best.change_interval is not None:
        low, high = best.change_interval
        text += f", {signed(best.change)} ({signed(low)} to {signed(high)}) against the infini-gram paper’s rule"
    if "neural" in named and best.name != "neural":
        change = best.perplexity / named["neural"].perplexity - 1
        text += f" and {signed(change)} against the neural model alone"
    return escape(text + ".")


def _facts(evaluation: Evaluation) -> str:
    facts = [
        ("Index", f"{evaluation.index}, {evaluation.n_tokens:,} tokens"),
        ("Neural model", evaluation.neural_model or "none"),
        ("Documents", f"{evaluation.n_documents:,}"),
        ("Tokens scored", f"{evaluation.n_positions:,}, which are {evaluation.n_bytes:,} bytes"),
    ]
    return f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{escape(value)}</dd></div>' for name, value in facts)}</dl>"


def _results_table(evaluation: Evaluation) -> str:
    headings = (
        "model",
        "perplexity per token",
        "95% interval",
        "against the paper",
        "relative reduction",
        "perplexity per word",
        "bits per byte",
        "perplexity without near copies",
        "impossible",
    )
    rows = [
        (
            result.title,
            number(result.perplexity),
            _interval(result),
            _change(result),
            _reduction(evaluation, result),
            number(evaluation.perplexity_per_word(result.perplexity)),
            number(evaluation.bits_per_byte(result.perplexity)),
            number(result.perplexity_without_near_copies),
            f"{result.impossible_share:.1%}",
        )
        for result in evaluation.results
    ]
    return _table(headings, rows)


def _notes(evaluation: Evaluation) -> str:
    copies = "".join(f"<li>{escape(name)}: {share:.1%}</li>" for name, share in evaluation.near_copies.items())
    heavy = (
        f"<p>Documents with at least 80% of their 13-grams in the index:</p><ul>{copies}</ul>"
        if copies
        else "<p>No document has 80% or more of its 13-grams in the index.</p>"
    )
    tuned = (
        f"<p><strong>{evaluation.n_tuned:,} of {evaluation.n_documents:,} documents are also in the tuning text: "
        "the weights were fitted on them, so the mixtures look better than they are.</strong></p>"
        if evaluation.n_tuned
        else ""
    )
    return f"""<h2>How this was measured</h2>
{tuned}<p>Every token but the first of each document is predicted from the tokens before it; the end of a document is
not scored. Weights and gates were fitted on a separate tuning text. The paper’s rule interpolates the ∞-gram and the
neural model with one weight for sparse contexts, which have one distinct continuation, and one for the others. Classes
are formed by effective n, count and distinct continuations. The gate is a network whose inputs also include entropies
and the recent losses of each model in the document. The relative reduction is that of the paper: 1 − (P′ − 1) / (P − 1)
for the perplexities P′ of the mixture and P of the neural model. Intervals are 95% bootstrap intervals from 2,000
resamples of the documents. “Without near copies” omits the tokens whose last 32 context tokens occur in the index:
{evaluation.n_positions_without_near_copies:,} of {evaluation.n_positions:,} remain.</p>
{heavy}"""


def _gains_tables(evaluation: Evaluation) -> str:
    parts = []
    for result in evaluation.mixtures:
        models = list(result.gains[0].weights)
        headings = ("contexts", "tokens", "bits saved per token", *models)
        rows = [
            (gain.name, f"{gain.n_positions:,}", f"{gain.bits:+.3f}", *(f"{gain.weights[name]:.3f}" for name in models))
            for gain in result.gains
        ]
        parts.append(f"<details><summary>{escape(result.title)}</summary>{_table(headings, rows)}</details>")
    return f"<h2>Gains and mean weights by class</h2>{''.join(parts)}" if parts else ""


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>\n'
        for first, *rest in rows
    )
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _change(result: Result) -> str:
    if result.change is None or result.change_interval is None or result.name == "paper":
        return ""
    low, high = result.change_interval
    return f"{signed(result.change)} ({signed(low)} to {signed(high)})"


def _reduction(evaluation: Evaluation, result: Result) -> str:
    """Format the relative reduction of a mixture."""
    value = evaluation.relative_reduction(result)
    return f"{value:.1%}" if result in evaluation.mixtures and math.isfinite(value) else ""


def _interval(result: Result) -> str:
    if not math.isfinite(result.interval.high):
        return ""
    return f"{number(result.interval.low)} – {number(result.interval.high)}"
