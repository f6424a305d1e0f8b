"""`infgram convert`: convert an index that infini-gram made."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from infgram.cli.build import nonempty_path, print_summary
from infgram.cli.input_options import MemoryOption, ShardTokensOption, ThreadsOption
from infgram.cli.options import JsonOption, QuietOption
from infgram.cli.output import print_json

EXAMPLES = """
infgram convert theirs/ -o corpus.infgram --tokenizer gpt2/tokenizer.json
infgram convert theirs/ -o corpus.infgram --tokenizer bytes
infgram convert theirs/ -o corpus.infgram --vocab-size 50257   # token ids only
"""


def convert(
    folder: Annotated[str, typer.Argument(parser=nonempty_path, metavar="FOLDER", help="The folder of infini-gram.")],
    output: Annotated[
        str,
        typer.Option("--output", "-o", parser=nonempty_path, metavar="INDEX", help="Write the index to this folder."),
    ],
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            metavar="TOKENIZER",
            help="The tokenizer that the index was built with: a path, a name or bytes; without, queries need token "
            "ids.",
        ),
    ] = None,
    vocab_size: Annotated[
        int | None,
        typer.Option(
            "--vocab-size",
            min=1,
            metavar="N",
            help="Without --tokenizer, token ids are from 0 to N - 1; by default, to the largest that occurs.",
        ),
    ] = None,
    threads: ThreadsOption = None,
    memory: MemoryOption = None,
    shard_tokens: ShardTokensOption = 5_000_000_000,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing index when the new one is complete.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Convert an index that infini-gram made.

    The tokens and metadata of its documents are copied, and the suffixes are sorted again. Conversion is optional: all
    commands open such a folder as it is, with --tokenizer. A converted index contains its tokenizer and checksums, and
    answers faster. A conversion that fails or is stopped keeps its finished stages in INDEX.partial; run the same
    command to resume it.

    JSON: path, elapsed_s, skipped (always empty), and the fields of infgram info.
    """
    import infgram
    from infgram.cli.progress import show_progress

    began = time.monotonic()
    with show_progress(quiet=quiet, as_events=as_json) as report:
        index = infgram.convert(
            folder,
            Path(output),
            tokenizer=tokenizer,
            vocab_size=vocab_size,
            threads=threads,
            memory=memory,
            shard_tokens=shard_tokens,
            overwrite=overwrite,
            progress=report,
        )
    elapsed_s = round(time.monotonic() - began, 3)
    answer: dict[str, Any] = {"path": str(index.paths[0]), "elapsed_s": elapsed_s, "skipped": [], **index.info()}
    index.close()
    if as_json:
        print_json(answer)
    elif not quiet:
        print_summary(answer)
