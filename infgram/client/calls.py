"""The requests of a client: path, body, and how the response becomes a result. This module does no I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import numpy as np

from infgram.arguments import (
    at_least,
    checked_seed,
    choice,
    flag,
    integer,
    mapping,
    refusal,
    several,
    text as checked_text,
    text_or_none,
)
from infgram.client import results
from infgram.client.jobs import Job
from infgram.errors import QueryError
from infgram.query_language import Cnf
from infgram.types import (
    Document,
    InfgramDistribution,
    InfgramLogProb,
    Int64Array,
    JsonScalar,
    Location,
    LongestMatches,
    LongestSuffix,
    NextTokenDistribution,
    Query,
    Readings,
    SearchResult,
    SequenceScore,
    SuffixRange,
)

T = TypeVar("T")
Fields = dict[str, Any]

SEARCH_OPTIONS: Final[Mapping[str, Any]] = {
    "ignore_case": False,
    "any_tokenization": False,
    "limit": 10,
    "seed": None,
    "snippet_tokens": 40,
    "scope": "window",
    "max_distance": 100,
    "max_matches": None,
    "where": None,
    "cursor": None,
    "matches_per_document": 3,
}
"""The defaults of `Index.search`."""


_PAGE_LENGTH: Final = 10_000


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request.

    Attributes:
        path: below the address of the index.
        read: converts the response to the result: its JSON object or, if `as_lines`, the list of its lines.
        body: the JSON body; None for none.
        as_lines: whether to request a stream of lines, which may be longer than an ordinary response.
        method: the HTTP method; empty for that of a query.
    """

    path: str
    read: Callable[[Any], T]
    body: Mapping[str, Any] | None = None
    as_lines: bool = False
    method: str = ""

    @property
    def http_method(self) -> str:
        """The method of the request: `method`, or by default POST with a body and GET without."""
        return self.method or ("GET" if self.body is None else "POST")


def count(query: Query, ignore_case: bool = False, any_tokenization: bool = False) -> Call[int]:
    """Count a query."""
    fields = query_fields(query) | _in_characters(ignore_case, any_tokenization)
    return Call("/count", lambda answer: int(answer["count"]), fields)


def readings(text: str) -> Call[Readings]:
    """Count a string and its tokenizations."""
    if not isinstance(text, str):
        raise QueryError(f"readings requires a text; found {type(text).__name__}")
    return Call("/count", results.readings, {"query": text, "readings": True})


def document_count(query: Query, ignore_case: bool = False, any_tokenization: bool = False) -> Call[int]:
    """Count the documents that contain a query."""
    fields = query_fields(query) | _in_characters(ignore_case, any_tokenization)
    return Call("/document-count", lambda answer: int(answer["document_count"]), fields)


def find(query: Query) -> Call[list[SuffixRange]]:
    """Return the suffix range of a query in each shard."""
    return Call("/find", results.suffix_ranges, query_fields(query))


def locate(query: Query, limit: int | None) -> Call[list[Location]]:
    """List the occurrences of a query."""
    fields = query_fields(query)
    if limit is not None and at_least(limit, 0, "limit") == 0:
        return Call("/count", lambda _: [], fields)
    return Call("/locate", results.locations, {**fields, "limit": limit}, as_lines=True)


def next_token(
    context: Query, top_k: int | None, ignore_case: bool = False, any_tokenization: bool = False
) -> Call[NextTokenDistribution]:
    """Return the tokens that follow the whole context."""
    fields = _rows(context, top_k) | _in_characters(ignore_case, any_tokenization)
    return Call("/next-token", results.cut(results.next_tokens, top_k), fields, as_lines=True)


def infgram(context: Query, min_count: int, top_k: int | None) -> Call[InfgramDistribution]:
    """Return the tokens that follow the longest suffix of a context."""
    fields = {**_rows(context, top_k), "min_count": at_least(min_count, 1, "min_count")}
    return Call("/infgram", results.cut(results.infgram, top_k), fields, as_lines=True)


def longest_suffix(context: Query, min_count: int) -> Call[LongestSuffix]:
    """Return the length and the count of the longest suffix of a context that occurs."""
    fields = {**query_fields(context), "min_count": at_least(min_count, 1, "min_count")}
    return Call("/longest-suffix", lambda answer: LongestSuffix(answer["length"], answer["count"]), fields)


def prob(context: Query, token: int, min_count: int) -> Call[InfgramLogProb]:
    """Return the ∞-gram probability of one token."""
    fields = {**query_fields(context), "min_count": at_least(min_count, 1, "min_count")}
    return Call("/prob", results.log_prob, {**fields, "token_id": at_least(token, -1, "token")})


def score(tokens: Query, min_count: int, end: bool) -> Call[SequenceScore]:
    """Return the ∞-gram probability of each token."""
    fields = {**query_fields(tokens), "min_count": at_least(min_count, 1, "min_count"), "end": flag(end, "end")}
    return Call("/score", results.score, fields)


