"""`infgram export`: write the documents or tokens of an index to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from infgram.cli.display import number, one_line
from infgram.cli.options import IndexArgument, JsonOption, QuietOption, TimeoutOption, TokenizerOption
from infgram.cli.output import print_json, print_line
from infgram.cli.query_arguments import open_index

EXAMPLES = """
infgram export corpus.infgram -o corpus.jsonl.zst   # text and metadata
infgram export corpus.infgram -o ids.parquet --tokens
infgram export corpus.infgram -o corpus.npy         # token ids
infgram export corpus.infgram -o corpus.bin --end-of-text 50256   # for Megatron
"""

Format: TypeAlias = Literal["jsonl", "parquet", "npy", "megatron"]


def export(
    index: IndexArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file: .jsonl (also .gz, .zst, .bz2, .xz), .parquet, .npy, or .bin for Megatron.",
            show_default=False,
        ),
    ],
    format: Annotated[
        Format | None,
        typer.Option("--format", help="The format; by default that of the file name.", show_default=False),
    ] = None,
    tokens: Annotated[bool, typer.Option("--tokens", help="Write token ids instead of text into rows.")] = False,
    text_field: Annotated[
        str | None,
        typer.Option(
            "--text-field",
            metavar="FIELD",
            help="The field for the text or the token ids.",
            show_default="text or token_ids",
        ),
    ] = None,
    end_of_text: Annotated[
        int | None,
        typer.Option(
            "--end-of-text",
            min=0,
            metavar="ID",
            help="The id after each document in .npy and .bin files. By default the tokenizer's own in .npy files, "
            "none in .bin files.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    tokenizer: TokenizerOption = None,
    timeout: TimeoutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the documents or tokens of an index to a file.

    Rows (.jsonl, .parquet) have the text of a document, its metadata, source and line; building an index of the file
    with the tokenizer of the index gives the same documents. .npy is one row of token ids with an end-of-text id after
    each document. .bin and .idx are Megatron's indexed data set. Both have no metadata, and are read by `infgram build
    --vocab-size`. No build reads rows of token ids (--tokens). The file appears when it is complete.

    Text requires a tokenizer that is known to restore every text exactly. With a normalizer, WordPiece or sentencepiece
    it is not; then write .npy or .bin, or rows with --tokens.

    JSON: files, n_documents, n_tokens, end_of_text.
    """
    import infgram
    from infgram.cli.progress import show_progress

    with open_index(index, tokenizer, quiet=quiet) as opened, show_progress(quiet=quiet) as report:
        done = infgram.export(
            opened,
            output,
            format=format,
            content="tokens" if tokens else None,
            text_field=text_field,
            end_of_text=end_of_text,
            overwrite=overwrite,
            timeout_s=timeout,
            progress=report,
        )
    if as_json:
        print_json({**done._asdict(), "files": [str(file) for file in done.files]})
        return
    print_line(f"{number(done.n_documents, 'document')}, {number(done.n_tokens, 'token')}")
    if done.end_of_text is not None:
        print_line(f"end of text: {done.end_of_text}, after each document")
    print_line(f"output: {', '.join(one_line(str(file)) for file in done.files)}")
