"""`infgram dedup`: find duplicate passages, and write the corpus without them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from infgram.cli.display import number, one_line
from infgram.cli.input_options import ThreadsOption
from infgram.cli.options import IndexArgument, JsonOption, QuietOption, TimeoutOption, TokenizerOption
from infgram.cli.output import print_json, print_line
from infgram.cli.query_arguments import open_index

EXAMPLES = """
infgram dedup corpus.infgram                    # count only
infgram dedup corpus.infgram -o clean.jsonl     # write the rest
infgram dedup corpus.infgram -o clean.parquet   # or .jsonl.gz, .jsonl.zst
infgram dedup corpus.infgram -o ranges.jsonl --ranges --min-tokens 100
infgram build clean.jsonl                       # an index of the rest
"""


def dedup(
    index: IndexArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to this file: .jsonl (also .gz, .zst, .bz2, .xz) or .parquet. By default only count.",
            show_default=False,
        ),
    ] = None,
    min_tokens: Annotated[
        int, typer.Option("--min-tokens", min=1, metavar="N", help="The minimum length of a duplicate, in tokens.")
    ] = 50,
    ranges: Annotated[
        bool, typer.Option("--ranges", help="Write the positions of the duplicates instead of the documents.")
    ] = False,
    text_field: Annotated[
        str | None,
        typer.Option(
            "--text-field",
            metavar="FIELD",
            help="The output field for the text, or for the token ids if the index has no tokenizer.",
            show_default="text or token_ids",
        ),
    ] = None,
    threads: ThreadsOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output file.")] = False,
    timeout: TimeoutOption = None,
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find duplicate passages, and write the corpus without them.

    A token is a duplicate if it lies in a sequence of --min-tokens tokens of one document that also occurs earlier in
    the corpus. The first copy is kept. The output has one row per document, in corpus order, with its text, metadata,
    source and line; the text is empty if the whole document is a duplicate. With --ranges the output has one row per
    duplicate: document_id; start and end in tokens; byte_start and byte_end in the UTF-8 text, at whole characters. The
    file appears when it is complete.

    Documents are written only if the tokenizer is known to restore every text exactly. With a normalizer, WordPiece or
    sentencepiece it is not; then use --ranges, whose rows have no byte positions
    in this case.

    JSON: n_documents, n_tokens, n_duplicate_tokens, n_spans, n_documents_with_duplicates, min_tokens, output.
    """
    import infgram
    from infgram.analysis.dedup_output import check_documents
    from infgram.cli.progress import show_progress
    from infgram.exports.rows_file import check_output

    if output is None and (ranges or overwrite):
        raise typer.BadParameter("--ranges and --overwrite need an output file; name it with -o FILE")
    if output is not None:
        check_output(output, overwrite=overwrite)
    began = time.monotonic()
    with open_index(index, tokenizer, quiet=quiet) as opened, show_progress(quiet=quiet) as report:
        if output is not None and not ranges:
            check_documents(opened)
        found = infgram.dedup(opened, min_tokens=min_tokens, threads=threads, timeout_s=timeout, progress=report)
        totals = found.totals
        if output is not None:
            infgram.write_dedup(
                opened,
                found,
                output,
                content="ranges" if ranges else "documents",
                text_field=text_field,
                overwrite=overwrite,
                timeout_s=None if timeout is None else max(1e-9, timeout - (time.monotonic() - began)),
                progress=report,
            )
    answer = {**totals._asdict(), "min_tokens": min_tokens, "output": None if output is None else str(output)}
    if as_json:
        print_json(answer)
    else:
        _print(answer)


def _print(answer: dict[str, Any]) -> None:
    n_tokens, n_duplicate = answer["n_tokens"], answer["n_duplicate_tokens"]
    share = n_duplicate / n_tokens if n_tokens else 0.0
    n_spans, n_affected = answer["n_spans"], answer["n_documents_with_duplicates"]
    print_line(
        f"duplicate: {n_duplicate:,} of {number(n_tokens, 'token')} ({share:.1%}), in {number(n_spans, 'span')} of "
        f"{answer['min_tokens']} tokens or more, in {n_affected:,} of {number(answer['n_documents'], 'document')}"
    )
    if answer["output"] is not None:
        print_line(f"output: {one_line(answer['output'])}")
