"""`infgram build`: build an index of a corpus."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import typer

from infgram.cli.display import duration, number, one_line, size
from infgram.cli.input_options import (
    DtypeOption,
    EndOfTextOption,
    ExcludeOption,
    FollowLinksOption,
    FormatOption,
    IncludeOption,
    MemoryOption,
    OnErrorOption,
    ShardTokensOption,
    SourcesArgument,
    TextFieldOption,
    ThreadsOption,
    VocabSizeOption,
    token_corpus,
)
from infgram.cli.options import JsonOption, QuietOption
from infgram.cli.output import note, print_json, print_line, print_table
from infgram.cli.skipped import print_skipped, warn_skipped
from infgram.cli.tasks import build_by_tasks, is_by_tasks, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infgram.cli.progress import Report
    from infgram.corpus import TokenCorpus
    from infgram.index import Index

EXAMPLES = """
infgram build corpus/                      # writes corpus.infgram beside it
infgram build corpus.jsonl.zst -o news.infgram --text-field content
infgram build corpus/ --tokenizer gpt2/tokenizer.json  # a model's own tokenizer
infgram build corpus/ --tokenizer bytes    # every byte is a token
infgram build corpus/ --on-error skip --overwrite --json
infgram build checkout/ --include '*.json.gz' --exclude 'test*'
infgram build corpus/ --memory 2GiB --dry-run
infgram build s3://in/news/ -o s3://out/news --engine ray  # on a Ray cluster
infgram build ids.bin --vocab-size 50257 --dtype uint16 --end-of-text 50256
"""

Engine: TypeAlias = Literal["local", "ray"]

_SCALES: Final = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))
_HINT: Final = (
    "the tokenizer is trained on this corpus; to count the tokens of a given language model, use its tokenizer: "
    "--tokenizer path/to/tokenizer.json"
)


def nonempty_path(value: str) -> str:
    """Return the path or URL. Refuse an empty one, which may come from an unset shell variable."""
    if not value:
        raise typer.BadParameter("the path is empty; use '.' for the working folder")
    return value


def build(
    sources: SourcesArgument,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            parser=nonempty_path,
            metavar="INDEX",
            help="Write the index to this folder or URL; by default SOURCE.infgram beside a single SOURCE.",
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            metavar="NAME",
            help="bpe or bpe:8000: train one on this corpus; bytes; a tokenizer.json or its folder; or a hub name.",
            show_default="bpe",
        ),
    ] = None,
    text_field: TextFieldOption = "text",
    threads: ThreadsOption = None,
    memory: MemoryOption = None,
    shard_tokens: ShardTokensOption = 5_000_000_000,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing index when the new one is complete.")
    ] = False,
    on_error: OnErrorOption = "fail",
    format_: FormatOption = "auto",
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    follow_links: FollowLinksOption = False,
    vocab_size: VocabSizeOption = None,
    dtype: DtypeOption = None,
    end_of_text: EndOfTextOption = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Read a sample of the input, estimate the build's time, memory and disk space, and stop."
        ),
    ] = False,
    engine: Annotated[
        Engine | None,
        typer.Option("--engine", help="Build in tasks: on a Ray cluster, or one by one in this process."),
    ] = None,
    scratch: Annotated[
        str | None,
        typer.Option(
            "--scratch",
            parser=nonempty_path,
            metavar="FOLDER",
            help="The folder for temporary files of tasks on each machine; by default the system's.",
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Build an index of text files, JSON lines, tables or token ids.

    Each line of JSON lines, element of a JSON array, and row of CSV or Parquet is a document; its other fields become
    its metadata. Any other file of UTF-8 text is one document. The format and the compression (gzip, zstd, bzip2, xz)
    are detected from the content, or from the name if the content does not decide. In a folder, marker files of jobs
    (_SUCCESS, .crc) and descriptions of data (README.md beside tables) are skipped, unless --include is given. A note
    lists the formats that were read.

    With --vocab-size, files of token ids are read: .npy, .bin, or Megatron's .bin with .idx. Name the tokenizer of the
    ids with --tokenizer to query and show text.

    The index appears when it is complete. A build that fails or is stopped keeps its finished stages in INDEX.partial;
    run the same command to resume it.

    With --engine, or if INDEX is a URL such as s3://bucket/index, the build runs as tasks that read from and write to
    storage; --threads and --memory then apply to each task. The Ray cluster is that of RAY_ADDRESS, or the one that
    runs on this machine; otherwise one is started for this command. The index is the same.

    JSON: path, elapsed_s, skipped (source, line, reason), and the fields of infgram info. With --dry-run:
    n_documents, n_tokens, n_tokens_interval (of 95% confidence), disk_bytes, memory_bytes, elapsed_s, input_bytes,
    sampled_bytes. For builds in tasks: path, elapsed_s, skipped, n_documents, n_tokens, n_shards, size_bytes,
    cpu_hours, dollars, dollars_per_cpu_hour, stages (stage, n_tasks, n_kept, elapsed_s, cpu_hours, bytes_read,
    bytes_written).

    Standard error gets one JSON object per line, at the start of each stage and then every second: event ("progress"),
    stage, done, total, unit, per_second, left_s; and for each note: event ("note"), message.
    """
    by_tasks = is_by_tasks(output, engine)
    if by_tasks:
        refuse({"--vocab-size": vocab_size, "--overwrite": overwrite})
    elif scratch is not None:
        raise typer.BadParameter("--scratch needs a build in tasks: give --engine, or a URL as the output")
    tokens = token_corpus(
        sources,
        vocab_size,
        dtype,
        end_of_text,
        follow_links=follow_links,
        is_filtered=format_ != "auto" or bool(include or exclude),
    )
    options: dict[str, Any] = {"tokenizer": tokenizer, "threads": threads, "shard_tokens": shard_tokens}
    if tokens is None:
        chosen = {"format": format_, "include": include or (), "exclude": exclude or (), "follow_links": follow_links}
        options = {**options, "tokenizer": tokenizer or "bpe", "text_field": text_field, "on_error": on_error, **chosen}
    if dry_run:
        estimate = estimate_and_report(sources if tokens is None else tokens, options)
        print_json(estimate) if as_json else print_estimate(estimate)
        return
    if by_tasks:
        options = {**options, "memory": memory, "scratch": scratch}
        build_by_tasks(sources, output, engine=engine, quiet=quiet, as_json=as_json, **options)
        return
    options = {**options, "memory": memory, "overwrite": overwrite}
    index, answer = build_and_report(
        sources if tokens is None else tokens,
        None if output is None else Path(output),
        quiet=quiet,
        as_events=as_json,
        **options,
    )
    index.close()
    if as_json:
        print_json(answer)
    elif quiet:
        warn_skipped(answer["skipped"], answer["path"])
    else:
        print_summary(answer)


