"""The query types of the public API, one function each."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate, islice
from time import perf_counter
from typing import Any, Final

import infgram

from ..pipeline.job import Job
from .cooccurrence import cooccurrences
from .dialect import Dialect, dialect_of
from .documents import shown
from .requests import Cnf, PublicError, PublicRequest, checked_ids, clauses_of

Result = dict[str, Any]

_DOCUMENT_BITS: Final = 32
"""Bits of the document in a pointer; the offset is above them. So a pointer is good for as long as its document is, and
JavaScript reads it exactly in the first two million tokens of a document."""


@dataclass(frozen=True)
class PublicQuery:
    """A query as tokens.

    Attributes:
        terms: the token ids of a simple query; None for a CNF.
        cnf: the clauses; a simple query is one clause of one term.
    """

    index: infgram.Index
    dialect: Dialect
    end_of_text_id: int
    request: PublicRequest
    terms: list[int] | None
    cnf: Cnf

    @property
    def simple(self) -> list[int]:
        """The token ids of a simple query.

        Raises:
            PublicError: it is a CNF.
        """
        if self.terms is None:
            raise PublicError("This query_type takes a list of integers, or a text without AND and OR!")
        return self.terms

    @property
    def continued(self) -> tuple[list[int], int]:
        """The context, and the last token.

        Raises:
            PublicError: there is no token, or it is a CNF.
        """
        if not self.simple:
            raise PublicError("Please provide a non-empty query!")
        return self.simple[:-1], self.simple[-1]

    def place(self, name: str) -> int:
        """Return a field that identifies a document.

        Raises:
            PublicError: the field is missing.
        """
        if name not in self.request.places:
            raise PublicError(f"Missing required field: '{name}'", 400)
        return self.request.places[name]

    def document(self, place: infgram.Location) -> Result:
        """Return the document at a location, with the matches of this query marked."""
        return shown(self.index, self.dialect, place, self.request.options["max_disp_len"], self.cnf)


def answer(job: Job, request: PublicRequest) -> Result:
    """Answer a request, with the tokens of its query and the milliseconds to search the index.

    Raises:
        PublicError: the request is refused.
    """
    if request.query_type not in QUERY_TYPES:
        raise PublicError("Invalid query_type!", 400)
    served = job.served
    dialect = dialect_of(served)
    terms, cnf = _token_ids(served.info["vocab_size"], dialect, request)
    end_of_text_id = job.settings.end_of_text_ids.get(served.name, dialect.end_of_text_id)
    query = PublicQuery(served.index, dialect, end_of_text_id, request, terms, cnf)
    started = perf_counter()
    result = QUERY_TYPES[request.query_type](query)
    result["latency"] = (perf_counter() - started) * 1000
    tokens = [[dialect.tokens(term) for term in clause] for clause in cnf]
    query_ids, query_tokens = (cnf, tokens) if terms is None else (terms, tokens[0][0])
    return {"token_ids": query_ids, "tokens": query_tokens, **result}  # a document has token ids of its own


def _token_ids(vocab_size: int, dialect: Dialect, request: PublicRequest) -> tuple[list[int] | None, Cnf]:
    if request.query is None:
        return checked_ids(request.query_ids, vocab_size)
    clauses = clauses_of(request.query)
    if clauses is None:
        return checked_ids(dialect.encode(request.query), vocab_size)
    return checked_ids([[dialect.encode(term) for term in clause] for clause in clauses], vocab_size)


def _count(query: PublicQuery) -> Result:
    if query.terms is None:
        return {"count": len(_joint(query)), "approx": False}
    return {"count": _occurrences(query.index, query.terms), "approx": False}


def _prob(query: PublicQuery) -> Result:
    context, token_id = query.continued
    return _ratio(query.index, context, token_id)


def _infgram_prob(query: PublicQuery) -> Result:
    context, token_id = query.continued
    length = query.index.longest_suffix(context).length
    suffix = context[len(context) - length :]
    ratio = _ratio(query.index, suffix, token_id)
    return {**ratio, "suffix_len": length, "longest_suffix": query.dialect.decode(suffix)}


def _ntd(query: PublicQuery) -> Result:
    return _rows(query, query.index.next_token_distribution(query.simple))


def _infgram_ntd(query: PublicQuery) -> Result:
    found = query.index.infgram_distribution(query.simple)
    suffix = query.simple[len(query.simple) - found.suffix_length :]
    return {**_rows(query, found), "suffix_len": found.suffix_length, "longest_suffix": query.dialect.decode(suffix)}


def _find(query: PublicQuery) -> Result:
    segments = _segments(query.index, query.simple)
    return {"cnt": sum(hi - lo for lo, hi in segments), "segment_by_shard": segments}


def _find_cnf(query: PublicQuery) -> Result:
    """All pointers are in the list of the first shard; `get_doc_by_ptr` ignores `s`."""
    places = _joint(query)
    if any(place.document_id >> _DOCUMENT_BITS for place in places):
        raise PublicError("The index has document numbers for which there are no pointers; use search_docs!")
    pointers = [place.offset << _DOCUMENT_BITS | place.document_id for place in places]
    by_shard = [pointers, *([] for _ in range(query.index.n_shards - 1))]
    return {"cnt": len(places), "approx": False, "ptrs_by_shard": by_shard}


def _search_docs(query: PublicQuery) -> Result:
    """Draw a random sample with replacement, as that API does."""
    places = _joint(query) if query.terms is None else None
    segments = [] if query.terms is None else _segments(query.index, query.terms)
    count = len(places) if places is not None else sum(hi - lo for lo, hi in segments)
    numbers = [secrets.randbelow(count) for _ in range(query.request.options["maxnum"])] if count else []
    message = f"{count} occurrences found. Displaying the documents of occurrences #{numbers}"
    return {
        "cnt": count,
        "approx": False,
        "idxs": numbers,
        "documents": [
            query.document(_nth(query.index, segments, number) if places is None else places[number])
            for number in numbers
        ],
        "message": message if count else "0 occurrences found",
    }


def _get_doc_by_rank(query: PublicQuery) -> Result:
    shard, rank = query.place("s"), query.place("rank")
    segments = _segments(query.index, [])
    if shard >= len(segments):
        raise PublicError(f"s must be an integer in range [0, {len(segments)})")
    if rank >= segments[shard][1]:
        raise PublicError(f"rank must be an integer in range [0, {segments[shard][1]})")
    return query.document(_place_of_rank(query.index, shard, rank))


def _get_doc_by_ptr(query: PublicQuery) -> Result:
    query.place("s")
    offset, document_id = divmod(query.place("ptr"), 1 << _DOCUMENT_BITS)
    try:
        n_tokens = query.index.document_length(document_id)
    except infgram.QueryError:  # there is no such document, or it was deleted
        n_tokens = 0
    if offset >= n_tokens:
        raise PublicError("ptr must be a pointer returned by find_cnf!")
    return query.document(infgram.Location(document_id, offset))


def _creativity(query: PublicQuery) -> Result:
    """For each token, return the end of the longest run from it on that occurs."""
    lengths = query.index.longest_matches(query.simple).lengths.tolist()
    return {"rs": [start + length for start, length in enumerate(lengths)]}


QUERY_TYPES: Final[Mapping[str, Callable[[PublicQuery], Result]]] = {
    "count": _count,
    "prob": _prob,
    "ntd": _ntd,
    "infgram_prob": _infgram_prob,
    "infgram_ntd": _infgram_ntd,
    "find": _find,
    "find_cnf": _find_cnf,
    "search_docs": _search_docs,
    "get_doc_by_rank": _get_doc_by_rank,
    "get_doc_by_ptr": _get_doc_by_ptr,
    "creativity": _creativity,
}


def _joint(query: PublicQuery) -> list[infgram.Location]:
    if not query.cnf or not all(clause and all(clause) for clause in query.cnf):
        raise PublicError("cnf must be a non-empty, triply-nested list of integers, without empty clauses and terms!")
    if query.terms is not None:
        raise PublicError("cnf must be a triply-nested list of integers, or a text with AND or OR!")
    return cooccurrences(query.index, query.cnf, query.request.options["max_diff_tokens"])


def _occurrences(index: infgram.Index, token_ids: list[int]) -> int:
    """In that API the empty query also occurs at the separators."""
    return index.count(token_ids) if token_ids else index.n_tokens + index.n_documents


def _ratio(index: infgram.Index, context: list[int], token_id: int) -> Result:
    context_count = _occurrences(index, context)
    count = index.count([*context, token_id]) if context_count else 0
    return {"prompt_cnt": context_count, "cont_cnt": count, "prob": count / context_count if context_count else -1.0}


def _rows(query: PublicQuery, found: infgram.NextTokenDistribution) -> Result:
    end = query.end_of_text_id
    counts: dict[int, int] = {}
    for token_id, count in zip(found.token_ids.tolist(), found.counts.tolist(), strict=True):
        shown_id = end if token_id == infgram.END_OF_DOCUMENT else token_id
        counts[shown_id] = counts.get(shown_id, 0) + count
    tokens = query.dialect.tokens(counts)
    return {
        "prompt_cnt": found.context_count,
        "result_by_token_id": {
            str(token_id): {
                "token": token.replace("Ġ", " "),
                "cont_cnt": counts[token_id],
                "prob": counts[token_id] / found.context_count,
            }
            for token_id, token in sorted(zip(counts, tokens, strict=True))
        },
        "approx": False,
    }


def _segments(index: infgram.Index, token_ids: list[int]) -> list[tuple[int, int]]:
    """Return the ranks in each shard; for the empty query, those of the separators follow in the last shard."""
    segments = [(lo, hi) for lo, hi in index.find(token_ids)]
    if not token_ids:
        lo, hi = segments[-1]
        segments[-1] = (lo, hi + index.n_documents)
    return segments


def _nth(index: infgram.Index, segments: list[tuple[int, int]], number: int) -> infgram.Location:
    """Return the location of the n-th occurrence, counted through the shards."""
    ends = list(accumulate(hi - lo for lo, hi in segments))
    shard = next(shard for shard, end in enumerate(ends) if number < end)
    return _place_of_rank(index, shard, segments[shard][1] - (ends[shard] - number))


def _place_of_rank(index: infgram.Index, shard: int, rank: int) -> infgram.Location:
    n_ranks = index.find([])[shard].hi
    return infgram.Location(_document(index, rank - n_ranks), -1) if rank >= n_ranks else index.locate_rank(shard, rank)


def _document(index: infgram.Index, place: int) -> int:
    """Return the number of the document at a place among all documents. Cost: O(1) if their numbers have no gaps."""
    has_gaps = next(index.document_ids(index.n_documents), None) is not None
    return next(islice(index.document_ids(), place, None)) if has_gaps else place
