"""Arguments and options that several commands share: one name, one meaning, one help."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

IndexArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="INDEX",
        help="The folder of an index, as infgram build writes it, or a URL: s3://…, or ray:///NAME in a cluster.",
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
    typer.Option("--token-ids", metavar="IDS", help="Ask with token ids instead of a text, as 17,4,256."),
]
IgnoreCaseOption: TypeAlias = Annotated[
    bool, typer.Option("--ignore-case", help="Find the text in any case, and so in any tokens.")
]
AnyTokenizationOption: TypeAlias = Annotated[
    bool,
    typer.Option("--any-tokenization", help="Find the text wherever it stands: inside words, across tokens."),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]
MinCountOption: TypeAlias = Annotated[
    int, typer.Option("--min-count", min=1, metavar="N", help="Use a suffix only if it occurs at least so often.")
]
FileArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="FILE", help="A file of UTF-8 text, taken exactly as given; - is standard input.")
]
TimeoutOption: TypeAlias = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", help="Give up, with exit code 6, when it takes longer."),
]
QuietOption: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no notes; warnings and errors still show.")
]
