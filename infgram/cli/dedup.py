"""`infgram dedup`: the passages that a corpus holds more than once, and the corpus without them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from infgram.arguments import MOST_THREADS
from infgram.cli.display import number, one_line
from infgram.cli.options import IndexArgument, JsonOption, QuietOption, TimeoutOption
from infgram.cli.output import print_json, print_line
from infgram.cli.questions import open_index

EXAMPLES = """
infgram dedup corpus.infgram                    # how much is duplicate?
infgram dedup corpus.infgram -o clean.jsonl     # every document without it
infgram dedup corpus.infgram -o clean.parquet   # or .jsonl.gz, .jsonl.zst
infgram dedup corpus.infgram -o ranges.jsonl --ranges --min-tokens 100
infgram build clean.jsonl                       # and an index of what remains
"""


def dedup(
    index: IndexArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write there: .jsonl (also .gz, .zst, .bz2, .xz) or .parquet. Without it, only count.",
            show_default=False,
        ),
    ] = None,
    min_tokens: Annotated[
        int, typer.Option("--min-tokens", min=1, metavar="N", help="Tokens of the shortest passage that counts.")
    ] = 50,
    ranges: Annotated[
        bool, typer.Option("--ranges", help="Write where the duplicates stand instead of documents without them.")
    ] = False,
    text_field: Annotated[
        str | None,
        typer.Option(
            "--text-field",
            metavar="FIELD",
            help="The field for the text of a document, or for its token ids if the index holds no tokenizer.",
            show_default="text or token_ids",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, max=MOST_THREADS, metavar="N", help="Threads at most; all cores without it."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file at the output.")] = False,
    timeout: TimeoutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the passages that occur more than once in a corpus, and write the corpus without them.

    A passage is duplicate if all its tokens lie in runs of --min-tokens tokens of one document that occur earlier
    in the corpus: the first copy stays. The output holds a document a row, in their order, its metadata, source
    and line beside the text; what is duplicate altogether becomes an empty text. With --ranges it holds a
    duplicate a row: document_id, start and end in tokens, byte_start and byte_end in the UTF-8 bytes of the
    document's text. Bytes, like the text that is cut, are those of whole characters. The file appears when it is
    complete. No document is altered: where the tokenizer is not known to give back every text (it has a normalizer,
    or is WordPiece or sentencepiece), documents are refused, and --ranges has no bytes.

    JSON: n_documents, n_tokens, n_duplicate_tokens, n_spans, n_documents_with_duplicates, min_tokens, output.
    """
    import infgram
    from infgram.analysis.cut import check_documents
    from infgram.analysis.rows_file import check_output
    from infgram.cli.progress import show_progress

    if output is None and (ranges or overwrite):
        raise typer.BadParameter("--ranges and --overwrite say how to write a file; name it with -o FILE")
    if output is not None:
        check_output(output, overwrite=overwrite)
    began = time.monotonic()
    with open_index(index) as opened, show_progress(quiet=quiet) as report:
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
    spans, holders = answer["n_spans"], answer["n_documents_with_duplicates"]
    print_line(
        f"duplicate: {n_duplicate:,} of {number(n_tokens, 'token')} ({share:.1%}), in {number(spans, 'span')} of "
        f"{answer['min_tokens']} tokens or more, in {holders:,} of {number(answer['n_documents'], 'document')}"
    )
    if answer["output"] is not None:
        print_line(f"output: {one_line(answer['output'])}")
