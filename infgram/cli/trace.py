"""`infgram trace`: which passages of a text stand in the corpus, and where."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infgram.cli.display import log_prob, number, quoted
from infgram.cli.options import (
    AnyTokenizationOption,
    FileArgument,
    IgnoreCaseOption,
    IndexArgument,
    JsonOption,
    QuietOption,
    TimeoutOption,
)
from infgram.cli.output import message, print_json, print_line, print_table, print_text
from infgram.cli.questions import given_file, open_index
from infgram.cli.search import metadata_line
from infgram.cli.snippet import snippet_lines

if TYPE_CHECKING:
    from infgram.analysis import Trace, TracedDocument

_DOCUMENTS_SHOWN = 5

EXAMPLES = """
infgram trace corpus.infgram answer.txt
infgram trace corpus.infgram answer.txt --whole-words --delimiter .
infgram trace corpus.infgram answer.txt --any-tokenization --min-length 4
infgram trace corpus.infgram answer.txt --min-length 8 --max-spans 99 --json
my-model | infgram trace corpus.infgram - --json
echo 17 4 256 | infgram trace corpus.infgram - --ids
"""


def trace(
    index: IndexArgument,
    file: FileArgument,
    ids: Annotated[bool, typer.Option("--ids", help="The file holds token ids instead of a text.")] = False,
    min_length: Annotated[
        int, typer.Option("--min-length", min=1, metavar="N", help="Tokens of a span at least, or words.")
    ] = 1,
    max_count: Annotated[
        int | None,
        typer.Option("--max-count", min=1, metavar="N", help="Leave out spans that occur more often."),
    ] = None,
    max_spans: Annotated[
        int | None,
        typer.Option("--max-spans", min=0, metavar="N", help="Keep the N least probable; by default 1 for 20 tokens."),
    ] = None,
    whole_words: Annotated[
        bool, typer.Option("--whole-words", help="Let spans begin and end only where words do.")
    ] = False,
    delimiters: Annotated[
        list[str] | None,
        typer.Option(
            "--delimiter",
            metavar="TEXT",
            help="No span goes on after it (with --ids: a token id); may be repeated.",
        ),
    ] = None,
    any_tokenization: AnyTokenizationOption = False,
    ignore_case: IgnoreCaseOption = False,
    documents: Annotated[
        int, typer.Option("--documents", min=0, metavar="N", help="Documents of a span at most.")
    ] = 10,
    snippet_tokens: Annotated[
        int, typer.Option("--snippet-tokens", min=0, metavar="N", help="Tokens to show around a match.")
    ] = 80,
    seed: Annotated[int, typer.Option("--seed", metavar="NUMBER", help="Of the sample of documents.")] = 0,
    timeout: TimeoutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the passages of a text that occur in the corpus, and documents that hold them.

    A span is a run of tokens that occurs in the corpus, and is maximal: no longer one holds it. Of the maximal
    spans those are kept whose tokens are the least probable together. For each span all documents that hold it are
    listed, or a sample of them. The documents of all spans are ranked by BM25 for the whole text.

    With --any-tokenization a span is a run of whole words whose characters occur in the corpus, in whatever tokens;
    with --ignore-case also in any case. --min-length then counts words. It takes seconds rather than milliseconds.

    JSON: n_tokens, n_maximal (spans before the choice), n_covered (tokens inside the spans shown), n_given_up (searches
    that took too many token sequences, with --any-tokenization), spans, documents. A span has start and end in tokens,
    text_start and text_end in characters (null where the tokenizer does not tell), text, count, log_prob (of its tokens
    alone, in nats), is_exact (false if a search that was given up may have made it longer or its count larger),
    documents: document_id, offset (in tokens), snippet, snippet_match_start, snippet_match_end. A document has
    document_id, score, metadata, source, line, spans (their places in the list).
    """
    from infgram.analysis import trace as traced
    from infgram.cli.progress import show_progress

    asked = given_file(file, ids)
    with open_index(index) as opened, show_progress(quiet=quiet) as report:
        found = traced(
            opened,
            asked,
            min_length=min_length,
            max_count=max_count,
            max_spans=max_spans,
            whole_words=whole_words,
            delimiters=_delimiters(delimiters or [], ids),
            any_tokenization=any_tokenization,
            ignore_case=ignore_case,
            documents_per_span=documents,
            snippet_tokens=snippet_tokens,
            seed=seed,
            timeout_s=timeout,
            progress=report,
        )
    if found.n_given_up:
        n_concerned = sum(not span.is_exact for span in found.spans)
        message(
            "warning",
            f"gave up {number(found.n_given_up, 'search', 'searches')}, which took too many token sequences: spans may "
            f"be missing, and {n_concerned:,} of those shown may be longer or occur more often",
        )
    if as_json:
        print_json(answer(found))
    else:
        _print(found)


def answer(found: Trace) -> dict[str, Any]:
    """The JSON object."""
    return {
        "n_tokens": len(found.token_ids),
        "n_maximal": found.n_maximal,
        "n_covered": found.n_covered,
        "n_given_up": found.n_given_up,
        "spans": [asdict(span) for span in found.spans],
        "documents": [asdict(document) for document in found.documents],
    }


def _delimiters(given: list[str], ids: bool) -> list[str | int]:
    if not ids:
        return list(given)
    try:
        return [int(token) for token in given]
    except ValueError as error:
        raise typer.BadParameter(f"{error}; with --ids a delimiter is a token id", param_hint="--delimiter") from error


def _print(found: Trace) -> None:
    shown = f", the {len(found.spans)} least probable shown" if len(found.spans) < found.n_maximal else ""
    print_line(
        f"{number(found.n_maximal, 'maximal span')}{shown}; "
        f"they hold {found.n_covered:,} of {number(len(found.token_ids), 'token')}"
    )
    if not found.spans:
        return
    print_line()
    rows = [
        (
            str(place),
            f"{span.start:,}",
            f"{span.end:,}",
            f"{span.count:,}",
            log_prob(span.log_prob),
            f"{len(span.documents)}",
            quoted(span.text) if span.text else "",
        )
        for place, span in enumerate(found.spans)
    ]
    print_table(("span", "start", "end", "count", "log-prob (nats)", "documents", "text"), rows, left=("text",))
    for document in found.documents[:_DOCUMENTS_SHOWN]:
        _print_document(found, document)
    if len(found.documents) > _DOCUMENTS_SHOWN:
        print_line()
        print_line(f"and {number(len(found.documents) - _DOCUMENTS_SHOWN, 'document')} more (--json lists all)")


def _print_document(found: Trace, document: TracedDocument) -> None:
    """A document and its snippets, each once, with the first match in it highlighted."""
    print_line()
    spans = ", ".join(map(str, document.spans))
    title = f"document {document.document_id}  score {document.score:.1f}  spans {spans}"
    print_line(f"{title}  {metadata_line(document)}".rstrip())
    hits = [hit for span in document.spans for hit in found.spans[span].documents]
    first = {hit.snippet: hit for hit in reversed(hits) if hit.document_id == document.document_id}
    for hit in first.values():
        for line in snippet_lines(hit.snippet, hit.snippet_match_start, hit.snippet_match_end):
            print_text(line)
