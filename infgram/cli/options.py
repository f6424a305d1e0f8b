"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

IndexArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="INDEX",
        help="The folder of an index, or a URL: s3://…, or ray:///NAME in a cluster.",
    ),
]
TokenizerOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--tokenizer",
        metavar="TOKENIZER",
        help="The tokenizer of an index that infini-gram made: a path, a name or bytes. Other indexes contain theirs.",
    ),
]
TextArgument: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="TEXT",
        help="The text, taken exactly as given; - reads it from standard input. "
        "Put -- before a text that begins with a dash.",
        show_default=False,
    ),
]
TokenIdsOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--token-ids", metavar="IDS", help="Token ids to use instead of a text, for example 17,4,256."),
]
IgnoreCaseOption: TypeAlias = Annotated[
    bool, typer.Option("--ignore-case", help="Ignore case; implies --any-tokenization.")
]
AnyTokenizationOption: TypeAlias = Annotated[
    bool,
    typer.Option("--any-tokenization", help="Match characters in any tokenization, also inside words."),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
MinCountOption: TypeAlias = Annotated[
    int, typer.Option("--min-count", min=1, metavar="N", help="Use the longest suffix that occurs at least N times.")
]
FileArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="FILE", help="A file of UTF-8 text, taken exactly as given; - reads standard input.")
]
TimeoutOption: TypeAlias = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", help="Stop with exit code 6 after this time."),
]
QuietOption: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print no progress and no notes, only warnings and errors.")
]