def build_and_report(
    source: Path | list[str] | TokenCorpus,
    output: Path | None,
    *,
    quiet: bool = False,
    as_events: bool = False,
    **options: Any,
) -> tuple[Index, dict[str, Any]]:
    """Build an index, with progress on standard error.

    Args:
        source: files, folders and patterns, or files of token ids.
        output: the folder of the index; None for the default.
        quiet: whether to print no progress.
        as_events: whether progress is printed as JSON objects.
        options: those of `infgram.build` or `infgram.build_from_tokens`.

    Returns:
        The open index, and the fields of the JSON object.
    """
    import infgram
    from infgram.cli.progress import show_progress
    from infgram.indexing.output import default_output

    began = time.monotonic()
    with show_progress(quiet=quiet, as_events=as_events) as report:
        if isinstance(source, infgram.TokenCorpus):
            target = output or default_output(source.inputs)
            index = infgram.build_from_tokens(source, target, progress=report, **options)
        else:
            is_default = options["tokenizer"] == "bpe" and not quiet
            index = infgram.build(source, output, progress=with_hint(report) if is_default else report, **options)
    elapsed_s = round(time.monotonic() - began, 3)
    skipped = [asdict(entry) for entry in index.skipped]
    return index, {"path": str(index.paths[0]), "elapsed_s": elapsed_s, "skipped": skipped, **index.info()}


def estimate_and_report(source: list[str] | TokenCorpus, options: dict[str, Any]) -> dict[str, Any]:
    """Estimate a build. Return the fields of the JSON object."""
    import infgram

    return asdict(infgram.estimate_build(source, **options))


def with_hint(report: Report) -> Report:
    """Return `report` with a note on the first call that tells how to use the tokenizer of a language model."""
    from infgram.types import BuildProgress

    hints = iter([_HINT])

    def report_after_hint(progress: BuildProgress) -> None:
        for hint in hints:  # empty from the second call on
            note(hint)
        report(progress)

    return report_after_hint


def print_estimate(estimate: dict[str, Any]) -> None:
    """Print the estimate of a build as text."""
    sampled, whole = size(estimate["sampled_bytes"]), size(estimate["input_bytes"])
    print_table(
        ("", "about"),
        [
            ("documents", f"{estimate['n_documents']:,}"),
            ("tokens", _with_interval(estimate["n_tokens"], estimate["n_tokens_interval"])),
            ("time", duration(estimate["elapsed_s"])),
            ("memory", size(estimate["memory_bytes"])),
            ("disk", size(estimate["disk_bytes"])),
        ],
        left=("", "about"),
    )
    print_line(f"estimated from {sampled} of {whole} of input; --memory reduces the memory and takes more time")


def _with_interval(n: int, interval: Sequence[int]) -> str:
    """Format as `12.3 million (12.1 to 12.5 with 95% confidence)`, or as the number alone if it is exact."""
    if tuple(interval) == (n, n):
        return f"{n:,}"
    scale, word = next(((scale, word) for scale, word in _SCALES if n >= scale), (1, ""))
    if not word:
        return f"{n:,} ({interval[0]:,} to {interval[1]:,} with 95% confidence)"
    shown, low, high = (number / scale for number in (n, *interval))
    digits = min(6, max(1, 1 - math.floor(math.log10(max(high - low, 1e-6)))))
    return f"{shown:.{digits}f} {word} ({low:.{digits}f} to {high:.{digits}f} with 95% confidence)"


def print_summary(answer: dict[str, Any]) -> None:
    """Print the summary of a finished build as text."""
    ratio = answer["bytes_per_token"]
    per_token = "" if ratio is None else f", {ratio:.2f} bytes per token"
    print_line(
        f"{number(answer['n_documents'], 'document')}, {number(answer['n_tokens'], 'token')}, "
        f"{size(answer['size_bytes'])}{per_token}, {duration(answer['elapsed_s'])}"
    )
    print_line(f"index: {one_line(answer['path'])}")
    print_skipped(answer["skipped"], answer["path"])