def longest_matches(tokens: Query) -> Call[LongestMatches]:
    """Return the longest match that starts at each token."""
    return Call("/longest-matches", results.longest_matches, query_fields(tokens))


def search(query: Query | Cnf, options: Mapping[str, Any]) -> Call[SearchResult]:
    """Search documents; `options` has all names of `SEARCH_OPTIONS`."""
    if unknown := options.keys() - SEARCH_OPTIONS.keys():
        raise TypeError(f"search has no option {', '.join(sorted(unknown))}; expected {', '.join(SEARCH_OPTIONS)}")
    fields = _search_fields(query) | _checked(options)
    choice(options["scope"], "scope", ("window", "document"))
    return Call("/search", results.search, fields, as_lines=True)


def document(document_id: int) -> Call[Document]:
    """Return a document."""
    number = at_least(document_id, 0, "document_id")
    return Call(f"/documents/{number}?whole=true", results.document)


def info() -> Call[dict[str, Any]]:
    """Return the information about the index."""
    return Call("", dict)


def tokenize(text: str) -> Call[Int64Array]:
    """Encode a text."""
    checked_text(text, "the text")
    return Call("/tokenize", lambda answer: np.array(answer["token_ids"], dtype=np.int64), {"query": text})


def detokenize(token_ids: Query) -> Call[str]:
    """Decode token ids."""
    return Call("/detokenize", lambda answer: str(answer["text"]), {"token_ids": ids_of(token_ids)})


def tokens(token_ids: Query) -> Call[list[str]]:
    """Return the text of each token."""
    return Call("/detokenize", lambda answer: list(answer["tokens"]), {"token_ids": ids_of(token_ids)})


# Changes


def add(documents: Iterable[str | Mapping[str, Any] | Sequence[int]], if_generation: int | None) -> Call[Job]:
    """Add documents."""
    given = [_added(document) for document in several(documents, "documents", "texts, mappings or token ids")]
    return Call(_change("/documents", if_generation), results.job, {"documents": given})


def delete(
    documents: Iterable[int] | None,
    ids: Iterable[int | str] | None,
    where: Mapping[str, JsonScalar] | None,
    purge: bool,
    if_generation: int | None,
) -> Call[Job]:
    """Delete documents."""
    fields: Fields = {"purge": flag(purge, "purge")}
    if documents is not None:
        fields["documents"] = [at_least(number, 0, "a document") for number in several(documents, "documents")]
    if ids is not None:
        fields["ids"] = [
            checked_text(each, "an id") if isinstance(each, str) else integer(each, "an id")
            for each in several(ids, "ids", "texts or integers")
        ]
    if where is not None:
        fields["where"] = _filters(where)
    return Call(_change("/documents", if_generation), results.job, fields, method="DELETE")


def compact(if_generation: int | None) -> Call[Job]:
    """Compact the index."""
    return Call(_change("/compact", if_generation), results.job, method="POST")


def _change(path: str, if_generation: int | None) -> str:
    return path if if_generation is None else f"{path}?if_generation={at_least(if_generation, 0, 'if_generation')}"


def job(job_id: str) -> Call[Job]:
    """Return a job."""
    return Call(f"/jobs/{quote(checked_text(job_id, 'a job'), safe='')}", results.job)


def jobs() -> Call[list[Job]]:
    """Return all jobs."""
    return Call("/jobs", lambda answer: [results.job(each) for each in answer["jobs"]])


def _added(document: str | Mapping[str, Any] | Sequence[int]) -> Fields:
    if isinstance(document, str):
        return {"text": document}
    return dict(document) if isinstance(document, Mapping) else {"token_ids": ids_of(document)}


def document_ids(begin: int) -> Call[tuple[list[int], int | None]]:
    """Return a page of document ids, and where the next one begins."""
    return Call(
        f"/documents?begin={begin}&limit={_PAGE_LENGTH}",
        lambda answer: (answer["document_ids"], answer["next"]),
    )


# Batches


def counts(queries: Iterable[Query], limits: Mapping[str, int]) -> Iterator[Call[list[int]]]:
    """Count many queries; the results of the calls, one after another, are in the order of the queries."""
    given = [query_fields(query) for query in several(queries, "queries")]
    for part in _parts(given, limits, most_items=limits["batch_items"]):
        kinds = {next(iter(fields)) for fields in part}
        if kinds == {"query"}:
            yield Call("/counts", results.counts, {"queries": [fields["query"] for fields in part]})
        elif kinds == {"token_ids"}:
            yield Call("/counts", results.counts, {"token_ids": [fields["token_ids"] for fields in part]})
        else:
            yield Call("/count/batch", _each(lambda lines: int(lines[0]["count"])), {"items": part}, as_lines=True)


