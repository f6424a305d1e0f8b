"""The table of tools. Each one asks a question of the service, and keeps of the answer what suits a context window.

The docstring of a tool is the description that a language model reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import cleandoc
from typing import Any, Final, get_type_hints

from fastapi import Request
from pydantic import BaseModel

from ..indexes import ServedIndex
from ..pipeline.dispatch import run_in_thread
from ..pipeline.job import Job
from ..problems import ProblemError
from ..routes import comparison, count as counting, documents, next_token, search as searching
from ..runtime import Runtime
from ..schemas.requests import (
    CountRequest,
    InfgramRequest,
    NextTokenRequest,
    OverlapRequest,
    SearchRequest,
    TraceRequest,
)
from ..schemas.responses import DistributionResponse
from .schemas import (
    Arguments,
    CountArguments,
    CountResult,
    DocumentArguments,
    DocumentResult,
    InfgramArguments,
    InfgramResult,
    ListedIndex,
    ListIndexesResult,
    NextTokensArguments,
    NextTokensResult,
    NoArguments,
    OverlapArguments,
    OverlapDocument,
    OverlapResult,
    OverlapSize,
    Result,
    SearchArguments,
    SearchDocument,
    SearchResult,
    TokenRow,
    TraceArguments,
    TraceDocument,
    TraceResult,
    TraceSpan,
)

MAX_TOKENS: Final = 50
MAX_CHARACTERS: Final = 300
MAX_SNIPPET: Final = 1_000
"""Characters of a snippet; its tokens may be long, and those of a trace are joined."""
MAX_METADATA_CHARACTERS: Final = 200
"""Characters of the JSON of one metadata field; a longer one is named and not shown."""
MAX_FIELDS: Final = 20


@dataclass(frozen=True)
class Tool:
    """A tool.

    Attributes:
        name: the name by which it is called.
        title: the name that people see.
        description: what it does, when to use it, and the meaning of its result, for a language model.
        arguments: the model of its arguments.
        result: the model of its result.
        answer: computes the result from a job and the arguments; from the runtime if it is not about one index.
    """

    name: str
    title: str
    description: str
    arguments: type[BaseModel]
    result: type[Result]
    answer: Callable[[Any, Any], Result]

    @property
    def operation_id(self) -> str:
        """The operation of its calls in metrics and logs."""
        return f"mcp_{self.name}"

    async def call(self, runtime: Runtime, arguments: BaseModel, request: Request | None) -> Result:
        """Return the result; a question about an index gets a slot and a time limit, as in any other request.

        Args:
            runtime: the indexes.
            arguments: an instance of the model of the arguments.
            request: the HTTP request, if there is one; the question is cancelled when its client disconnects.

        Raises:
            ProblemError, InfgramError: as from the route of the question.
        """
        if isinstance(arguments, Arguments):
            return await run_in_thread(runtime, arguments.index, lambda job: self.answer(job, arguments), request)
        return self.answer(runtime, arguments)


def _tool(title: str) -> Callable[[Callable[[Any, Any], Result]], Tool]:
    """Make a tool of a function: its name, its docstring, and the models in its annotations."""

    def made(answer: Callable[[Any, Any], Result]) -> Tool:
        hints = get_type_hints(answer)
        example = json.dumps(hints["asked"].model_json_schema()["examples"][0])
        description = f"{cleandoc(answer.__doc__ or '')}\n\nExample arguments: {example}"
        return Tool(answer.__name__, title, description, hints["asked"], hints["return"], answer)

    return made


@_tool("List the indexes")
def list_indexes(runtime: Runtime, asked: NoArguments) -> ListIndexesResult:
    """List the indexes (text corpora) that the other tools can query, with their sizes.

    Call it first, unless you know the name of the index. It takes no arguments.
    """
    names = ("n_documents", "n_tokens", "size_bytes")
    return ListIndexesResult(
        indexes=[
            ListedIndex(
                name=name,
                **{field: served.info[field] for field in names},
                tokenizer=served.info["tokenizer"]["kind"] if served.has_tokenizer else None,
                tokenizer_fingerprint=served.info["tokenizer"]["fingerprint"][:16] if served.has_tokenizer else None,
            )
            for name, served in runtime.indexes.items()
        ]
    )


@_tool("Count a text")
def count(job: Job, asked: CountArguments) -> CountResult:
    """Count exactly how often a text of any length occurs in a corpus, in milliseconds.

    Use it for "how often", "does this phrase occur" and comparisons of frequencies. Read string_count for the
    occurrences of the characters. count is smaller: it has only those with the same tokens, so that it differs between
    "cat" and " cat" (after a space). No operators: the text is taken literally. To see documents, use search.
    """
    found = counting.count(job, CountRequest(**asked.question(), readings=True))
    readings = found.readings
    return CountResult(
        string_count=None if readings is None else readings.string_count,
        count=found.count,
        other_case_count=None if readings is None or readings.other_case is None else readings.other_case.count,
        n_tokens=len(found.token_ids),
        tokens=(found.tokens or [])[:MAX_TOKENS],
    )


@_tool("Show what follows a text")
def next_tokens(job: Job, asked: NextTokensArguments) -> NextTokensResult:
    """Show which tokens follow a text in a corpus, with exact counts and probabilities.

    Use it for "what comes after", completions and collocations. The whole text is the context. If it does not occur,
    context_count is 0 and there are no rows: use infgram then. End the text at the end of a word, without a space:
    tokens begin with theirs.
    """
    found = next_token.next_token(job, NextTokenRequest(**asked.question()))
    return NextTokensResult(**_distribution(found))


@_tool("Predict by the longest suffix")
def infgram(job: Job, asked: InfgramArguments) -> InfgramResult:
    """Predict the token after a text by the ∞-gram: the counts after its longest suffix that occurs in the corpus.

    Use it instead of next_tokens if the whole text may not occur: it shortens the context from the left until it
    occurs at least min_count times. suffix_length says how many tokens of the context were used; few of them, or a
    small context_count, make the prediction weak. End the text at the end of a word, without a space: tokens begin
    with theirs.
    """
    found = next_token.infgram(job, InfgramRequest(**asked.question()))
    used = found.token_ids[len(found.token_ids) - found.suffix_length :]
    return InfgramResult(
        **_distribution(found),
        suffix_length=found.suffix_length,
        n_tokens=len(found.token_ids),
        suffix=_decoded(job.served, used)[-MAX_CHARACTERS:],
    )


@_tool("Search for documents")
def search(job: Job, asked: SearchArguments) -> SearchResult:
    """Find the documents of a corpus that contain a text, with a snippet of each and exact counts.

    Use it to read examples of a usage, or to find a quotation. A text is literal; AND and OR in capitals combine texts,
    as in: climate AND (flood OR "sea level"). Case matters unless ignore_case is true. A page has at most 20 documents;
    pass its cursor for the next one. To read more of a document, use document with its document_id and match_start.
    """
    short = replace(job, limits=job.limits.model_copy(update={"text_characters": 0}))
    found = searching.search(short, SearchRequest(**asked.question(), matches_per_document=1))
    return SearchResult(
        count=found.count,
        document_count=found.document_count,
        is_exact=found.is_exact,
        cursor=found.cursor,
        documents=[
            SearchDocument(
                document_id=each.document_id,
                **_origin(each),
                match_count=each.match_count,
                match=each.snippet[each.snippet_match_start : each.snippet_match_end][:MAX_CHARACTERS],
                match_start=each.match_start,
                snippet=_snippet(each),
            )
            for each in found.documents
        ],
    )


@_tool("Read a document")
def document(job: Job, asked: DocumentArguments) -> DocumentResult:
    """Read a part of one document of a corpus, with its file and metadata.

    Use it after search, trace or overlap, to read around a match: pass a start some hundred characters before
    match_start. Positions are in characters from 0. A part has at most 20,000 characters; pass next_start as start for
    the following part.
    """
    end = asked.start + asked.n_characters
    found = documents.beginning_of(job, asked.document_id, end, 0)
    if not job.served.has_tokenizer:
        raise ProblemError("no_tokenizer")
    return DocumentResult(
        document_id=asked.document_id,
        **_origin(found),
        n_tokens=found.n_tokens,
        start=asked.start,
        text=found.text[asked.start :],
        next_start=end if found.text_truncated else None,
    )


@_tool("Trace a text to its sources")
def trace(job: Job, asked: TraceArguments) -> TraceResult:
    """Find the passages of a text that occur verbatim in a corpus, and documents that contain them.

    Use it to check whether a text, such as the answer of a language model, was copied, and from where. A span is a
    longest passage that occurs; the least probable spans, which say most, are returned in the order of the text. For
    one phrase, use search.
    """
    found = comparison.trace(job, TraceRequest(**asked.question()))
    return TraceResult(
        n_tokens=len(found.token_ids),
        n_covered=found.n_covered,
        n_omitted_spans=found.n_maximal - len(found.spans),
        spans=[
            TraceSpan(
                text=span.text[:MAX_CHARACTERS],
                n_tokens=span.end - span.start,
                count=span.count,
                is_exact=span.is_exact,
                documents=[
                    TraceDocument(document_id=each.document_id, snippet=_snippet(each)) for each in span.documents
                ],
            )
            for span in found.spans
        ],
    )


@_tool("Measure contamination")
def overlap(job: Job, asked: OverlapArguments) -> OverlapResult:
    """Measure how much of a test item occurs in a corpus, and whether it counts as contaminated.

    Use it for questions and answers of a benchmark, one at a time. By default an item is contaminated if any of its
    13-grams of tokens occurs; the rules of PaLM and Llama 2 are built in. To see all shared passages, use trace.
    """
    found = comparison.overlap(job, OverlapRequest(**asked.question()))
    shown = found.evidence
    return OverlapResult(
        is_contaminated=found.is_contaminated,
        is_short=found.is_short,
        rule=found.rule,
        n_tokens=len(found.token_ids),
        longest_length=found.longest_length,
        sizes=[
            OverlapSize(n=each.n, n_grams=each.n_grams, n_seen=each.n_seen, share=each.share) for each in found.sizes
        ],
        evidence=None
        if shown is None
        else OverlapDocument(
            document_id=shown.document_id, **_origin(shown), text=shown.text[:MAX_CHARACTERS], snippet=_snippet(shown)
        ),
    )


TOOLS: Final[Mapping[str, Tool]] = {
    tool.name: tool for tool in (list_indexes, count, next_tokens, infgram, search, document, trace, overlap)
}
"""All tools by name, in the order in which they are listed."""


def _distribution(found: DistributionResponse) -> dict[str, Any]:
    """Return the fields of `NextTokensResult`."""
    rows = [
        TokenRow(token=row.token, token_id=row.token_id, count=row.count, probability=row.count / found.context_count)
        for row in found.rows
    ]
    return {
        "context_count": found.context_count,
        "n_distinct": found.n_distinct,
        "rows": rows,
        "n_omitted_rows": found.n_distinct - len(rows),
    }


def _origin(found: Any) -> dict[str, Any]:
    """Return the fields of `Shown` except the number: those of anything with metadata, source and line."""
    short = {
        name: value
        for name, value in found.metadata.items()
        if len(name) + len(json.dumps(value, ensure_ascii=False)) <= MAX_METADATA_CHARACTERS
    }
    kept = dict(list(short.items())[:MAX_FIELDS])
    omitted = [name[:MAX_METADATA_CHARACTERS] for name in found.metadata if name not in kept]
    return {
        "source": found.source,
        "line": found.line,
        "metadata": kept,
        "omitted_metadata": omitted[:MAX_FIELDS],
    }


def _snippet(found: Any) -> str:
    """Return the text around a match, cut to `MAX_SNIPPET` characters with the match in the middle, if it is short."""
    text: str = found.snippet
    center = (found.snippet_match_start + min(found.snippet_match_end, found.snippet_match_start + MAX_SNIPPET)) // 2
    begin = max(0, min(center - MAX_SNIPPET // 2, len(text) - MAX_SNIPPET))
    return text[begin : begin + MAX_SNIPPET]


def _decoded(served: ServedIndex, token_ids: list[int]) -> str:
    return served.index.tokenizer.decode(token_ids)
