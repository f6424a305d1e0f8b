"""`infgram novelty`: measure how much of a text does not occur in the corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from infgram.cli.display import number
from infgram.cli.options import IndexArgument, JsonOption, QuietOption, TimeoutOption, TokenizerOption
from infgram.cli.output import json_numbers, print_json, print_line, print_table
from infgram.cli.query_arguments import open_index, query_in_file

if TYPE_CHECKING:
    from infgram.analysis import Novelty

EXAMPLES = """
infgram novelty corpus.infgram story.txt
infgram novelty corpus.infgram stories/*.txt --max-n 20 --json
my-model | infgram novelty corpus.infgram -
"""


def novelty(
    index: IndexArgument,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Files of UTF-8 text, taken exactly as given; - reads standard input."),
    ],
    ids: Annotated[bool, typer.Option("--ids", help="Read files of token ids instead of text.")] = False,
    max_n: Annotated[int, typer.Option("--max-n", min=1, metavar="N", help="Maximum n of the n-grams.")] = 10,
    timeout: TimeoutOption = None,
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure how much of a text does not occur in the corpus.

    For each n, print the share of the n-grams of all texts that do not occur in the corpus. The suffix length of a
    token is the length of the longest token sequence that ends there and occurs in the corpus (Rusty-DAWG's non-novel
    suffix length).

    JSON: n_texts, n_tokens, curve (n, n_grams, n_novel, share; null if there is no n-gram), mean_suffix_length (null
    without tokens), suffix_lengths (in tokens, one list per text).
    """
    from infgram.analysis import Novelty, novelty_batch
    from infgram.cli.progress import show_progress

    query = (query_in_file(file, ids) for file in files)
    with open_index(index, tokenizer, quiet=quiet) as opened, show_progress(quiet=quiet) as report:
        parts = list(novelty_batch(opened, query, max_n=max_n, timeout_s=timeout, progress=report))
    total = Novelty.total(parts)
    if as_json:
        print_json(answer(parts, total))
    else:
        _print(parts, total)


def answer(parts: list[Novelty], total: Novelty) -> dict[str, Any]:
    """Return the fields of the JSON object."""
    columns = (total.n_grams.tolist(), total.n_novel.tolist(), json_numbers(total.curve.tolist()))
    names = ("n", "n_grams", "n_novel", "share")
    return {
        "n_texts": len(parts),
        "n_tokens": total.n_tokens,
        "curve": [
            dict(zip(names, (n, *row), strict=True)) for n, row in enumerate(zip(*columns, strict=True), start=1)
        ],
        "mean_suffix_length": float(total.suffix_lengths.mean()) if total.n_tokens else None,
        "suffix_lengths": [part.suffix_lengths.tolist() for part in parts],
    }


def _print(parts: list[Novelty], total: Novelty) -> None:
    found = answer(parts, total)
    rows = [
        (
            str(row["n"]),
            f"{row['n_grams']:,}",
            f"{row['n_novel']:,}",
            "" if row["share"] is None else f"{row['share']:.1%}",
        )
        for row in found["curve"]
    ]
    print_line(f"{number(len(parts), 'text')}, {number(total.n_tokens, 'token')}")
    print_line()
    print_table(("n", "n-grams", "novel", "share"), rows)
    if total.n_tokens:
        longest = int(total.suffix_lengths.max())
        print_line()
        print_line(f"suffix length: mean {found['mean_suffix_length']:.2f}, longest {number(longest, 'token')}")
