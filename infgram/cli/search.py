"""`infgram search`: find the documents that contain a text or match an AND of ORs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from infgram.cli.display import number, one_line
from infgram.cli.hits import snippets_of
from infgram.cli.options import (
    AnyTokenizationOption,
    IgnoreCaseOption,
    IndexArgument,
    JsonOption,
    TextArgument,
    TimeoutOption,
    TokenIdsOption,
    TokenizerOption,
)
from infgram.cli.output import note, print_json, print_line, print_text
from infgram.cli.query_arguments import EncodedQuery, encode_query, open_index, query_argument
from infgram.cli.string_notes import note_on_missing
from infgram.cli.where import filters_of
from infgram.query_language import Cnf

if TYPE_CHECKING:
    from infgram.analysis.trace import TracedDocument
    from infgram.types import Document, SearchHit, SearchResult

EXAMPLES = """
infgram search corpus.infgram "natural language"
infgram search corpus.infgram '" model" AND (" speech" OR " text")'
infgram search corpus.infgram '" model" AND " speech"' --scope document
infgram search corpus.infgram '"rock AND roll"'  # one term, no operator
infgram search corpus.infgram "NATURAL lang" --ignore-case
infgram search corpus.infgram "(rock OR Blues) AND roll" --ignore-case
infgram search corpus.infgram "natural" --where lang=en --where year=2020
infgram search corpus.infgram "natural" --seed 7  # in a random order
infgram search corpus.infgram "natural" --cursor CURSOR  # the next page
infgram search corpus.infgram "the" --max-matches 10000  # an estimate
"""


def search(
    index: IndexArgument,
    text: TextArgument = None,
    token_ids: TokenIdsOption = None,
    limit: Annotated[int, typer.Option("--limit", min=0, metavar="N", help="Maximum number of documents.")] = 10,
    cursor: Annotated[
        str | None, typer.Option("--cursor", metavar="CURSOR", help="Continue after the page that printed this cursor.")
    ] = None,
    scope: Annotated[
        Literal["window", "document"],
        typer.Option("--scope", help="Where all clauses must match: in a window, or in a document."),
    ] = "window",
    max_distance: Annotated[
        int,
        typer.Option(
            "--max-distance", min=0, metavar="N", help="Length of a window, in tokens from the first term to the last."
        ),
    ] = 100,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="FIELD=VALUE",
            help="Find only documents with this metadata value; may be repeated for other fields. VALUE is read as "
            "JSON if it is a number, true, false, null or a text in quotation marks. The fields source and line are "
            "the file and line of a document, unless its metadata has fields of these names.",
        ),
    ] = None,
    max_matches: Annotated[
        int | None,
        typer.Option(
            "--max-matches",
            min=1,
            metavar="N",
            help="Estimate the counts from a sample if there are more than N matches.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="NUMBER", help="Return documents in a random order that depends on this seed."),
    ] = None,
    snippet_tokens: Annotated[
        int, typer.Option("--snippet-tokens", min=0, metavar="N", help="Tokens to show around the match.")
    ] = 40,
    matches_per_document: Annotated[
        int, typer.Option("--matches-per-document", min=1, metavar="N", help="Maximum number of matches per document.")
    ] = 3,
    ignore_case: IgnoreCaseOption = False,
    any_tokenization: AnyTokenizationOption = False,
    timeout: TimeoutOption = None,
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the documents that contain a text or match a query.

    A text without the words AND and OR in capitals is matched exactly as given. With them it is a query: an AND of
    clauses, each a term or an OR of terms in parentheses. All clauses must match in a window of --max-distance tokens
    or, with --scope document, anywhere in a document. A term in quotation marks is taken exactly, with its spaces and
    operators; other terms are stripped of spaces. With --any-tokenization or --ignore-case the characters of each term
    are matched, in any tokenization.

    Each document is listed once, with a snippet of its first match, in the order of the corpus or, with --seed, in a
    random order. The count is the number of matches of the first clause for which all other clauses match, too.

    JSON: count, document_count, is_exact, count_interval and document_count_interval (95% intervals of an
    estimate), cursor (of the next page), clauses (each a list of terms: token_ids, tokens), documents (document_id,
    metadata, source, line, text, match_count, offset and length of the first match in tokens, match_start and
    match_end in characters of text, snippet, snippet_match_start, snippet_match_end; and matches: the first
    matches, including those of the other clauses, each with its clause and the fields of the first match).
    """
    query = query_argument(text, token_ids)
    as_characters = ignore_case or any_tokenization
    if as_characters and (not isinstance(query, str) or max_matches is not None):
        raise typer.BadParameter(
            "--ignore-case and --any-tokenization cannot be used with --token-ids or --max-matches"
        )
    cnf = Cnf.parse(query) if isinstance(query, str) else Cnf([[query]])
    filters = filters_of(where or [])
    with open_index(index, tokenizer) as opened:
        clauses = [[encode_query(opened, _as_argument(term)) for term in terms] for terms in cnf.clauses]
        found = opened.search(
            cnf if as_characters else Cnf([[term.token_ids for term in terms] for terms in clauses]),
            ignore_case=ignore_case,
            any_tokenization=any_tokenization,
            limit=limit,
            seed=seed,
            snippet_tokens=snippet_tokens,
            scope=scope,
            max_distance=max_distance,
            max_matches=max_matches,
            where=filters,
            cursor=cursor,
            matches_per_document=matches_per_document,
            timeout_s=timeout,
        )
        if found.count == 0 and not as_characters:
            note_on_missing(opened, (term for terms in cnf.clauses for term in terms if isinstance(term, str)))
    if as_json:
        print_json(answer(clauses, found))
    else:
        _print(found)


