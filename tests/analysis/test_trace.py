"""Compare traces with the reference: spans, counts, documents and their order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from itertools import product

import pytest
from hypothesis import given, strategies as st

import infgram
from tests.building import text_index, token_index, union_index
from tests.reference import ReferenceIndex, bm25
from tests.strategies import Asked, Layout, Tokens, asked_corpora, layouts, texts

EVERYTHING = 10**6
LONGEST = 20  # tokens of a query; the reference examines every span


def spans_of(traced: infgram.Trace) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in traced.spans]


def check_spans(index: infgram.Index, reference: ReferenceIndex, tokens: Tokens, breaks: Sequence[int]) -> None:
    places = {position for position, token in enumerate(tokens) if token in breaks}
    for min_length, max_count in product((1, 2, 4), (None, 1, 3)):
        traced = infgram.trace(
            index, tokens, min_length=min_length, max_count=max_count, max_spans=EVERYTHING, delimiters=breaks
        )
        expected = reference.maximal_spans(
            tokens, min_length=min_length, max_count=max_count or math.inf, breaks=places
        )
        assert spans_of(traced) == expected, (tokens, min_length, max_count)
        assert traced.n_maximal == len(expected)
        assert traced.n_covered == len({place for start, end in expected for place in range(start, end)})
        assert traced.token_ids.tolist() == tokens
        for span in traced.spans:
            held = tokens[span.start : span.end]
            assert span.length == len(held)
            assert span.count == reference.count(held)
            assert span.log_prob == pytest.approx(reference.unigram_log_prob(held), abs=1e-8)
            assert (span.text, span.text_start, span.text_end) == ("", None, None)


def check_choice(index: infgram.Index, tokens: Tokens) -> None:
    """Check that the least probable spans are chosen, by default one per twenty tokens."""
    everything = infgram.trace(index, tokens, max_spans=EVERYTHING).spans
    by_log_prob = sorted(everything, key=lambda span: (span.log_prob, span.start))
    for max_spans in (None, 0, 1, 3):
        n = math.ceil(len(tokens) / 20) if max_spans is None else max_spans
        kept = infgram.trace(index, tokens, max_spans=max_spans).spans
        assert [span.start for span in kept] == sorted(span.start for span in by_log_prob[:n])


def check_documents(index: infgram.Index, reference: ReferenceIndex, tokens: Tokens, seed: int) -> None:
    traced = infgram.trace(index, tokens, max_spans=EVERYTHING, documents_per_span=2, snippet_tokens=3, seed=seed)
    windows: dict[int, set[int]] = {}
    found: dict[int, set[int]] = {}
    for number, span in enumerate(traced.spans):
        expected = reference.sampled_places(tokens[span.start : span.end], limit=2, seed=seed)
        assert {(hit.document_id, hit.offset) for hit in span.documents} == {tuple(place) for place in expected}
        for document_id, offset in expected:
            length = len(reference.documents[document_id])
            window = range(max(0, offset - 1), min(length, offset + span.length + 2))
            windows.setdefault(document_id, set()).update(window)
            found.setdefault(document_id, set()).add(number)
    assert {document.document_id: set(document.spans) for document in traced.documents} == found
    if not found:
        return
    held = [[reference.documents[number][place] for place in sorted(windows[number])] for number in windows]
    scores = dict(zip(windows, bm25(tokens, held), strict=True))
    for document in traced.documents:
        assert document.score == pytest.approx(scores[document.document_id], abs=1e-8)
    order = [(-document.score, document.document_id) for document in traced.documents]
    assert order == sorted(order)
    ranks = {document.document_id: rank for rank, document in enumerate(traced.documents)}
    for span in traced.spans:
        assert [ranks[hit.document_id] for hit in span.documents] == sorted(
            ranks[hit.document_id] for hit in span.documents
        )


@given(asked_corpora(), layouts, st.integers(0, 2**64 - 1))
def test_any_corpus(asked: Asked, layout: Layout, seed: int) -> None:
    corpus = asked.corpus
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for query in asked.queries[-3:]:
            tokens = query[:LONGEST]
            check_spans(index, reference, tokens, ())
            check_spans(index, reference, tokens, corpus.alphabet[:1])
            check_choice(index, tokens)
            check_documents(index, reference, tokens, seed)


@given(st.lists(texts, min_size=1, max_size=3), st.data())
def test_texts_over_a_union(parts: list[list[str]], data: st.DataObject) -> None:
    """A token is a byte; a text and its bytes give the same result."""
    documents = [list(text.encode()) for part in parts for text in part]
    reference = ReferenceIndex(documents, 255)
    text = data.draw(st.sampled_from([text for part in parts for text in part])) + data.draw(
        st.text("ab é漢", max_size=6)
    )
    text = text[:12]
    tokens = list(text.encode())
    with union_index(parts) as index:
        traced = infgram.trace(index, text, max_spans=EVERYTHING, snippet_tokens=6)
        assert spans_of(traced) == reference.maximal_spans(tokens)
        again = infgram.trace(index, tokens, max_spans=EVERYTHING, snippet_tokens=6)
        assert (again.spans, again.documents) == (traced.spans, traced.documents)
        check_characters(text, traced)
        words = infgram.trace(index, text, max_spans=EVERYTHING, whole_words=True)
        assert spans_of(words) == reference.maximal_spans(tokens, borders=borders_of(text))
        for delimiter in ("a", "é", "ab"):
            ends = {
                len(text[: place + len(delimiter)].encode()) - 1
                for place in range(len(text))
                if text.startswith(delimiter, place)
            }
            cut = infgram.trace(index, text, max_spans=EVERYTHING, delimiters=[delimiter])
            assert spans_of(cut) == reference.maximal_spans(tokens, breaks=ends), (text, delimiter)


def borders_of(text: str) -> set[int]:
    """Return the byte offsets at word boundaries."""

    def is_word(letter: str) -> bool:
        return letter.isalnum() or letter == "_"

    return {
        len(text[:place].encode())
        for place in range(len(text) + 1)
        if place in (0, len(text)) or not (is_word(text[place - 1]) and is_word(text[place]))
    }


def check_characters(text: str, traced: infgram.Trace) -> None:
    """Check that a span has exactly the characters of its bytes, and that the snippet marks the same text."""
    for span in traced.spans:
        assert span.text_start is not None
        assert span.text_end is not None
        assert span.text == text[span.text_start : span.text_end]
        assert len(text[: span.text_start].encode()) <= span.start < len(text[: span.text_start + 1].encode())
        assert len(text[: span.text_end - 1].encode()) < span.end <= len(text[: span.text_end].encode())
        for hit in span.documents:
            marked = hit.snippet[hit.snippet_match_start : hit.snippet_match_end]
            assert marked.strip("\ufffd") in span.text


def test_a_sample_of_many_occurrences(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more occurrences than are examined, sample distinct documents that depend on the seed."""
    monkeypatch.setattr(import_module("infgram.analysis.trace"), "MOST_READ", 5)
    documents = [[1, 2] * 3, [3]] * 20
    with token_index(documents, vocab_size=9, layout=Layout(8, 3, 1)) as index:
        samples = set()
        for seed in range(50):
            (span,) = infgram.trace(index, [1, 2], seed=seed, documents_per_span=3).spans
            found = [hit.document_id for hit in span.documents]
            assert len(set(found)) == len(found) <= 3
            assert all(document_id % 2 == 0 for document_id in found)
            again = infgram.trace(index, [1, 2], seed=seed, documents_per_span=3)
            assert again.spans[0] == span
            samples.add(frozenset(found))
        assert len(samples) > 20


