"""`POST /` implements the public infini-gram API, with exact results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, strategies as st
from infgram.service.compat.queries import answer
from infgram.service.compat.requests import PublicError, PublicRequest
from infgram.service.indexes import ServedIndex
from infgram.service.pipeline.job import Deadline, Job
from infgram.service.settings import Settings

import infgram
from tests.building import token_index
from tests.index.test_removals import gaps, numbers_of, removals, rounds_of
from tests.reference import END_OF_DOCUMENT, ReferenceIndex
from tests.removing import changed_index
from tests.service.conftest import TEXTS
from tests.strategies import Asked as AskedCorpus, Layout, Tokens, asked_corpora, layouts, usual_queries

JSON = {"content-type": "application/json"}
SETTINGS = Settings.model_construct()


def ask(index: infgram.Index, query_type: str, **fields: Any) -> dict[str, Any]:
    """Return the response without HTTP."""
    body = {"index": "x", "query_type": query_type, **fields}
    job = Job(ServedIndex("x", index), SETTINGS, SETTINGS.limits, Deadline(60))
    return answer(job, PublicRequest.read(body))


def post(client: TestClient, query_type: str, index: str = "bytes", **fields: Any) -> dict[str, Any]:
    response = client.post("/", json={"index": index, "query_type": query_type, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def refused(client: TestClient, status: int, **body: Any) -> str:
    response = client.post("/", json=body)
    assert response.status_code == status, response.text
    error = response.json()
    assert error.keys() == {"error"}
    return str(error["error"])


# Simple queries


@given(asked_corpora(), layouts)
def test_simple_queries_are_exact(asked: AskedCorpus, layout: Layout) -> None:
    corpus = asked.corpus
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        for query in [*asked.queries, *usual_queries(corpus)[:8]]:
            check_counts(index, reference, query)
            check_distributions(index, reference, query)
            check_places(index, reference, query)


@given(asked_corpora(), layouts, removals, gaps)
def test_simple_queries_are_exact_after_deletions(
    asked: AskedCorpus, layout: Layout, drawn: list[set[int]], gaps_: list[int]
) -> None:
    """As if the deleted documents had never been there; the others keep their numbers, which have gaps."""
    corpus = asked.corpus
    rounds, numbers = rounds_of(drawn, len(corpus.documents)), numbers_of(gaps_, len(corpus.documents))
    with changed_index(
        corpus.documents, rounds, vocab_size=corpus.vocab_size, layout=layout, numbers=numbers
    ) as changed:
        for query in [*asked.queries[-3:], *usual_queries(corpus)[:5]]:
            check_counts(changed.index, changed.reference, query)
            check_distributions(changed.index, changed.reference, query)
            check_places(changed.index, changed.reference, query)


def occurrences(reference: ReferenceIndex, query: Tokens) -> int:
    """Return the occurrences; the empty query also occurs at the separators."""
    return reference.count(query) if query else reference.n_tokens + reference.n_documents


def check_counts(index: infgram.Index, reference: ReferenceIndex, query: Tokens) -> None:
    counted = ask(index, "count", query_ids=query)
    assert (counted["count"], counted["approx"], counted["token_ids"]) == (occurrences(reference, query), False, query)
    if not query:
        return
    prob = ask(index, "prob", query_ids=query)
    expected = (occurrences(reference, query[:-1]), reference.count(query))
    assert (prob["prompt_cnt"], prob["cont_cnt"]) == expected
    assert prob["prob"] == (expected[1] / expected[0] if expected[0] else -1.0)
    longest = ask(index, "infgram_prob", query_ids=query)
    suffix = query[len(query) - 1 - reference.longest_suffix(query[:-1]).length : -1]
    assert longest["suffix_len"] == len(suffix)
    assert longest["prompt_cnt"] == occurrences(reference, suffix)
    assert longest["cont_cnt"] == reference.count([*suffix, query[-1]])


def check_distributions(index: infgram.Index, reference: ReferenceIndex, query: Tokens) -> None:
    for query_type, expected in (
        ("ntd", reference.next_token_distribution(query)),
        ("infgram_ntd", reference.infgram_distribution(query)),
    ):
        found = ask(index, query_type, query_ids=query)
        rows = {int(name): row["cont_cnt"] for name, row in found["result_by_token_id"].items()}
        assert rows == dict(zip(expected.token_ids, expected.counts, strict=True))
        assert found["prompt_cnt"] == expected.context_count == sum(rows.values())
        assert found["approx"] is False
        assert found.get("suffix_len", expected.suffix_length) == expected.suffix_length


def check_places(index: infgram.Index, reference: ReferenceIndex, query: Tokens) -> None:
    """Check that the ranks of `find` correspond to the occurrences."""
    found = ask(index, "find", query_ids=query)
    assert found["cnt"] == occurrences(reference, query)
    assert len(found["segment_by_shard"]) == index.n_shards
    ranks = [(shard, rank) for shard, (lo, hi) in enumerate(found["segment_by_shard"]) for rank in range(lo, hi)]
    assert len(ranks) == found["cnt"]
    documents = [ask(index, "get_doc_by_rank", query_ids=query, s=s, rank=rank) for s, rank in ranks[:200]]
    for document in documents:
        tokens = reference.tokens_of[document["doc_ix"]]
        assert document["doc_len"] == len(tokens)
        assert document["token_ids"] == tokens
        start = document["needle_offset"]
        assert tokens[start : start + len(query)] == query
    if len(ranks) <= 200:
        places = sorted((document["doc_ix"], document["needle_offset"]) for document in documents)
        separators = [(document_id, 0) for document_id in reference.document_ids] if not query else []
        at_tokens = [tuple(place) for place in reference.locate(query)]
        assert places == sorted([*at_tokens, *separators])


@given(asked_corpora(), layouts, st.integers(1, 12))
def test_cooccurrences_are_exact(asked: AskedCorpus, layout: Layout, max_distance: int) -> None:
    corpus = asked.corpus
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        check_cooccurrences(index, reference, asked, max_distance)


@given(asked_corpora(), layouts, st.integers(1, 12), removals, gaps)
def test_cooccurrences_are_exact_after_deletions(
    asked: AskedCorpus, layout: Layout, max_distance: int, drawn: list[set[int]], gaps_: list[int]
) -> None:
    documents = asked.corpus.documents
    rounds, numbers = rounds_of(drawn, len(documents)), numbers_of(gaps_, len(documents))
    with changed_index(
        documents, rounds, vocab_size=asked.corpus.vocab_size, layout=layout, numbers=numbers
    ) as changed:
        check_cooccurrences(changed.index, changed.reference, asked, max_distance)


def check_cooccurrences(index: infgram.Index, reference: ReferenceIndex, asked: AskedCorpus, max_distance: int) -> None:
    terms = [query[:4] for query in [*asked.queries, *usual_queries(asked.corpus)] if query][:9]
    cnfs = [[[terms[0]], terms[1:3]], [terms[2:4], [terms[0]], [terms[1]]], [[terms[0], terms[0]]], [terms[:4]]]
    for cnf in cnfs:
        fields: dict[str, Any] = {"query_ids": cnf, "max_diff_tokens": max_distance}
        expected = reference.cooccurrences(cnf, max_distance)
        assert ask(index, "count", **fields)["count"] == len(expected)
        found = ask(index, "find_cnf", **fields)
        assert (found["cnt"], found["approx"], found["token_ids"]) == (len(expected), False, cnf)
        assert len(found["ptrs_by_shard"]) == len(index.find([]))
        pointers = [(s, pointer) for s, pointers in enumerate(found["ptrs_by_shard"]) for pointer in pointers]
        documents = [ask(index, "get_doc_by_ptr", query_ids=cnf, s=s, ptr=ptr) for s, ptr in pointers]
        assert [(document["doc_ix"], document["needle_offset"]) for document in documents] == expected
        sampled = ask(index, "search_docs", **fields, maxnum=3)
        assert len(sampled["documents"]) == (3 if expected else 0)
        assert {(d["doc_ix"], d["needle_offset"]) for d in sampled["documents"]} <= {*expected}


def test_a_pointer_survives_the_deletion_of_other_documents(tmp_path: Path) -> None:
    infgram.build_from_tokens([[1, 2], [9], [3, 1, 2]], tmp_path / "x", vocab_size=10).close()
    cnf = [[[1]], [[2]]]
    with infgram.open(tmp_path / "x") as index:
        first, last = ask(index, "find_cnf", query_ids=cnf)["ptrs_by_shard"][0]
        infgram.delete(tmp_path / "x", documents=[0])
        index.reload()
        assert ask(index, "find_cnf", query_ids=cnf)["ptrs_by_shard"][0] == [last]
        assert ask(index, "get_doc_by_ptr", query_ids=cnf, s=0, ptr=last)["token_ids"] == [3, 1, 2]
        for gone in (first, last + 1, last + 2**33, 2**70):
            with pytest.raises(PublicError, match="returned by find_cnf"):
                ask(index, "get_doc_by_ptr", query_ids=cnf, s=0, ptr=gone)


def test_there_are_no_pointers_to_enormous_document_numbers(tmp_path: Path) -> None:
    documents, numbers = [[1, 2], [2, 1]], [5, 2**32]
    with changed_index(documents, [[0]], vocab_size=4, layout=Layout(8, 1, 1), numbers=numbers) as changed:
        assert ask(changed.index, "count", query_ids=[[[1]], [[2]]])["count"] == 1
        (document,) = ask(changed.index, "search_docs", query_ids=[[[1]], [[2]]])["documents"]
        assert (document["doc_ix"], document["needle_offset"]) == (2**32, 0)
        with pytest.raises(PublicError, match="no pointers"):
            ask(changed.index, "find_cnf", query_ids=[[[1]], [[2]]])


# Documents


@pytest.mark.parametrize("max_tokens", [1, 2, 3, 4, 5, 20, 10_000])
def test_a_window_of_a_document(max_tokens: int) -> None:
    """As in infini-gram 2.6.0, half of the window precedes the match, and half begins with it."""
    document = [11, 1, 2, 12, 13, 14, 15, 16]
    with token_index([document], vocab_size=20) as index:
        for offset, token in enumerate(document):
            rank = ask(index, "find", query_ids=[token])["segment_by_shard"][0][0]
            shown = ask(index, "get_doc_by_rank", query_ids=[token], s=0, rank=rank, max_disp_len=max_tokens)
            begin, end = max(0, offset - max_tokens // 2), min(8, offset + (max_tokens + 1) // 2)
            assert shown["token_ids"] == document[begin:end]
            assert shown["disp_len"] == end - begin
            assert shown["needle_offset"] == offset - begin


def test_the_matches_of_each_clause_are_marked(client: TestClient) -> None:
    found = post(client, "search_docs", query="natural AND light OR language")
    assert (found["cnt"], found["approx"], len(found["idxs"])) == (3, False, 1)
    assert found["message"] == f"3 occurrences found. Displaying the documents of occurrences #{found['idxs']}"
    document = found["documents"][0]
    assert (document["doc_ix"], document["blocked"]) == (1, False)
    assert document["metadata"] == '{"number": 1, "tags": ["x", null, 1.5]}\n'
    assert document["spans"] == [
        *(["natural", "0"], [" ", None], ["language", "1"], [", ", None]),
        *(["natural", "0"], [" ", None], ["light", "1"], ["; ", None]),
        *(["natural", "0"], [" ", None], ["language", "1"], [" again", None]),
    ]


def test_no_results(client: TestClient) -> None:
    found = post(client, "search_docs", query="absent here")
    assert (found["cnt"], found["idxs"], found["documents"]) == (0, [], [])
    assert found["message"] == "0 occurrences found"
    assert post(client, "count", query="absent AND rose")["count"] == 0


def test_a_search_is_a_sample_with_repeats(client: TestClient) -> None:
    found = post(client, "search_docs", query="rose", maxnum=10)
    assert found["cnt"] == 5
    assert len(found["documents"]) == len(found["idxs"]) == 10
    for number, document in zip(found["idxs"], found["documents"], strict=True):
        lo, _ = post(client, "find", query="rose")["segment_by_shard"][0]
        by_rank = post(client, "get_doc_by_rank", query="rose", s=0, rank=lo + number)
        assert by_rank["doc_ix"] == document["doc_ix"]
        assert "".join(text for text, _ in document["spans"]) == TEXTS[document["doc_ix"]]


# Tokens


def test_text_has_the_format_of_the_api(client: TestClient, folders: dict[str, Any]) -> None:
    """The API prepends a space, and returns tokens of the vocabulary and rows with spaces."""
    with infgram.open(folders["bpe"]) as index:
        counted = post(client, "count", index="bpe", query="a rose")
        assert counted["token_ids"] == index.tokenizer.encode(" a rose").tolist()
        assert counted["count"] == index.count(" a rose")
        assert "".join(counted["tokens"]) == "Ġa" + "Ġrose"
        rows = post(client, "ntd", index="bpe", query="a rose")["result_by_token_id"]
        assert {row["token"] for row in rows.values()} >= {" is"} or any(
            row["token"][:1] == " " for row in rows.values()
        )
    assert post(client, "count", query="a rose")["tokens"] == list("a rose")
    assert post(client, "count", query=r"\x61 rose")["token_ids"] == list(b"a rose")
    assert post(client, "count", index="bpe", query="")["token_ids"] == []


def test_the_end_of_a_document_is_the_end_of_text(client: TestClient) -> None:
    assert post(client, "ntd", query="the end")["result_by_token_id"] == {
        "0": {"token": "\x00", "cont_cnt": 1, "prob": 1.0}
    }
    rows = post(client, "ntd", index="ids", query_ids=[2, 3])["result_by_token_id"]
    assert list(rows) == [str(END_OF_DOCUMENT)]


def test_every_response_has_query_and_latency(client: TestClient) -> None:
    for query_type in ("count", "prob", "ntd", "infgram_prob", "infgram_ntd", "find", "search_docs"):
        body = post(client, query_type, query="a rose")
        assert body["token_ids"] == list(b"a rose")
        assert body["tokens"] == list("a rose")
        assert body["latency"] >= 0


def test_other_names_of_fields(client: TestClient) -> None:
    body = {"corpus": "bytes", "query_type": "count", "query": "rose", "engine": "c++", "timestamp": 1}
    assert client.post("/", json=body).json()["count"] == 5


# Errors


def test_limits_are_errors_with_status_200(client: TestClient) -> None:
    def said(**fields: Any) -> str:
        return refused(client, 200, index="bytes", query_type="count", **fields)

    assert said(query="x" * 1001) == "Please limit your input to <= 1000 characters!"
    assert said(query="x" * 501) == "Please limit your input to <= 500 tokens!"
    assert said(query_ids=[1] * 501) == "Please limit your input to <= 500 tokens!"
    assert said(query_ids=[[[1]]] * 5) == "Please enter at most 4 disjunctive clauses!"
    assert said(query=" OR ".join("abcde")) == "Please enter at most 4 terms in each disjunctive clause!"
    assert said(query_ids=[255]) == "Some item(s) in your query_ids are out-of-range!"
    assert said(query_ids=[[[-1]]]) == "Some item(s) in your query_ids are out-of-range!"
    assert "separator" in said(query_ids=[65_535, 1])
    assert said(query=5) == "query must be a string!"
    wrong: Any
    for wrong in ([True], ["1"], [1.0], [[1]], [[[1.5]]], {}, "1", None, [None], [1, [2]]):
        assert said(query_ids=wrong).startswith("query")
    assert "empty" in said(query_ids=[[]])
    assert "empty" in said(query="a AND  AND b")
    assert said(query="a", max_diff_tokens=0) == "max_diff_tokens must be an integer in [1, 1000]!"
    assert said(query="a", max_clause_freq=500_001) == "max_clause_freq must be an integer in [1, 500000]!"
    assert said(query="a", maxnum=True) == "maxnum must be an integer in [1, 10]!"


@pytest.mark.parametrize("query_type", ["prob", "ntd", "infgram_prob", "infgram_ntd", "find"])
def test_a_cnf_in_a_simple_query(client: TestClient, query_type: str) -> None:
    assert "list of integers" in refused(client, 200, index="bytes", query_type=query_type, query="a AND b")


def test_a_simple_query_as_cnf(client: TestClient) -> None:
    assert "triply-nested" in refused(client, 200, index="bytes", query_type="find_cnf", query="a")


@pytest.mark.parametrize("query_type", ["prob", "infgram_prob"])
def test_nothing_to_continue(client: TestClient, query_type: str) -> None:
    assert "non-empty" in refused(client, 200, index="bytes", query_type=query_type, query="")


@pytest.mark.parametrize(
    "fields",
    [
        {"s": 9, "rank": 0},
        {"s": 0, "rank": 10**6},
        {"s": 0, "rank": 2**70},
        {"s": -1, "rank": 0},
        {"s": 0, "rank": "1"},
    ],
)
def test_an_invalid_position(client: TestClient, fields: dict[str, Any]) -> None:
    refused(client, 200, index="bytes", query_type="get_doc_by_rank", query="a", **fields)
    pointer = {"s": fields["s"], "ptr": 2**60 if fields["rank"] == 0 else fields["rank"]}
    refused(client, 200, index="bytes", query_type="get_doc_by_ptr", query="a AND b", **pointer)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"index": "bytes"},
        {"index": "bytes", "query_type": "count"},
        {"index": "bytes", "query_type": "count", "query": "a", "query_ids": [1]},
        {"index": "none", "query_type": "count", "query": "a"},
        {"index": 5, "query_type": "count", "query": "a"},
        {"index": "bytes", "query_type": "close", "query": "a"},
        {"index": "bytes", "query_type": "__init__", "query": "a"},
        {"index": "bytes", "query_type": "get_doc_by_rank", "query": "a"},
        {"index": "bytes", "query_type": "count", "query": "a", "other": 1},
    ],
)
def test_missing_fields_are_errors_with_status_400(client: TestClient, body: dict[str, Any]) -> None:
    assert refused(client, 400, **body)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"query_ids": [NaN]}', 400),
        (b"[" * 10_000, 400),
        (b'{"index": "bytes", "index": "bytes"}', 400),
        (rb'{"index": "bytes", "query_type": "count", "query": "\ud800"}', 400),
        (rb'{"index": "\ud800", "query_type": "count", "query": "a"}', 400),
        (b'{"index": "bytes", "query_type": "count", "query_ids": [1e400]}', 200),
        (b'{"query": "' + b"x" * 30_000 + b'"}', 413),
    ],
)
def test_hostile_bodies(client: TestClient, content: bytes, status: int) -> None:
    response = client.post("/", content=content, headers=JSON)
    assert (response.status_code, list(response.json())) == (status, ["error"])


def test_a_wrong_media_type(client: TestClient) -> None:
    assert client.post("/", content=b"{}", headers={"content-type": "text/plain"}).status_code == 400


def test_a_clause_that_is_too_frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infgram.service.compat.cooccurrence.MAX_OCCURRENCES", 5)
    with token_index([[1, 2] * 5], vocab_size=4) as index:
        assert ask(index, "count", query_ids=[[[1]], [[2]]])["count"] == 5
        with pytest.raises(PublicError, match="does not sample"):
            ask(index, "count", query_ids=[[[1], [2]], [[2]]])
