"""`infgram next`: show the tokens that follow a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from infgram.cli.display import number, quoted
from infgram.cli.options import (
    AnyTokenizationOption,
    IgnoreCaseOption,
    IndexArgument,
    JsonOption,
    MinCountOption,
    TextArgument,
    TokenIdsOption,
    TokenizerOption,
)
from infgram.cli.output import json_numbers, print_json, print_line, print_table
from infgram.cli.query_arguments import EncodedQuery, encode_query, open_index, query_argument, text_of, tokens_of

if TYPE_CHECKING:
    from infgram.index import Index
    from infgram.types import InfgramDistribution

EXAMPLES = """
infgram next corpus.infgram "the natural language"
infgram next corpus.infgram "the natural language" --top-k 3 --json
infgram next corpus.infgram "the natural language" --whole
infgram next corpus.infgram "natural language" --whole --any-tokenization
infgram next corpus.infgram --token-ids 3306,2750 --min-count 5
"""


def next_token(
    index: IndexArgument,
    text: TextArgument = None,
    token_ids: TokenIdsOption = None,
    whole: Annotated[bool, typer.Option("--whole", help="Use only the whole text, not a suffix.")] = False,
    min_count: MinCountOption = 1,
    top_k: Annotated[int, typer.Option("--top-k", min=1, metavar="K", help="Show the K most frequent tokens.")] = 10,
    ignore_case: IgnoreCaseOption = False,
    any_tokenization: AnyTokenizationOption = False,
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the tokens that follow a text, with exact counts.

    This is the ∞-gram distribution: if the whole text never occurs, its longest suffix that occurs is used and shown.
    The end of a document is a continuation, too (in JSON, token_id -1 and token null). With --whole and
    --any-tokenization or --ignore-case, the characters of the text are matched in any tokenization, and occurrences
    that end inside a token are ignored. This needs --whole, since suffixes of the ∞-gram are measured in tokens.

    JSON: suffix_length, effective_n, suffix, context_count, is_sparse, n_distinct (all continuations, shown or not),
    rows (token_id, token, count, log_prob in nats), token_ids, tokens.
    """
    if whole and min_count != 1:
        raise typer.BadParameter("--whole uses the whole text whatever its count; leave out --min-count")
    in_characters = ignore_case or any_tokenization
    if in_characters and (not whole or text is None):
        raise typer.BadParameter(
            "--any-tokenization and --ignore-case need a TEXT and --whole, since suffixes are measured in tokens"
        )
    query = query_argument(text, token_ids)
    with open_index(index, tokenizer) as opened:
        encoded = encode_query(opened, query)
        if whole:
            context = query if in_characters else encoded.token_ids
            found = _whole(opened, context, encoded, top_k, ignore_case=ignore_case, any_tokenization=any_tokenization)
        else:
            found = opened.infgram_distribution(encoded.token_ids, min_count=min_count, top_k=top_k)
        if as_json:
            print_json(answer(opened, encoded, found))
        else:
            print_lookup(opened, encoded, found, min_count=min_count)


def answer(index: Index, encoded: EncodedQuery, found: InfgramDistribution) -> dict[str, Any]:
    """Return the fields of the JSON object."""
    ids = found.token_ids.tolist()
    rows = zip(ids, _tokens(index, ids), found.counts.tolist(), json_numbers(found.log_probs.tolist()), strict=True)
    return {
        "suffix_length": found.suffix_length,
        "effective_n": found.effective_n,
        "suffix": text_of(index, _suffix(encoded, found)),
        "context_count": found.context_count,
        "is_sparse": found.is_sparse,
        "n_distinct": found.n_distinct,
        "rows": [{"token_id": i, "token": token, "count": n, "log_prob": p} for i, token, n, p in rows],
        "token_ids": encoded.token_ids,
        "tokens": encoded.tokens,
    }


def print_lookup(index: Index, encoded: EncodedQuery, found: InfgramDistribution, *, min_count: int = 1) -> None:
    """Print the suffix that was used, its count, and the table of continuations."""
    print_line(f"context: {_context(index, encoded, found, min_count)}")
    if found.context_count == 0:
        advice = "Leave out --whole to use its longest suffix that occurs." if index.n_tokens else "The index is empty."
        print_line(f"It never occurs. {advice}")
        return
    seen = f"occurs {number(found.context_count, 'time')}" if found.suffix_length else "all positions of the corpus"
    print_line(f"{seen}, {number(found.n_distinct, 'different continuation')}")
    print_line()
    print_rows(index, found)


def _context(index: Index, encoded: EncodedQuery, found: InfgramDistribution, min_count: int) -> str:
    n_context, used = len(encoded.token_ids), found.suffix_length
    if used == n_context:
        return f"the whole text, {number(used, 'token')}" if used else "the empty text"
    occurs = "that occurs" if min_count == 1 else f"that occurs at least {min_count:,} times"
    if not used:
        return f"none, since the text has no suffix {occurs}"
    shown = quoted(text_of(index, _suffix(encoded, found)))
    return f"the longest suffix {occurs}: {shown}, {used} of {number(n_context, 'token')}"


def print_rows(index: Index, found: InfgramDistribution) -> None:
    """Print the table of continuations."""
    ids = found.token_ids.tolist()
    rows = [
        ("end of document" if i < 0 else quoted(token or "?"), str(i), f"{n:,}", f"{n / found.context_count:.2%}")
        for i, token, n in zip(ids, _tokens(index, ids), found.counts.tolist(), strict=True)
    ]
    print_table(("token", "id", "count", "probability"), rows, left=("token",))
    left_out = found.n_distinct - len(rows)
    if left_out > 0:
        print_line(f"… and {left_out:,} more (--top-k)")


def _whole(
    index: Index, context: str | list[int], encoded: EncodedQuery, top_k: int, **options: bool
) -> InfgramDistribution:
    """Return the distribution after the whole context, as an `InfgramDistribution`."""
    from infgram.types import InfgramDistribution

    found = index.next_token_distribution(context, top_k=top_k, **options)
    return InfgramDistribution(
        found.token_ids, found.counts, found.context_count, found.n_distinct, suffix_length=len(encoded.token_ids)
    )


def _suffix(encoded: EncodedQuery, found: InfgramDistribution) -> list[int]:
    return encoded.token_ids[len(encoded.token_ids) - found.suffix_length :]


def _tokens(index: Index, token_ids: list[int]) -> list[str | None]:
    """Return the token of each row; None for the end of a document, or without a tokenizer."""
    shown = iter(tokens_of(index, [i for i in token_ids if i >= 0]) or [])
    return [None if i < 0 else next(shown, None) for i in token_ids]