def test_overlapping_snippets_are_merged() -> None:
    with text_index(["one two three four five six seven eight"]) as index:
        traced = infgram.trace(index, "two 2 seven", max_spans=2, min_length=3, snippet_tokens=4)
        assert [hit.snippet for span in traced.spans for hit in span.documents] == ["e two th", "ix seven e"]
        near = infgram.trace(index, "two 2 seven", max_spans=2, min_length=3, snippet_tokens=40)
        assert {hit.snippet for span in near.spans for hit in span.documents} == {
            "one two three four five six seven eight"
        }
        (document,) = near.documents
        assert document.spans == (0, 1)
        assert document.metadata == {"number": 0}
        for span in near.spans:
            (hit,) = span.documents
            assert hit.snippet[hit.snippet_match_start : hit.snippet_match_end] == span.text


def test_a_snippet_is_near_its_match() -> None:
    """Matches throughout a long document are not merged into one snippet."""
    text = "".join(f"{number} times {number * number % 97}\n" for number in range(300))
    altered = text.replace("1", "#")
    with text_index([text]) as index:
        traced = infgram.trace(index, altered, max_spans=EVERYTHING, snippet_tokens=20)
        assert len(traced.spans) > 100
        (document,) = traced.documents
        assert document.spans == tuple(range(len(traced.spans)))
        for span in traced.spans:
            (hit,) = span.documents
            assert len(hit.snippet) <= 512
            assert hit.snippet in text
            assert hit.snippet[hit.snippet_match_start : hit.snippet_match_end] == span.text


def test_invalid_arguments() -> None:
    with token_index([[1, 2, 3]], vocab_size=9) as index, text_index(["a b"]) as texts_index:
        for option in ("min_length", "max_count"):
            with pytest.raises(infgram.QueryError, match=option):
                infgram.trace(index, [1], **{option: 0})  # type: ignore[arg-type]
        for option in ("max_spans", "documents_per_span", "snippet_tokens", "seed"):
            with pytest.raises(infgram.QueryError, match=option):
                infgram.trace(index, [1], **{option: -1})  # type: ignore[arg-type]
        with pytest.raises(infgram.QueryError, match="holds no tokenizer"):
            infgram.trace(index, "text")
        with pytest.raises(infgram.QueryError, match="whole_words"):
            infgram.trace(index, [1], whole_words=True)
        with pytest.raises(infgram.QueryError, match="delimiter"):
            infgram.trace(index, [1], delimiters=["."])
        with pytest.raises(infgram.QueryError, match="sequence"):
            infgram.trace(texts_index, "a", delimiters=".")
        with pytest.raises(infgram.QueryError, match="empty"):
            infgram.trace(texts_index, "a", delimiters=[""])
        with pytest.raises(infgram.QueryError, match="vocabulary"):
            infgram.trace(index, [9])
        with pytest.raises(infgram.QueryError, match="whole_words"):
            infgram.trace(texts_index, [0xC3], whole_words=True)  # half a character
        with pytest.raises(infgram.TimeLimitError):
            infgram.trace(index, [1], timeout_s=1e-9)


def test_nothing_to_trace() -> None:
    with token_index([[], [1]], vocab_size=9) as index:
        for tokens in ([], [5]):
            traced = infgram.trace(index, tokens)
            assert (traced.spans, traced.documents, traced.n_maximal, traced.n_covered) == ((), (), 0, 0)
    with token_index([[]], vocab_size=9) as empty:
        assert infgram.trace(empty, [5]).spans == ()
