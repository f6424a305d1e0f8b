"""`infgram build`: from a corpus to an index."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import typer

from infgram.cli.display import duration, number, one_line, size
from infgram.cli.options import JsonOption, QuietOption
from infgram.cli.output import note, print_json, print_line

if TYPE_CHECKING:
    from infgram.cli.progress import Report
    from infgram.index import Index

EXAMPLES = """
infgram build corpus/                      # writes corpus.infgram beside it
infgram build corpus.jsonl.zst -o news.infgram --text-field content
infgram build corpus/ --tokenizer gpt2/tokenizer.json  # a given model's tokens
infgram build corpus/ --tokenizer bytes    # every byte is a token
infgram build corpus/ --on-error skip --overwrite --json
"""

OnError: TypeAlias = Literal["fail", "skip"]

_SHOWN_SKIPPED: Final = 5
_HINT: Final = (
    "the tokenizer is trained on this corpus; to count in the tokens of a given language model, build with its own: "
    "--tokenizer path/to/tokenizer.json"
)


def token_number(value: str) -> int:
    """A number of tokens as people write it: 5e9, 5_000_000, 100000."""
    try:
        tokens = float(value)
    except ValueError:
        tokens = math.nan
    if not 1 <= tokens <= 2**40:
        raise typer.BadParameter(f"{value!r} is no number of tokens; expected 1 to {2**40}, as 5e9 or 5_000_000")
    return int(tokens)


def path_given(value: str) -> Path:
    """A path; the empty one, as of a shell variable that is not set, would be the working folder."""
    if not value:
        raise typer.BadParameter("the path is empty; '.' is the working folder")
    return Path(value)


def input_given(value: str) -> str:
    """An input, which is not empty."""
    if not value:
        raise typer.BadParameter("the input is empty; '.' is the working folder")
    return value


def build(
    sources: Annotated[
        list[str],
        typer.Argument(
            parser=input_given,
            metavar="SOURCE",
            help="Folders, read with their sub-folders, files, patterns, URLs; - is JSON lines on standard input.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            parser=path_given,
            metavar="INDEX",
            help="Where the index goes; without it, corpus.infgram beside a single corpus.",
        ),
    ] = None,
    tokenizer: Annotated[
        str,
        typer.Option(
            "--tokenizer",
            metavar="NAME",
            help="bpe or bpe:8000 is trained on this corpus; bytes; a tokenizer.json or its folder; a hub name.",
        ),
    ] = "bpe",
    text_field: Annotated[
        str, typer.Option("--text-field", metavar="FIELD", help="The field of JSON lines that holds the text.")
    ] = "text",
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, max=1024, metavar="N", help="Threads at most; all cores without it."),
    ] = None,
    shard_tokens: Annotated[
        int,
        typer.Option(
            "--shard-tokens",
            parser=token_number,
            metavar="N",
            help="Close a shard that holds so many tokens: 5e9, 5_000_000.",
            show_default="5e9",
        ),
    ] = 5_000_000_000,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the index at the output once the new one is finished.")
    ] = False,
    on_error: Annotated[
        OnError,
        typer.Option("--on-error", help="Input that cannot be read: stop there, or leave it out and list it."),
    ] = "fail",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Index a corpus of text files, JSON lines or tables.

    A file of UTF-8 text (.txt, .md, .py, any other name) is one document. JSON lines (.jsonl, .jsonl.gz,
    .jsonl.zst) hold a document a line, CSV and Parquet a document a row, and their other fields are kept as its
    metadata. A build that fails or is stopped leaves nothing behind.

    JSON: path, elapsed_s, skipped (source, line, reason), and the fields of infgram info.
    """
    index, answer = build_and_report(
        sources,
        output,
        quiet=quiet,
        tokenizer=tokenizer,
        text_field=text_field,
        threads=threads,
        shard_tokens=shard_tokens,
        overwrite=overwrite,
        on_error=on_error,
    )
    index.close()
    if as_json:
        print_json(answer)
    elif not quiet:
        print_summary(answer)


def build_and_report(
    source: Path | list[str], output: Path | None, *, quiet: bool = False, **options: Any
) -> tuple[Index, dict[str, Any]]:
    """Build with progress on standard error; options are those of `infgram.build`.

    Returns:
        The open index, and what is to be said of it.
    """
    import infgram
    from infgram.cli.progress import show_progress

    began = time.monotonic()
    try:
        with show_progress(quiet=quiet) as report:
            is_default = options["tokenizer"] == "bpe" and not quiet
            index = infgram.build(source, output, progress=with_hint(report) if is_default else report, **options)
    except KeyboardInterrupt:
        note("the build was stopped and left nothing behind; the same command starts it again")
        raise
    elapsed_s = round(time.monotonic() - began, 3)
    path = index.paths[0]
    return index, {"path": str(path), "elapsed_s": elapsed_s, "skipped": skipped_input(path), **index.info()}


def with_hint(report: Report) -> Report:
    """Once the build has begun, say how to build for a given language model instead of with the default."""
    from infgram.types import BuildProgress

    hints = iter([_HINT])

    def report_after_hint(progress: BuildProgress) -> None:
        for hint in hints:  # empty from the second call on
            note(hint)
        report(progress)

    return report_after_hint


def skipped_input(path: Path) -> list[dict[str, Any]]:
    """What a build left out: source, line, reason."""
    from dataclasses import asdict

    from infgram.manifest import Manifest

    return [asdict(entry) for entry in Manifest.read(path).skipped]


def print_summary(answer: dict[str, Any]) -> None:
    """What was built, for people."""
    ratio = answer["bytes_per_token"]
    per_token = "" if ratio is None else f", {ratio:.2f} bytes a token"
    print_line(
        f"{number(answer['n_documents'], 'document')}, {number(answer['n_tokens'], 'token')}, "
        f"{size(answer['size_bytes'])}{per_token}, {duration(answer['elapsed_s'])}"
    )
    print_line(f"index: {one_line(answer['path'])}")
    skipped = answer["skipped"]
    if not skipped:
        return
    print_line(f"left out, because it cannot be read: {number(len(skipped), 'piece')} of input")
    for entry in skipped[:_SHOWN_SKIPPED]:
        line = "" if entry["line"] is None else f", line {entry['line']}"
        print_line(f"  {one_line(entry['source'])}{line}: {one_line(entry['reason'])}")
    n_more = len(skipped) - _SHOWN_SKIPPED
    if n_more > 0:
        print_line(f"  … and {n_more:,} more, listed in {one_line(answer['path'])}/manifest.json")
