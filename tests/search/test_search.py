"""Compare searches with the reference: counts, documents, matches and snippets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.types import BuildProgress, Scope
from tests.building import BYTES_VOCABULARY, text_index, token_index, union_index
from tests.reference import ReferenceIndex
from tests.search.conjunctions import Clauses, Numbers, clauses_of, conjunctions
from tests.strategies import Asked, Layout, asked_corpora, layouts, texts

SEEDS = (None, 0, 1, 2**63 + 5)


def scope_of(max_distance: int | None) -> dict[str, Any]:
    scope: Scope = "document" if max_distance is None else "window"
    return {"scope": scope, **({} if max_distance is None else {"max_distance": max_distance})}


@given(asked_corpora(), layouts, conjunctions)
def test_every_and_of_ors(asked: Asked, layout: Layout, drawn: list[tuple[Numbers, int | None]]) -> None:
    corpus, _ = asked
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for numbers, max_distance in drawn:
            check(index, reference, clauses_of(numbers, asked), max_distance)


@given(st.lists(texts, min_size=1, max_size=3), layouts)
def test_a_union_of_indexes(parts: list[list[str]], layout: Layout) -> None:
    reference = ReferenceIndex([list(text.encode()) for part in parts for text in part], BYTES_VOCABULARY)
    clauses: list[list[list[bytes]]] = [[[b"a"], [b"b"]], [[b"ab", b"\xc3"], [b"ba"]], [[b"b", b"\n"], [b"a"], [b"b"]]]
    with union_index(parts, layout=layout) as index:
        for query in clauses:
            for max_distance in (None, 1, 3):
                check(index, reference, [[list(term) for term in terms] for terms in query], max_distance)


def check(index: infgram.Index, reference: ReferenceIndex, clauses: Clauses, max_distance: int | None) -> None:
    places = reference.occurrences(clauses, max_distance)
    found = reference.search(clauses, max_distance=max_distance, limit=1_000)
    result = index.search(infgram.Cnf(clauses), limit=1_000, matches_per_document=1_000, **scope_of(max_distance))
    assert result.is_exact
    assert (result.count_interval, result.document_count_interval, result.cursor) == (None, None, None)
    assert (result.count, result.document_count) == (len(places), len(found)), (clauses, max_distance)
    assert [hit.document_id for hit in result] == list(found)
    for hit in result:
        counted = [match.offset for match in hit.matches if match.clause == 0]
        assert counted == found[hit.document_id], (clauses, max_distance)
        assert (hit.match_count, hit.offset) == (len(counted), counted[0])
        check_matches(hit, reference.tokens_of[hit.document_id], clauses, max_distance)


def check_matches(hit: infgram.SearchHit, document: list[int], clauses: Clauses, max_distance: int | None) -> None:
    """Check that every match is a term of its clause, and that the matches make up the occurrences."""
    places = [(match.offset, match.clause) for match in hit.matches]
    assert places == sorted(set(places))
    for match in hit.matches:
        assert document[match.offset : match.offset + match.length] in clauses[match.clause]
    shown = {
        clause: {match.offset for match in hit.matches if match.clause == clause} for clause in range(len(clauses))
    }
    for offset in shown[0]:
        reach = 1_000 if max_distance is None else max_distance
        windows = [range(begin, begin + reach + 1) for begin in range(offset - reach, offset + 1)]
        assert any(all(shown[clause] & set(window) for clause in shown) for window in windows)


@given(texts, layouts, st.integers(0, 10_000))
def test_a_plain_text(documents: list[str], layout: Layout, place: int) -> None:
    """Check documents by number or by priority, each once, with text, metadata, matches and snippets."""
    reference = ReferenceIndex([list(text.encode()) for text in documents], BYTES_VOCABULARY)
    everything = "".join(documents)
    cut = place % (len(everything) + 1)
    with text_index(documents, layout=layout) as index:
        assert [index.document(document_id).text for document_id in range(index.n_documents)] == documents
        for query in ("a", "b", "ab", "é", "漢", "ba", "zz", everything[cut : cut + 3]):
            for seed in SEEDS if query else ():
                for limit in (0, 1, 3, 1_000):
                    expected = reference.search([[list(query.encode())]], limit=limit, seed=seed)
                    (from_batch,) = index.search_batch([query], limit=limit, seed=seed)
                    result = index.search(query, limit=limit, seed=seed)
                    assert result == from_batch
                    assert result.count == index.count(query)
                    assert result.document_count == index.document_count(query)
                    assert [hit.document_id for hit in result] == list(expected)
                    for hit in result:
                        assert [match.offset for match in hit.matches] == expected[hit.document_id][:3]
                        check_hit(hit, documents, query)


def check_hit(hit: infgram.SearchHit, documents: list[str], query: str) -> None:
    assert hit.text == documents[hit.document_id]
    assert dict(hit.metadata) == {"number": hit.document_id}
    assert {name: value for name, value in vars(hit).items() if name in vars(hit.matches[0])} == vars(hit.matches[0])
    for match in hit.matches:
        assert match.length == len(query.encode())
        assert hit.text[match.match_start : match.match_end] == query
        assert len(hit.text[: match.match_start].encode()) == match.offset
        assert match.snippet in hit.text
        assert match.snippet[match.snippet_match_start : match.snippet_match_end] == query


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("scope", ["window", "document"])
def test_rare_and_frequent_clauses(scope: Scope, shards: int) -> None:
    """Use a corpus large enough for each method: sorted positions, bits, and reading the text."""
    chance = random.Random(5)
    words = [*range(50)]
    documents = [
        chance.choices(words, [1 / (word + 1) ** 2 for word in words], k=chance.choice((0, 3, 30, 400, 4_000)))
        for _ in range(60)
    ]
    reference = ReferenceIndex(documents, 50)
    rare, frequent = [[49], [48, 0]], [[0], [1, 1]]
    with token_index(documents, vocab_size=50, layout=Layout(8, shards, 2)) as index:
        for token in (*range(4), *range(30, 50)):
            assert index.document_count([token]) == reference.document_count([token])
        for clauses in ([rare, frequent], [frequent, rare], [frequent, [[2]], rare], [[[45]], [[44]]], [[[3]], [[2]]]):
            max_distance = 3 if scope == "window" else None
            found = index.search(infgram.Cnf(clauses), limit=0, scope=scope, max_distance=3)
            assert found.count == len(reference.occurrences(clauses, max_distance))
            assert found.document_count == len(reference.search(clauses, max_distance=max_distance, limit=100))


def test_text_with_operators() -> None:
    documents = ["rock and roll", "rock AND roll", "roll", "blues, rock", "rock" + "." * 200 + "roll"]
    with text_index(documents) as index:
        assert ids(index.search("rock AND roll")) == [0, 1]
        assert ids(index.search("rock AND roll", scope="document")) == [0, 1, 4]
        assert ids(index.search("rock AND roll", max_distance=204)) == [0, 1, 4]
        assert ids(index.search("rock AND roll", max_distance=203)) == [0, 1]
        assert ids(index.search('"rock AND roll"')) == [1]
        assert ids(index.search("rock AND (roll OR blues)")) == [0, 1, 3]
        assert ids(index.search("roll OR blues")) == [0, 1, 2, 3, 4]
        assert ids(index.search('roll AND "AND"')) == [1]
        assert ids(index.search(infgram.Cnf([["rock"], ["roll", "blues"]]))) == [0, 1, 3]
        assert ids(index.search(infgram.Cnf([["rock AND roll"]]))) == [1]
        assert index.search("r OR ro OR rock OR r").count == index.count("r")


def ids(result: infgram.SearchResult) -> list[int]:
    return [hit.document_id for hit in result]


def test_token_ids_of_every_kind() -> None:
    with token_index([[1, 2, 3], [2, 1]], vocab_size=5) as index:
        for query in ([1, 2], (1, 2), np.array([1, 2]), infgram.Cnf([[np.array([1, 2])]])):
            assert ids(index.search(query)) == [0]
        hit = index.search([3]).documents[0]
        assert (hit.text, hit.snippet, hit.offset, hit.length) == ("", "", 2, 1)


@contextmanager
def small() -> Iterator[infgram.Index]:
    with token_index([[1, 2, 3], [2, 1]], vocab_size=5) as index:
        yield index


WRONG_QUESTIONS: list[tuple[Any, dict[str, Any], str]] = [
    ([], {}, "empty"),
    (infgram.Cnf([[[1]], [[2], []]]), {}, "empty"),
    ([5], {}, "vocabulary"),
    ([-1], {}, "-1"),
    ([1.0], {}, "integer"),
    ([True], {}, "True"),
    (b"ab", {}, "bytes"),
    (7, {}, "int"),
    ("text", {}, "no tokenizer"),
    ([1], {"limit": -1}, "limit"),
    ([1], {"limit": 1.5}, "limit"),
    ([1], {"seed": -1}, "seed"),
    ([1], {"seed": 2**64}, "seed"),
    ([1], {"scope": "sentence"}, "scope"),
    ([1], {"max_distance": -1}, "max_distance"),
    ([1], {"max_matches": 0}, "max_matches"),
    ([1], {"matches_per_document": 0}, "matches_per_document"),
    ([1], {"snippet_tokens": -1}, "snippet_tokens"),
    ([1], {"where": {"a": [1]}}, "where"),
    ([1], {"where": {1: 1}}, "where"),
    ([1], {"cursor": "x"}, "cursor"),
    ([1], {"cursor": ""}, "cursor"),
    ([1], {"cursor": 5}, "cursor"),
    ([1], {"timeout_s": 0}, "timeout_s"),
    ([1], {"timeout_s": "1"}, "timeout_s"),
]


@pytest.mark.parametrize(("query", "options", "word"), WRONG_QUESTIONS)
def test_invalid_queries(query: Any, options: dict[str, Any], word: str) -> None:
    with small() as index, pytest.raises(infgram.QueryError, match=word):
        index.search(query, **options)


def test_a_search_can_be_stopped() -> None:
    """Stop it by the time limit and by errors of the callback, in native code and in Python."""
    with token_index([[0, 1] * 40_000, [1] * 70_000], vocab_size=5) as index:
        with pytest.raises(infgram.TimeLimitError, match="max_matches"):
            index.search(infgram.Cnf([[[0]], [[1]]]), timeout_s=1e-9)
        with pytest.raises(TimeoutError):
            index.search([1], where={"a": 1}, timeout_s=1e-9)

        def stop(progress: BuildProgress) -> None:
            assert progress.stage == "search"
            assert progress.done > 0
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            index.search(infgram.Cnf([[[0]], [[1]]]), progress=stop)
        reported: list[BuildProgress] = []
        assert index.search([1], progress=reported.append, timeout_s=600).count == 110_000
        assert BuildProgress("show", 1, 2, "documents") in reported
