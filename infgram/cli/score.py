"""`infgram score`: compute the ∞-gram probability of each token of a text."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infgram.cli.display import log_prob, number, quoted
from infgram.cli.options import IndexArgument, JsonOption, MinCountOption, TextArgument, TokenIdsOption, TokenizerOption
from infgram.cli.output import json_number, json_numbers, print_json, print_line, print_table
from infgram.cli.query_arguments import EncodedQuery, encode_query, open_index, query_argument

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
    end: Annotated[bool, typer.Option("--end", help="Also score the end of the document after the text.")] = False,
    min_count: MinCountOption = 1,
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the ∞-gram probability of each token of a text.

    Each token is predicted from the tokens before it. The first token has an empty context, since there is no start
    symbol. A token that never follows its context is impossible: its log-probability is -inf, and null in JSON.

    JSON, with one entry per position: token_ids, tokens, suffix_lengths, context_counts, continuation_counts,
    log_probs (nats). The object total has n_positions, n_impossible, log_prob and mean_log_prob of all positions, and
    possible_log_prob and possible_mean_log_prob without the impossible ones.
    """
    query = query_argument(text, token_ids)
    with open_index(index, tokenizer) as opened:
        encoded = encode_query(opened, query)
        scored = opened.score(encoded.token_ids, min_count=min_count, end=end)
    if as_json:
        print_json(answer(encoded, scored))
    else:
        _print(encoded, scored)


def answer(encoded: EncodedQuery, scored: SequenceScore) -> dict[str, Any]:
    """Return the fields of the JSON object."""
    return {
        "token_ids": scored.token_ids.tolist(),
        "tokens": _tokens(encoded, scored),
        "suffix_lengths": scored.suffix_lengths.tolist(),
        "context_counts": scored.context_counts.tolist(),
        "continuation_counts": scored.continuation_counts.tolist(),
        "log_probs": json_numbers(scored.log_probs.tolist()),
        "total": total_of(scored).as_json(),
    }


@dataclass(frozen=True)
class Total:
    """Sums and means over a sequence in nats, with and without its impossible positions."""

    n_positions: int
    n_impossible: int
    log_prob: float
    mean_log_prob: float
    possible_log_prob: float
    possible_mean_log_prob: float

    def as_json(self) -> dict[str, float | None]:
        """Return the fields, with None for −inf and NaN."""
        return {name: json_number(value) for name, value in asdict(self).items()}


def total_of(scored: SequenceScore) -> Total:
    """Return the totals. A sum with an impossible position is −inf; a mean of no positions is NaN."""
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


def _print(encoded: EncodedQuery, scored: SequenceScore) -> None:
    if len(scored.token_ids) == 0:
        print_line("the text is empty, so there is nothing to score (--end scores the end of the document)")
        return
    tokens = _tokens(encoded, scored) or [None] * len(scored.token_ids)
    columns = (scored.token_ids, scored.suffix_lengths, scored.context_counts, scored.continuation_counts)
    rows = [
        (
            str(position),
            "end of document" if token_id < 0 else quoted(token or str(token_id), 40),
            str(length),
            f"{context:,}",
            f"{seen:,}",
            log_prob(value),
        )
        for position, (token, token_id, length, context, seen, value) in enumerate(
            zip(tokens, *(column.tolist() for column in columns), scored.log_probs.tolist(), strict=True)
        )
    ]
    print_table(("position", "token", "suffix", "context", "followed", "log-prob (nats)"), rows, left=("token",))
    _print_total(total_of(scored))


def _print_total(total: Total) -> None:
    print_line()
    print_line(_sums("all", total.n_positions, total.log_prob, total.mean_log_prob))
    if total.n_impossible:
        print_line(f"impossible: {number(total.n_impossible, 'position')}")
    n_possible = total.n_positions - total.n_impossible
    if 0 < n_possible < total.n_positions:
        print_line(_sums("possible", n_possible, total.possible_log_prob, total.possible_mean_log_prob))


def _sums(which: str, n_positions: int, total: float, mean: float) -> str:
    return f"{which}: {number(n_positions, 'position')}, total {log_prob(total)} nats, mean {log_prob(mean)} nats"


def _tokens(encoded: EncodedQuery, scored: SequenceScore) -> list[str | None] | None:
    """Return the token of each position, with None for the end of the document; None without a tokenizer."""
    if encoded.tokens is None:
        return None
    return [*encoded.tokens, *[None] * (len(scored.token_ids) - len(encoded.tokens))]


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
