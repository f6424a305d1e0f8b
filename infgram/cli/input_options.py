"""Arguments and options of the commands that read a corpus or write an index."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from infgram.arguments import MOST_SHARD_TOKENS, MOST_THREADS
from infgram.errors import QueryError
from infgram.indexing.memory import size_bytes

if TYPE_CHECKING:
    from infgram.corpus import TokenCorpus

TokenType: TypeAlias = Literal["uint16", "uint32"]
OnError: TypeAlias = Literal["fail", "skip"]
Format: TypeAlias = Literal["auto", "text", "jsonl", "json", "csv", "tsv", "parquet", "arrow"]


def token_number(value: str) -> int:
    """Parse a number of tokens, for example 5e9, 5_000_000 or 100000."""
    try:
        tokens = float(value)
    except ValueError:
        tokens = math.nan
    if not 1 <= tokens <= MOST_SHARD_TOKENS:
        raise typer.BadParameter(
            f"{value!r} is not a number of tokens; expected 1 to {MOST_SHARD_TOKENS}, for example 5e9 or 5_000_000"
        )
    return int(tokens)


def memory_size(value: str) -> int:
    """Parse a memory size, for example 2GiB, 500MB or a number of bytes."""
    try:
        return size_bytes(int(value) if value.isdecimal() else value)
    except QueryError as error:
        raise typer.BadParameter(str(error)) from error


def nonempty_source(value: str) -> str:
    """Return the source. Refuse an empty one, which may come from an unset shell variable."""
    if not value:
        raise typer.BadParameter("the input is empty; use '.' for the working folder")
    return value


LocalIndexArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="INDEX", parser=nonempty_source, help="The folder of an index.")
]
SourcesArgument: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        parser=nonempty_source,
        metavar="SOURCE",
        help="Folders (with subfolders), files, patterns or URLs; - reads JSON lines from standard input.",
    ),
]
TextFieldOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--text-field", metavar="FIELD", help="The field or column with the text; dots separate nested fields."
    ),
]
ThreadsOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, max=MOST_THREADS, metavar="N", help="Maximum number of threads; by default all cores."
    ),
]
IfGenerationOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--if-generation",
        min=0,
        metavar="N",
        help="Change the index only if it is at this generation, as infgram info prints it (0 before the first "
        "change); otherwise exit with 4.",
    ),
]
MemoryOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--memory",
        parser=memory_size,
        metavar="SIZE",
        help="Memory limit, for example 2GiB or 500MB; by default half of the free memory.",
    ),
]
ShardTokensOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--shard-tokens",
        parser=token_number,
        metavar="N",
        help="Start a new shard after N tokens, for example 5e9 or 5_000_000.",
        show_default="5e9",
    ),
]
OnErrorOption: TypeAlias = Annotated[
    OnError,
    typer.Option("--on-error", help="Stop at input that cannot be read, or skip and list it."),
]
FormatOption: TypeAlias = Annotated[
    Format,
    typer.Option("--format", help="The format of every file; auto detects it by content, then by name."),
]
IncludeOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="PATTERN",
        help="Read only the files whose name ('*.jsonl') or path ('data/**') matches; may be repeated.",
    ),
]
ExcludeOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="PATTERN", help="Skip the files whose name or path matches; may be repeated."),
]
FollowLinksOption: TypeAlias = Annotated[
    bool, typer.Option("--follow-links", help="Follow links that lead out of an input folder.")
]
VocabSizeOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--vocab-size", min=1, metavar="N", help="Read files of token ids from 0 to N - 1 instead of text."),
]
DtypeOption: TypeAlias = Annotated[
    TokenType | None, typer.Option("--dtype", help="The integer type of .bin files of token ids.")
]
EndOfTextOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--end-of-text", min=0, metavar="ID", help="The token id that separates documents in files of token ids."
    ),
]


def token_corpus(
    sources: list[str],
    vocab_size: int | None,
    dtype: TokenType | None,
    end_of_text: int | None,
    *,
    follow_links: bool,
    is_filtered: bool,
) -> TokenCorpus | None:
    """Return the corpus of token ids, or None if the input is text; `is_filtered` by options that only text has."""
    if vocab_size is not None and is_filtered:
        raise typer.BadParameter("--format, --include and --exclude cannot be used with --vocab-size")
    if vocab_size is None:
        if dtype is not None or end_of_text is not None:
            raise typer.BadParameter("--dtype and --end-of-text need --vocab-size")
        return None
    import infgram

    return infgram.TokenCorpus(
        sources, vocab_size=vocab_size, dtype=dtype, end_of_text=end_of_text, follow_links=follow_links
    )