def batch(calls: Iterable[Call[T]], limits: Mapping[str, int]) -> Iterator[Call[list[T]]]:
    """Combine calls of one kind into as few requests as the limits allow, with the results in order."""
    given = list(calls)
    if not given:
        return
    path, per_item = given[0].path, int((given[0].body or {}).get("limit") or 0)
    most_items = limits["batch_items"]
    if per_item and path == "/search":
        most_items = max(1, min(most_items, limits["batch_documents"] // per_item))
    reads = iter(call.read for call in given)
    for part in _parts([dict(call.body or {}) for call in given], limits, most_items):
        of_part = [next(reads) for _ in part]
        as_lines = given[0].as_lines
        yield Call(f"{path}/batch", _read_each(of_part, as_lines), {"items": part}, as_lines=True)


def query_fields(query: Query) -> Fields:
    """Return the fields of a request that contain the query.

    Raises:
        QueryError: the query is neither text nor token ids.
    """
    return {"query": query} if isinstance(query, str) else {"token_ids": ids_of(query)}


def ids_of(token_ids: Query) -> list[int]:
    """Convert token ids to a list for JSON.

    Raises:
        QueryError: the value is not a sequence of non-negative integers.
    """
    if isinstance(token_ids, np.ndarray):
        if token_ids.ndim != 1 or token_ids.dtype.kind not in "iu":
            raise QueryError(
                f"the token ids are a {token_ids.ndim}-dimensional array of {token_ids.dtype}; expected one dimension "
                "of integers"
            )
        ids: list[int] = token_ids.tolist()
    elif isinstance(token_ids, Sequence) and not isinstance(token_ids, str | bytes | bytearray):
        ids = [integer(token_id, "a token id") for token_id in token_ids]
    else:
        raise refusal(token_ids, "the query", "text or a sequence of token ids")
    return [at_least(token_id, 0, "a token id") for token_id in ids]


def _checked(options: Mapping[str, Any]) -> Fields:
    """Validate the options of a search and convert them to JSON.

    Raises:
        QueryError: an option has the wrong type or is out of range.
    """
    fields = {name: value for name, value in options.items() if name not in ("ignore_case", "any_tokenization")}
    fields |= _in_characters(options["ignore_case"], options["any_tokenization"])
    for name in fields.keys() & {"limit", "snippet_tokens", "max_distance"}:
        fields[name] = at_least(options[name], 0, name)
    for name in fields.keys() & {"matches_per_document", "max_matches"}:
        fields[name] = None if options[name] is None else at_least(options[name], 1, name)
    fields["seed"] = None if options["seed"] is None else checked_seed(options["seed"])
    fields["where"] = {} if options["where"] is None else _filters(options["where"])
    text_or_none(options["cursor"], "cursor")
    return fields


def _filters(where: Mapping[str, JsonScalar]) -> Fields:
    fields = dict(mapping(where, "where", "metadata fields to values"))
    for name, value in fields.items():
        if not (value is None or isinstance(value, str | int | float)) or value != value:
            raise refusal(value, f"where[{name[:80]!r}]", "a text, a number, a truth value or None")
    return fields


def _in_characters(ignore_case: bool, any_tokenization: bool) -> Fields:
    """Return only the fields that are true, because services of earlier versions reject these fields."""
    return {
        **({"ignore_case": True} if flag(ignore_case, "ignore_case") else {}),
        **({"any_tokenization": True} if flag(any_tokenization, "any_tokenization") else {}),
    }


def _search_fields(query: Query | Cnf) -> Fields:
    if isinstance(query, Cnf):
        return {
            "clauses": [[term if isinstance(term, str) else ids_of(term) for term in terms] for terms in query.clauses]
        }
    return query_fields(query)


def _rows(context: Query, top_k: int | None) -> Fields:
    """Return the fields of a distribution; a service returns at least one row, which `results.cut` removes again."""
    return {**query_fields(context), "top_k": None if top_k is None else max(1, at_least(top_k, 0, "top_k"))}


def _each(read: Callable[[list[Any]], T]) -> Callable[[list[Any]], list[T]]:
    return lambda lines: [read([results.without_problem(line)]) for line in lines]


def _read_each(reads: Sequence[Callable[[Any], T]], as_lines: bool) -> Callable[[list[Any]], list[T]]:
    """Read the results of a batch, each of which is a complete response."""

    def read(lines: list[Any]) -> list[T]:
        answers = [results.without_problem(line) for line in lines]
        return [
            each(results.as_lines(answer) if as_lines else answer) for each, answer in zip(reads, answers, strict=True)
        ]

    return read


def _parts(given: Sequence[Fields], limits: Mapping[str, int], most_items: int) -> Iterator[list[Fields]]:
    """Split the queries into requests that fit the limits; a query that is too large is sent alone and rejected."""
    part: list[Fields] = []
    part_bytes, most_bytes = 0, limits["body_bytes"] - 64
    for fields in given:
        n_bytes = len(json.dumps(fields)) + 2
        if part and (len(part) == most_items or part_bytes + n_bytes > most_bytes):
            yield part
            part, part_bytes = [], 0
        part.append(fields)
        part_bytes += n_bytes
    if part:
        yield part
