"""`infgram score`: how probable each token of a text is."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infgram.cli.display import log_prob, number, quoted
from infgram.cli.options import IndexArgument, JsonOption, MinCountOption, TextArgument, TokenIdsOption
from infgram.cli.output import json_number, json_numbers, print_json, print_line, print_table
from infgram.cli.questions import Question, ask, given, open_index

if TYPE_CHECKING:
    from infgram.types import SequenceScore

EXAMPLES = """
infgram score corpus.infgram "a language model"
infgram score corpus.infgram "a language model" --end --min-count 2
infgram score corpus.infgram - --json < article.txt
"""


def score(
    index: IndexArgument,
    text: TextArgument = None,
    token_ids: TokenIdsOption = None,
    end: Annotated[bool, typer.Option("--end", help="Score the end of the document, too.")] = False,
    min_count: MinCountOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Give each token of a text its ∞-gram probability.

    Each token is predicted from those before it, the first from nothing: there is no start symbol. A token that
    never follows its context is impossible: its log-probability is -inf, and null in JSON.

    JSON, an entry for each position: token_ids, tokens, suffix_lengths, context_counts, continuation_counts,
    log_probs (nats). For the whole, total: n_positions, n_impossible, log_prob, mean_log_prob, and
    possible_log_prob, possible_mean_log_prob over the positions that are not impossible.
    """
    asked = given(text, token_ids)
    with open_index(index) as opened:
        question = ask(opened, asked)
        scored = opened.score(question.token_ids, min_count=min_count, end=end)
    if as_json:
        print_json(answer(question, scored))
    else:
        _print(question, scored)


def answer(question: Question, scored: SequenceScore) -> dict[str, Any]:
    """The JSON object."""
    return {
        "token_ids": scored.token_ids.tolist(),
        "tokens": _tokens(question, scored),
        "suffix_lengths": scored.suffix_lengths.tolist(),
        "context_counts": scored.context_counts.tolist(),
        "continuation_counts": scored.continuation_counts.tolist(),
        "log_probs": json_numbers(scored.log_probs.tolist()),
        "total": total_of(scored).as_json(),
    }


@dataclass(frozen=True)
class Total:
    """A sequence as a whole: sums and means in nats, of all positions and of those that are not impossible."""

    n_positions: int
    n_impossible: int
    log_prob: float
    mean_log_prob: float
    possible_log_prob: float
    possible_mean_log_prob: float

    def as_json(self) -> dict[str, float | None]:
        """The fields; None for −inf and for a mean of nothing."""
        return {name: json_number(value) for name, value in asdict(self).items()}


def total_of(scored: SequenceScore) -> Total:
    """Sums are −inf as soon as one position is impossible; a mean of nothing is NaN."""
    log_probs = scored.log_probs.tolist()
    possible = [value for value in log_probs if math.isfinite(value)]
    return Total(
        n_positions=len(log_probs),
        n_impossible=len(log_probs) - len(possible),
        log_prob=math.fsum(log_probs),
        mean_log_prob=_mean(log_probs),
        possible_log_prob=math.fsum(possible),
        possible_mean_log_prob=_mean(possible),
    )


def _print(question: Question, scored: SequenceScore) -> None:
    if len(scored.token_ids) == 0:
        print_line("nothing to score: the text is empty (--end scores the end of an empty document)")
        return
    tokens = _tokens(question, scored) or [None] * len(scored.token_ids)
    columns = (scored.token_ids, scored.suffix_lengths, scored.context_counts, scored.continuation_counts)
    rows = [
        (
            str(place),
            "end of document" if token_id < 0 else quoted(token or str(token_id), 40),
            str(length),
            f"{context:,}",
            f"{seen:,}",
            log_prob(value),
        )
        for place, (token, token_id, length, context, seen, value) in enumerate(
            zip(tokens, *(column.tolist() for column in columns), scored.log_probs.tolist(), strict=True)
        )
    ]
    print_table(("position", "token", "suffix", "context", "followed", "log-prob (nats)"), rows, left=("token",))
    _print_total(total_of(scored))


def _print_total(total: Total) -> None:
    print_line()
    print_line(_sums("all", total.n_positions, total.log_prob, total.mean_log_prob))
    if total.n_impossible:
        print_line(f"impossible after their contexts: {number(total.n_impossible, 'position')}")
    n_possible = total.n_positions - total.n_impossible
    if 0 < n_possible < total.n_positions:
        print_line(_sums("the others", n_possible, total.possible_log_prob, total.possible_mean_log_prob))


def _sums(which: str, n_positions: int, total: float, mean: float) -> str:
    return f"{which}: {number(n_positions, 'position')}, total {log_prob(total)} nats, mean {log_prob(mean)} nats"


def _tokens(question: Question, scored: SequenceScore) -> list[str | None] | None:
    """The text of each position; None for the end of the document, and altogether without a tokenizer."""
    if question.tokens is None:
        return None
    return [*question.tokens, *[None] * (len(scored.token_ids) - len(question.tokens))]


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
