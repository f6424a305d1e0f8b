"""`infgram trace`: find passages of a text in the corpus, and their documents."""

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
    TokenizerOption,
)
from infgram.cli.output import message, print_json, print_line, print_table, print_text
from infgram.cli.query_arguments import open_index, query_in_file
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
    ids: Annotated[bool, typer.Option("--ids", help="Read a file of token ids instead of text.")] = False,
    min_length: Annotated[
        int,
        typer.Option(
            "--min-length",
            min=1,
            metavar="N",
            help="Minimum length of a span in tokens, or in words with --any-tokenization.",
        ),
    ] = 1,
    max_count: Annotated[
        int | None,
        typer.Option("--max-count", min=1, metavar="N", help="Leave out spans that occur more than N times."),
    ] = None,
    max_spans: Annotated[
        int | None,
        typer.Option(
            "--max-spans", min=0, metavar="N", help="Keep the N least probable spans; by default 1 per 20 tokens."
        ),
    ] = None,
    whole_words: Annotated[
        bool, typer.Option("--whole-words", help="Find only spans that begin and end at word boundaries.")
    ] = False,
    delimiters: Annotated[
        list[str] | None,
        typer.Option(
            "--delimiter",
            metavar="TEXT",
            help="End spans after this text (with --ids: a token id); may be repeated.",
        ),
    ] = None,
    any_tokenization: AnyTokenizationOption = False,
    ignore_case: IgnoreCaseOption = False,
    documents: Annotated[
        int, typer.Option("--documents", min=0, metavar="N", help="Maximum number of documents per span.")
    ] = 10,
    snippet_tokens: Annotated[
        int, typer.Option("--snippet-tokens", min=0, metavar="N", help="Tokens to show around a match.")
    ] = 80,
    seed: Annotated[
        int, typer.Option("--seed", metavar="NUMBER", help="The random seed of the sample of documents.")
    ] = 0,
    timeout: TimeoutOption = None,
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find passages of a text in the corpus, and their documents.

    A span is a sequence of tokens of the text that occurs in the corpus and is maximal: no longer such sequence
    contains it. The spans with the lowest unigram probability are kept. Each span has all documents that contain it, or
    a random sample. The documents of all spans are ranked by their BM25 score for the whole text.

    With --any-tokenization a span is a sequence of whole words whose characters occur in the corpus, in any
    tokenization; --ignore-case also ignores case. --min-length is then in words. This takes seconds
    rather than milliseconds.

    JSON: n_tokens, n_maximal (all maximal spans), n_covered (tokens inside the kept spans), n_given_up (searches with
    too many token sequences, with --any-tokenization), spans, documents. A span has start and end in tokens, text_start
    and text_end in characters (null if the tokenizer has no offsets), text, count, log_prob (sum of its unigram
    log-probabilities, in nats), is_exact (false if it may be longer or occur more often, because a search was given
    up), documents: document_id, offset (in tokens), snippet, snippet_match_start, snippet_match_end. A document has
    document_id, score, metadata, source, line, spans (their indexes in the list).
    """
    from infgram.analysis import trace as traced
    from infgram.cli.progress import show_progress

    ends = _delimiters(delimiters or [], ids)
    query = query_in_file(file, ids)
    with open_index(index, tokenizer, quiet=quiet) as opened, show_progress(quiet=quiet) as report:
        found = traced(
            opened,
            query,
            min_length=min_length,
            max_count=max_count,
            max_spans=max_spans,
            whole_words=whole_words,
            delimiters=ends,
            any_tokenization=any_tokenization,
            ignore_case=ignore_case,
            documents_per_span=documents,
            snippet_tokens=snippet_tokens,
            seed=seed,
            timeout_s=timeout,
            progress=report,
        )
    if found.n_given_up:
        n_inexact = sum(not span.is_exact for span in found.spans)
        searches = number(found.n_given_up, "search", "searches")
        inexact = f", and {n_inexact:,} of the spans shown may be longer or occur more often" if n_inexact else ""
        message("warning", f"gave up {searches} with too many token sequences: spans may be missing{inexact}")
    if as_json:
        print_json(answer(found))
    else:
        _print(found)


def answer(found: Trace) -> dict[str, Any]:
    """Return the fields of the JSON object."""
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
    token_ids: list[str | int] = []
    for token in given:
        try:
            token_ids.append(int(token))
        except ValueError as error:
            message = f"{token!r} is not a token id, as --ids requires"
            raise typer.BadParameter(message, param_hint="--delimiter") from error
    return token_ids


def _print(found: Trace) -> None:
    shown = f", the {len(found.spans)} least probable shown" if len(found.spans) < found.n_maximal else ""
    print_line(
        f"{number(found.n_maximal, 'maximal span')}{shown}; "
        f"they cover {found.n_covered:,} of {number(len(found.token_ids), 'token')}"
    )
    if not found.spans:
        return
    print_line()
    rows = [
        (
            str(position),
            f"{span.start:,}",
            f"{span.end:,}",
            f"{span.count:,}",
            log_prob(span.log_prob),
            f"{len(span.documents)}",
            quoted(span.text) if span.text else "",
        )
        for position, span in enumerate(found.spans)
    ]
    print_table(("span", "start", "end", "count", "log-prob (nats)", "documents", "text"), rows, left=("text",))
    for document in found.documents[:_DOCUMENTS_SHOWN]:
        _print_document(found, document)
    if len(found.documents) > _DOCUMENTS_SHOWN:
        print_line()
        print_line(f"and {number(len(found.documents) - _DOCUMENTS_SHOWN, 'document')} more (--json lists all)")


def _print_document(found: Trace, document: TracedDocument) -> None:
    """Print a document and its distinct snippets, each with its first match highlighted."""
    print_line()
    spans = ", ".join(map(str, document.spans))
    title = f"document {document.document_id}  score {document.score:.1f}  spans {spans}"
    print_line(f"{title}  {metadata_line(document)}".rstrip())
    hits = [hit for span in document.spans for hit in found.spans[span].documents]
    first = {hit.snippet: hit for hit in reversed(hits) if hit.document_id == document.document_id}
    for hit in first.values():
        for line in snippet_lines(hit.snippet, [(hit.snippet_match_start, hit.snippet_match_end)]):
            print_text(line)
