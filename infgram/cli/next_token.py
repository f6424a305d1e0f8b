"""`infgram next`: what comes after a text."""

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
)
from infgram.cli.output import json_numbers, print_json, print_line, print_table
from infgram.cli.questions import Question, ask, given, open_index, text_of, tokens_of

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
    whole: Annotated[bool, typer.Option("--whole", help="Use the whole text, or nothing if it never occurs.")] = False,
    min_count: MinCountOption = 1,
    top_k: Annotated[int, typer.Option("--top-k", min=1, metavar="K", help="Show the K most frequent tokens.")] = 10,
    ignore_case: IgnoreCaseOption = False,
    any_tokenization: AnyTokenizationOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show which tokens follow a text, counted exactly.

    This is the ∞-gram: of a text that never occurs as a whole, the longest suffix that does is used, and shown.
    The end of a document is a row like any other (in JSON, token_id -1 and token null). With --whole and
    --any-tokenization (or --ignore-case) it is what follows the string in whatever tokens, where a token ends with it;
    without --whole there is no such answer, since the n of the ∞-gram counts tokens.

    JSON: suffix_length, effective_n, suffix, context_count, is_sparse, n_distinct (continuations, shown or not),
    rows (token_id, token, count, log_prob in nats), token_ids, tokens.
    """
    if whole and min_count != 1:
        raise typer.BadParameter("--whole uses the whole text however often it occurs; leave out --min-count")
    in_characters = ignore_case or any_tokenization
    if in_characters and (not whole or text is None):
        raise typer.BadParameter(
            "--any-tokenization and --ignore-case are for a TEXT with --whole: the n of the ∞-gram counts tokens"
        )
    asked = given(text, token_ids)
    with open_index(index) as opened:
        question = ask(opened, asked)
        if whole:
            context = asked if in_characters else question.token_ids
            found = _whole(opened, context, question, top_k, ignore_case=ignore_case, any_tokenization=any_tokenization)
        else:
            found = opened.infgram_distribution(question.token_ids, min_count=min_count, top_k=top_k)
        if as_json:
            print_json(answer(opened, question, found))
        else:
            print_lookup(opened, question, found, min_count=min_count)


def answer(index: Index, question: Question, found: InfgramDistribution) -> dict[str, Any]:
    """The JSON object."""
    ids = found.token_ids.tolist()
    rows = zip(ids, _tokens(index, ids), found.counts.tolist(), json_numbers(found.log_probs.tolist()), strict=True)
    return {
        "suffix_length": found.suffix_length,
        "effective_n": found.effective_n,
        "suffix": text_of(index, _suffix(question, found)),
        "context_count": found.context_count,
        "is_sparse": found.is_sparse,
        "n_distinct": found.n_distinct,
        "rows": [{"token_id": i, "token": token, "count": n, "log_prob": p} for i, token, n, p in rows],
        "token_ids": question.token_ids,
        "tokens": question.tokens,
    }


def print_lookup(index: Index, question: Question, found: InfgramDistribution, *, min_count: int = 1) -> None:
    """Which suffix was used and how often it occurs, and the table of what follows."""
    print_line(f"context: {_which(index, question, found, min_count)}")
    if found.context_count == 0:
        print_line("It never occurs. Without --whole, its longest suffix that does is used.")
        return
    seen = f"occurs {number(found.context_count, 'time')}" if found.suffix_length else "every place of the corpus"
    print_line(f"{seen}, {number(found.n_distinct, 'different continuation')}")
    print_line()
    print_rows(index, found)


def _which(index: Index, question: Question, found: InfgramDistribution, min_count: int) -> str:
    n_context, used = len(question.token_ids), found.suffix_length
    if used == n_context:
        return f"the whole text, {number(used, 'token')}" if used else "the empty text"
    occurs = "that occurs" if min_count == 1 else f"that occurs at least {min_count:,} times"
    if not used:
        return f"none, since the text has no suffix {occurs}"
    shown = quoted(text_of(index, _suffix(question, found)))
    return f"the longest suffix {occurs}: {shown}, {used} of {number(n_context, 'token')}"


def print_rows(index: Index, found: InfgramDistribution) -> None:
    """The table of what follows."""
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
    index: Index, context: str | list[int], question: Question, top_k: int, **options: bool
) -> InfgramDistribution:
    """The distribution after the whole context, as an ∞-gram that used all of it."""
    from infgram.types import InfgramDistribution

    found = index.next_token_distribution(context, top_k=top_k, **options)
    return InfgramDistribution(
        found.token_ids, found.counts, found.context_count, found.n_distinct, suffix_length=len(question.token_ids)
    )


def _suffix(question: Question, found: InfgramDistribution) -> list[int]:
    return question.token_ids[len(question.token_ids) - found.suffix_length :]


def _tokens(index: Index, token_ids: list[int]) -> list[str | None]:
    """Each row's token; None for the end of a document, and where there is no tokenizer."""
    shown = iter(tokens_of(index, [i for i in token_ids if i >= 0]) or [])
    return [None if i < 0 else next(shown, None) for i in token_ids]
