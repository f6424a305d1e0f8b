"""`infgram demo`: index, query and serve the source code of Python's standard library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from infgram.cli import next_token
from infgram.cli.build import print_summary
from infgram.cli.display import one_line, quoted
from infgram.cli.options import JsonOption
from infgram.cli.output import print_json, print_line, print_table
from infgram.cli.query_arguments import encode_query
from infgram.cli.serve import DEFAULT_HOST, DEFAULT_PORT, check_port, load_service, start
from infgram.cli.standard_library import index_standard_library

if TYPE_CHECKING:
    from infgram.index import Index

EXAMPLES = """
infgram demo
infgram demo --port 9000
infgram demo --no-serve --output /tmp/stdlib.infgram
"""

COUNTED: Final = ("import os", " def __init__(self", " for i in range(", " raise ValueError", " nobody wrote this")
CONTINUED: Final = (" raise", " the number of")
LOOKED_UP: Final = "Nobody has written this sentence before, but its end is common: return the number of"

_ROWS: Final = 5


def demo(
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, metavar="PORT", help="The port of the service; 0 chooses a free one."),
    ] = DEFAULT_PORT,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the index after the queries.")] = True,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="INDEX",
            help="Write the index to this folder. An index that the demo wrote is replaced.",
        ),
    ] = Path("stdlib.infgram"),
    as_json: JsonOption = False,
) -> None:
    """Index Python's standard library, query it and serve it.

    The corpus is the source code of the Python that runs infgram, without its tests and site-packages. The demo prints
    counts, next-token distributions and an ∞-gram lookup, then serves the index at http://127.0.0.1:8000 until Ctrl-C.
    Nothing is downloaded.

    JSON, once the service is ready: build (as infgram build), counts, lookups (as infgram next), url.
    """
    if serve:
        load_service()
        check_port(DEFAULT_HOST, port)  # fail before the build
    if not as_json:
        print_line("Indexing the source code of Python's standard library")
    index, built = index_standard_library(output)
    with index:
        answers = _answers(index) if as_json else {}
        if not as_json:
            print_summary(built)
            _show(index, output)

    def finish(url: str | None, _: list[str]) -> None:
        if as_json:
            print_json({"build": built, **answers, "url": url})
        elif url:
            print_line(f"Serving the index at {url} (open it in a browser; Ctrl-C stops)")

    if serve:
        start([output], [], {"host": DEFAULT_HOST, "port": port, "log_requests": False}, finish)
    else:
        finish(None, [])


def _answers(index: Index) -> dict[str, Any]:
    """Return the results of the same queries for JSON."""
    lookups = []
    for text in (*CONTINUED, LOOKED_UP):
        encoded = encode_query(index, text)
        found = index.infgram_distribution(encoded.token_ids, top_k=_ROWS)
        lookups.append({"text": text, **next_token.answer(index, encoded, found)})
    return {"counts": [{"text": text, "count": index.count(text)} for text in COUNTED], "lookups": lookups}


def _show(index: Index, output: Path) -> None:
    _heading("How often does a text occur?")
    print_table(("text", "count"), [(quoted(text), f"{index.count(text):,}") for text in COUNTED], left=("text",))
    for text in CONTINUED:
        _heading(f"What follows {quoted(text)}?")
        _look_up(index, text)
    _heading("What follows a text that never occurs? The ∞-gram uses its longest suffix that occurs:")
    print_line(quoted(LOOKED_UP, 100))
    _look_up(index, LOOKED_UP)
    _heading("Try your own queries:")
    for command in ("count", "next", "search"):
        print_line(f'  infgram {command} {one_line(str(output))} "import os"')
    print_line()


def _look_up(index: Index, text: str) -> None:
    encoded = encode_query(index, text)
    next_token.print_lookup(index, encoded, index.infgram_distribution(encoded.token_ids, top_k=_ROWS))


def _heading(text: str) -> None:
    print_line()
    print_line(text)
    print_line()
