"""`infgram demo`: everything once, on text that every machine has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from infgram.cli import next_token
from infgram.cli.build import print_summary
from infgram.cli.display import one_line, quoted
from infgram.cli.options import JsonOption
from infgram.cli.output import print_json, print_line, print_table
from infgram.cli.questions import ask
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
LOOKED_UP: Final = "Nobody ever wrote this sentence before, but it ends as many do: return the number of"

_ROWS: Final = 5


def demo(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="Where the page is served; 0: a free one.")
    ] = DEFAULT_PORT,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the index afterwards.")] = True,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="INDEX", help="Where the index goes; the demo replaces only its own."),
    ] = Path("stdlib.infgram"),
    as_json: JsonOption = False,
) -> None:
    """Index Python's own library, ask it, serve it.

    The source text of the Python that runs this is indexed, without its tests and without site-packages; a few
    counts, next-token tables and one ∞-gram lookup are printed; then the index is served at
    http://127.0.0.1:8000 until Ctrl-C. Nothing is downloaded.

    JSON, once it is served: build (as infgram build), counts, lookups (as infgram next), url.
    """
    if serve:
        load_service()
        check_port(DEFAULT_HOST, port)  # now, not after the build
    if not as_json:
        print_line("Indexing the source text of Python's standard library")
    index, built = index_standard_library(output)
    with index:
        answers = _ask(index) if as_json else {}
        if not as_json:
            print_summary(built)
            _show(index, output)

    def finish(url: str | None, _: list[str]) -> None:
        if as_json:
            print_json({"build": built, **answers, "url": url})
        elif url:
            print_line(f"Serving it at {url} (open it in a browser; Ctrl-C stops)")

    if serve:
        start([output], [], {"host": DEFAULT_HOST, "port": port, "log_requests": False}, finish)
    else:
        finish(None, [])


def _ask(index: Index) -> dict[str, Any]:
    """The same questions, for JSON."""
    lookups = []
    for text in (*CONTINUED, LOOKED_UP):
        question = ask(index, text)
        found = index.infgram_distribution(question.token_ids, top_k=_ROWS)
        lookups.append({"text": text, **next_token.answer(index, question, found)})
    return {"counts": [{"text": text, "count": index.count(text)} for text in COUNTED], "lookups": lookups}


def _show(index: Index, output: Path) -> None:
    _heading("How often does a text occur?")
    print_table(("text", "count"), [(quoted(text), f"{index.count(text):,}") for text in COUNTED], left=("text",))
    for text in CONTINUED:
        _heading(f"What follows {quoted(text)}?")
        _look_up(index, text)
    _heading("The ∞-gram: what follows a text that never occurs, after its longest suffix that does?")
    print_line(quoted(LOOKED_UP, 100))
    _look_up(index, LOOKED_UP)
    _heading("Ask it yourself:")
    for command in ("count", "next", "search"):
        print_line(f'  infgram {command} {one_line(str(output))} "import os"')
    print_line()


def _look_up(index: Index, text: str) -> None:
    question = ask(index, text)
    next_token.print_lookup(index, question, index.infgram_distribution(question.token_ids, top_k=_ROWS))


def _heading(text: str) -> None:
    print_line()
    print_line(text)
    print_line()