def answer(clauses: list[list[EncodedQuery]], found: SearchResult) -> dict[str, Any]:
    """Return the fields of the JSON object."""
    names = ("count", "document_count", "is_exact", "count_interval", "document_count_interval", "cursor")
    return {
        **{name: getattr(found, name) for name in names},
        "clauses": [[vars(term) for term in terms] for terms in clauses],
        "documents": [_fields(hit) for hit in found],
    }


def metadata_line(document: Document | SearchHit | TracedDocument) -> str:
    """Return the source and metadata of a document on one line, safe to print, with long values cut."""
    metadata = document.metadata
    is_in_metadata = document.source is None or metadata.get("path") == document.source
    place = "" if is_in_metadata else document.source if document.line is None else f"{document.source}:{document.line}"
    shown = (value if isinstance(value, str) else json.dumps(value) for value in metadata.values())
    fields = (f"{one_line(key)}={one_line(value)[:200]}" for key, value in zip(metadata, shown, strict=True))
    return "  ".join([*([one_line(place)] if place else []), *fields])


def _as_argument(term: Any) -> str | list[int]:
    """Return a term as a text or a list."""
    return term if isinstance(term, str) else list(term)


def _fields(hit: SearchHit) -> dict[str, Any]:
    fields = {name: value for name, value in vars(hit).items() if name != "clause"}
    return {**fields, "matches": [vars(match) for match in hit.matches]}


def _print(found: SearchResult) -> None:
    occurrences = _amount(found.count, found.count_interval, "occurrence")
    documents = _amount(found.document_count, found.document_count_interval, "document")
    shown = f"; {len(found)} shown" if found.cursor is not None else ""
    print_line(f"{occurrences} in {documents}{shown}" if found.count else occurrences)
    for hit in found:
        print_line()
        print_line(f"document {hit.document_id}  {metadata_line(hit)}".rstrip())
        for line in snippets_of(hit):
            print_text(line)
    if found.cursor is not None:
        note(f"for the next page add --cursor {found.cursor}")


def _amount(value: int, interval: tuple[int, int] | None, noun: str) -> str:
    """Format as `3 documents` or, for an estimate, `about 3 documents (2 to 5 with 95% confidence)`."""
    if interval is None or interval[0] == interval[1]:
        return number(value, noun)
    return f"about {number(value, noun)} ({interval[0]:,} to {interval[1]:,} with 95% confidence)"
