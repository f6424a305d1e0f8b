"""A client returns the same results as an index: the tests of the library over HTTP."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import product
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar, cast

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from infgram.service import add_key

import infgram
from infgram.changes.writer import writing as changing
from infgram.client import calls, problems
from infgram.client.calls import SEARCH_OPTIONS
from tests.building import BYTES_VOCABULARY, build_texts, text_index, token_index
from tests.client.generate_synchronous import FOLDER, synchronous
from tests.client.loopback import NAME, Loopback, loopback
from tests.index import test_oracle as library
from tests.reference import ReferenceIndex
from tests.search import test_search as finding
from tests.search.conjunctions import Numbers, clauses_of, conjunctions
from tests.strategies import Asked, Layout, asked_corpora, layouts, texts, usual_queries

FEW = settings(max_examples=3, deadline=None)
NAMED = [
    ("only empty documents", Layout(8, 3, 1)),
    ("period three", Layout(16, 1, 1)),
    ("each document the start of the next", Layout(8, 5, 1)),
    ("ids of three bytes", Layout(32, 2, 1)),
]


@pytest.fixture(scope="module")
def service() -> Iterator[Loopback]:
    with loopback(limits={"matches": 1_000}) as started:
        yield started


def asked_through(service: Loopback, index: infgram.Index) -> infgram.Client:
    service.put(index)
    return infgram.Client(service.url)


def as_index(client: infgram.Client) -> infgram.Index:
    """Cast the client, because the tests of the library expect an index."""
    return cast("infgram.Index", client)


# The tests of the library


@pytest.mark.parametrize(("name", "layout"), NAMED)
def test_named_corpora(service: Loopback, name: str, layout: Layout) -> None:
    corpus, reference = library.NAMED[name], library.reference_of(name)
    with (
        token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index,
        asked_through(service, index) as client,
    ):
        library.check_answers(as_index(client), corpus, reference, layout, usual_queries(corpus)[:14])


@FEW
@given(asked_corpora(), layouts)
def test_any_corpus(service: Loopback, asked: Asked, layout: Layout) -> None:
    corpus = asked.corpus
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with (
        token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index,
        asked_through(service, index) as client,
    ):
        library.check_answers(as_index(client), corpus, reference, layout, asked.queries[-14:])


@FEW
@given(texts, layouts)
def test_search(service: Loopback, documents: list[str], layout: Layout) -> None:
    reference = ReferenceIndex([list(text.encode()) for text in documents], BYTES_VOCABULARY)
    with text_index(documents, layout=layout) as index, asked_through(service, index) as client:
        for query, seed, limit in product(("a", "ab", "é", "zz"), (None, 1, 2**63 + 5), (0, 1, 1_000)):
            expected = reference.search([[list(query.encode())]], limit=limit, seed=seed)
            result = client.search(query, limit=limit, seed=seed)
            assert result == index.search(query, limit=limit, seed=seed)
            assert [result] == client.search_batch([query], limit=limit, seed=seed)
            assert [hit.document_id for hit in result] == list(expected)
        assert client.document_count_batch(["a", "ab"]).tolist() == index.document_count_batch(["a", "ab"]).tolist()
        with pytest.raises(infgram.QueryError):
            client.search("")


@FEW
@given(asked_corpora(), layouts, conjunctions)
def test_every_and_of_ors(
    service: Loopback, asked: Asked, layout: Layout, drawn: list[tuple[Numbers, int | None]]
) -> None:
    corpus = asked.corpus
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    with (
        token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index,
        asked_through(service, index) as client,
    ):
        for numbers, max_distance in drawn:
            finding.check(as_index(client), reference, clauses_of(numbers, asked), max_distance)


def test_pages_filters_and_estimates(service: Loopback) -> None:
    with text_index([f"a rose {n}" for n in range(20)]) as index, asked_through(service, index) as client:
        options: dict[str, Any] = {"limit": 7, "seed": 5, "where": {"number": 3}}
        assert client.search("rose", **options) == index.search("rose", **options)
        first = client.search("rose AND (3 OR 4 OR 5)", limit=2)
        rest = client.search("rose AND (3 OR 4 OR 5)", limit=2, cursor=first.cursor)
        assert rest == index.search("rose AND (3 OR 4 OR 5)", limit=2, cursor=first.cursor)
        assert {hit.document_id for hit in first}.isdisjoint(hit.document_id for hit in rest)
        estimated = client.search("rose", max_matches=10)
        assert estimated == index.search("rose", max_matches=10)
        assert not estimated.is_exact
        for options in ({}, {"ignore_case": True}, {"seed": 5, "where": {"number": 3}, "snippet_tokens": 4}):
            assert client.search_text("rOse 1", **options) == index.search_text("rOse 1", **options)
            assert client.search_text("ose 1", **options) == index.search_text("ose 1", **options)
        characters: list[dict[str, Any]] = [{"any_tokenization": True}, {"ignore_case": True}]
        for options in characters:
            query = "(ROSE OR ose) AND 3"
            assert client.search(query, **options) == index.search(query, **options)
            assert client.document_count("OSE 1", **options) == index.document_count("OSE 1", **options)
            found = client.next_token_distribution("OSE", top_k=3, **options)
            expected = index.next_token_distribution("OSE", top_k=3, **options)
            assert (found.token_ids.tolist(), found.counts.tolist()) == (
                expected.token_ids.tolist(),
                expected.counts.tolist(),
            )
            assert (found.context_count, found.n_distinct) == (expected.context_count, expected.n_distinct)
        for text in ("rose", "OSE 1", "zebra"):
            assert client.readings(text) == index.readings(text)
        with pytest.raises(infgram.QueryError, match="readings"):
            client.readings([97])  # type: ignore[arg-type]
        assert client.count("ROSE", ignore_case=True) == index.count("ROSE", ignore_case=True) == 20
        with pytest.raises(infgram.QueryError, match="cursor"):
            client.search("other", cursor=first.cursor)
        with pytest.raises(infgram.QueryError, match="AND and OR"):
            client.search("rose AND")
        wrong: Any
        for wrong in ("", [1]):
            with pytest.raises(infgram.QueryError):
                client.search_text(wrong)
        with pytest.raises(TypeError, match="page"):
            client.search_batch(["rose"], page=1)


@pytest.mark.parametrize(
    "case",
    [case for case in finding.WRONG_QUESTIONS if "timeout_s" not in case[1] and 1 not in case[1].get("where", {})],
)
def test_invalid_queries(service: Loopback, case: tuple[Any, dict[str, Any], str]) -> None:
    query, options, _ = case
    with finding.small() as index, asked_through(service, index) as client, pytest.raises(infgram.QueryError):
        client.search(query, **options)


def test_it_has_the_methods_of_an_index() -> None:
    """The methods have the same names and parameters; methods that need the files are missing."""
    of_files = {"is_local", "paths", "skipped", "verify", "locate_rank", "duplicates", "token_batches"}
    of_tools = {
        "count_by",
        "provenance",
        "spellings",
        "sample_documents",
        "count_spans",
        "document_tokens",
        "document_length",
        "document_text",
        "check_files",
        "document_metadata",
        "reload",
    }
    for name, method in vars(infgram.Index).items():
        if name.startswith("_") or name in of_files | of_tools:
            continue
        assert hasattr(infgram.Client, name), name
        if inspect.isfunction(method) and name not in ("session", "info", "close"):
            wanted = inspect.signature(method).parameters
            for client in (infgram.Client, infgram.AsyncClient):
                found = inspect.signature(getattr(client, name)).parameters
                local = wanted.keys() - found.keys()
                assert local <= {"timeout_s", "progress", "max_branches", "other_case", "text_characters"}, (
                    client,
                    name,
                )
                assert list(found.values()) == [wanted[each] for each in wanted if each not in local], (client, name)


def test_the_synchronous_client_is_current() -> None:
    committed = (FOLDER / "synchronous.py").read_text(encoding="utf-8")
    assert committed == synchronous(), "run `make generated`"


def test_the_options_of_a_search_are_those_of_the_index() -> None:
    parameters = inspect.signature(infgram.Index.search).parameters.items()
    defaults = {
        name: each.default
        for name, each in parameters
        if name not in ("self", "query", "timeout_s", "progress", "max_branches", "text_characters")
    }
    assert defaults == SEARCH_OPTIONS


@FEW
@given(asked_corpora())
def test_the_asyncio_client_returns_the_same_results(service: Loopback, asked: Asked) -> None:
    corpus, queries = asked.corpus, asked.queries[-8:]

    async def check(index: infgram.Index) -> None:
        async with infgram.AsyncClient(service.url, index=NAME) as client:
            assert (await client.count_batch(queries)).tolist() == index.count_batch(queries).tolist()
            assert (await client.info())["n_tokens"] == index.n_tokens
            assert [place async for place in _each(client, queries)] == [index.locate(query) for query in queries]
            for found, expected in (
                (await client.infgram_distribution_batch(queries), index.infgram_distribution_batch(queries)),
                (await client.next_token_distribution_batch(queries), index.next_token_distribution_batch(queries)),
            ):
                assert [rows.counts.tolist() for rows in found] == [rows.counts.tolist() for rows in expected]
            assert await client.longest_suffix_batch(queries) == index.longest_suffix_batch(queries)
            scores = await client.score_batch(queries, end=True)
            assert [s.log_probs.tolist() for s in scores] == [
                s.log_probs.tolist() for s in index.score_batch(queries, end=True)
            ]
            for query in queries:
                assert await client.count(query) == index.count(query)
                assert await client.find(query) == index.find(query)
                assert await client.infgram_log_prob(query, -1) == index.infgram_log_prob(query, -1)
                matches = await client.longest_matches(query)
                assert matches.lengths.tolist() == index.longest_matches(query).lengths.tolist()
            assert (await client.document(0)).token_ids.tolist() == corpus.documents[0]
            with pytest.raises(infgram.QueryError):
                await client.count([corpus.vocab_size])

    with token_index(corpus.documents, vocab_size=corpus.vocab_size) as index:
        service.put(index)
        asyncio.run(check(index))


async def _each(client: infgram.AsyncClient, queries: list[list[int]]) -> Any:
    for query in queries:
        yield await client.locate(query)


# Text


def test_the_tokenizer(service: Loopback) -> None:
    with text_index(["a rosé", "two"]) as index, asked_through(service, index) as client:
        assert client.count("rosé") == 1
        token_ids = client.tokenizer.encode("rosé")
        assert token_ids.tolist() == index.tokenizer.encode("rosé").tolist()
        assert client.tokenizer.decode(token_ids) == "rosé"
        assert client.tokenizer.tokens(token_ids) == index.tokenizer.tokens(token_ids)
        assert (client.tokenizer.kind, client.tokenizer.fingerprint) == ("bytes", index.tokenizer.fingerprint)
        assert client.session("a r").distribution().token_ids.tolist() == [ord("o")]
        assert client.document(0).text == "a rosé"
        with pytest.raises(infgram.QueryError):
            client.tokenizer.encode(b"x")  # type: ignore[arg-type]
    with token_index([[1]], vocab_size=3) as index, asked_through(service, index) as client:
        with pytest.raises(infgram.TokenizerError):
            _ = client.tokenizer
        with pytest.raises(infgram.QueryError, match="no tokenizer"):
            client.count("text")


# Batches


@given(st.lists(st.one_of(st.text("ab", max_size=5), st.lists(st.sampled_from(b"ab"), max_size=5)), max_size=40))
@settings(max_examples=25, deadline=None)
def test_batches_are_split_at_the_limits(narrow: tuple[Loopback, infgram.Index], queries: list[Any]) -> None:
    """Requests of at most 3 items and 600 bytes give the results of one batch."""
    service, index = narrow
    with infgram.Client(service.url) as client:
        assert client.count_batch(queries).tolist() == index.count_batch(queries).tolist()
        assert client.longest_suffix_batch(queries) == index.longest_suffix_batch(queries)
        some = [query for query in queries if len(query)]
        found = client.search_batch(some, limit=4)
        assert [result.count for result in found] == [index.count(query) for query in some]
        assert [[hit.document_id for hit in result] for result in found] == [
            [hit.document_id for hit in result] for result in index.search_batch(some, limit=4)
        ]


@pytest.fixture(scope="module")
def narrow() -> Iterator[tuple[Loopback, infgram.Index]]:
    limits = {"batch_items": 3, "body_bytes": 600, "batch_documents": 10}
    with loopback(limits=limits) as service, text_index(["abab", "ba", "", "aab"]) as index:
        service.put(index)
        yield service, index


def test_an_invalid_item_raises(service: Loopback) -> None:
    with token_index([[1, 2]], vocab_size=3) as index, asked_through(service, index) as client:
        for ask in (client.count_batch, client.longest_suffix_batch, client.score_batch, client.search_batch):
            with pytest.raises(infgram.QueryError, match="vocabulary"):
                cast("Any", ask)([[1], [3]])
        wrong: Any
        for wrong in ([True], [1.0], ["1"], 5, None, [[1]], np.array([1.5]), np.array([[1]]), b"ab"):
            with pytest.raises(infgram.QueryError):
                client.count(wrong)


# Changes


@pytest.fixture
def writable(tmp_path: Path) -> Iterator[tuple[infgram.Client, Path]]:
    """A client that may write, and the folder of the index."""
    path, keys = tmp_path / "x.infgram", tmp_path / "keys.txt"
    build_texts(["a rose", "two roses"], path).close()
    key = add_key(keys, "writer", may_write=True)
    with (
        loopback(indexes={"x": path}, api_keys_file=keys) as service,
        infgram.Client(service.url, api_key=key) as client,
    ):
        yield client, path


def test_changes(writable: tuple[infgram.Client, Path]) -> None:
    """The methods have the names, arguments and results of the functions of the library."""
    client, path = writable
    texts: list[Any] = ["three roses", {"text": "four", "id": "f"}]
    job = client.add(texts)
    assert (job.kind, job.status, job.result) == ("add", "queued", None)
    job = client.wait_for_job(job)
    assert job.result == {"generation": 1, "first_document": 2, "n_documents": 2, "n_tokens": 15}
    assert client.job(job.id) == job
    assert isinstance(job.progress, infgram.BuildProgress)
    tokens: list[Any] = [[97], np.array([98, 99])]
    assert (client.wait_for_job(client.add(tokens)).result or {})["first_document"] == 4
    deleted = client.wait_for_job(client.delete(ids=["f", 7], purge=True))
    assert (deleted.result or {})["not_found"] == [7]
    for options in ({"documents": [0]}, {"where": {"number": 1}}):
        assert (client.wait_for_job(client.delete(**options)).result or {})["n_documents"] == 1
    assert (client.wait_for_job(client.compact()).result or {})["n_documents"] == 3
    assert [each.kind for each in client.jobs()] == ["compact", *["delete"] * 3, "add", "add"]
    with infgram.open(path) as index:
        assert [*index.document_ids()] == [2, 4, 5]
    for change in (partial(client.add, ["x"]), partial(client.delete, documents=[2]), client.compact):
        with pytest.raises(infgram.IndexChangedError, match="x is at generation 6, expected 5"):
            client.wait_for_job(change(if_generation=5))
    failed = client.delete(ids=["none"])
    with pytest.raises(infgram.QueryError, match="no document of x has the id none"):
        client.wait_for_job(failed)
    for method, function in (("delete", infgram.delete), ("compact", infgram.compact)):
        wanted = inspect.signature(function).parameters
        found = inspect.signature(getattr(infgram.Client, method)).parameters
        local = {"index_path", "threads", "memory", "shard_tokens", "progress"}
        assert [*found.values()][1:] == [wanted[name] for name in wanted if name not in local]
        with pytest.raises(TypeError):
            getattr(client, method)(path)


def test_document_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pages, of which the last is shorter, full, or empty."""
    build_texts(["a rose"] * 6, tmp_path / "x").close()
    infgram.delete(tmp_path / "x", documents=[1, 3])
    with loopback(indexes={"x": tmp_path / "x"}) as service, infgram.Client(service.url) as client:
        assert [*client.document_ids()] == [0, 2, 4, 5]
        monkeypatch.setattr(calls, "_PAGE_LENGTH", 2)
        for begin, ids in ((0, [0, 2, 4, 5]), (1, [2, 4, 5]), (3, [4, 5]), (6, []), (2**70, [])):
            assert [*client.document_ids(begin)] == ids
        with pytest.raises(infgram.QueryError, match="begin"):
            next(client.document_ids(-1))

        async def ask() -> list[int]:
            async with infgram.AsyncClient(service.url) as asking:
                return [number async for number in asking.document_ids(1)]

        assert asyncio.run(ask()) == [2, 4, 5]


def test_the_asyncio_client_changes_too(writable: tuple[infgram.Client, Path]) -> None:
    async def check() -> None:
        options = writable[0].__getstate__()
        async with infgram.AsyncClient(options.url, api_key=options.api_key) as client:
            job = await client.wait_for_job(await client.add(["five"]), timeout_s=60)
            assert (job.status, await client.job(job.id), await client.jobs()) == ("succeeded", job, [job])
            await client.wait_for_job(await client.delete(documents=[2]))
            await client.wait_for_job(await client.compact())

    asyncio.run(check())


def test_invalid_changes(writable: tuple[infgram.Client, Path], tmp_path: Path) -> None:
    client, _ = writable
    wrong: Any
    for wrong in ("text", [1], [None], [[-1]], [{"title": "x"}], [{"text": 1}], []):
        with pytest.raises(infgram.QueryError):
            client.add(wrong)
    for wrong in ({}, {"ids": "a"}, {"ids": [1.5]}, {"documents": [-1]}, {"where": {"a": [1]}}, {"where": {}}):
        with pytest.raises(infgram.QueryError):
            client.delete(**wrong)
    for wrong in ({"documents": [1], "ids": ["a"]}, {"ids": ["a"], "purge": 1}):
        with pytest.raises(infgram.QueryError):
            client.delete(**wrong)
    for unknown in ("", "x", "../../healthz", "0" * 24):
        with pytest.raises(infgram.InfgramError):
            client.job(unknown)
    assert client.jobs() == []
    reader = infgram.Client(client.__getstate__().url, api_key=add_key(tmp_path / "other.txt", "reader"))
    with reader, pytest.raises(infgram.ServiceError, match="unauthorized"):
        reader.add(["x"])


def test_waiting_ends_at_the_time_limit(writable: tuple[infgram.Client, Path]) -> None:
    client, path = writable
    with changing(path):
        job = client.compact()
        with pytest.raises(infgram.TimeLimitError, match=f"job {job.id} is still"):
            client.wait_for_job(job, timeout_s=0.2)
    assert client.wait_for_job(job).status == "succeeded"


# Errors


def test_a_service_with_several_indexes(tmp_path: Path) -> None:
    with token_index([[1]], vocab_size=3) as index:
        path = index.paths[0]
        with loopback(indexes={"a": path, "b": path}) as service:
            with infgram.Client(service.url) as client, pytest.raises(infgram.ServiceError, match="a, b; name one"):
                client.count([1])
            with infgram.Client(service.url, index="b") as client:
                assert client.count([1]) == 1
            with infgram.Client(service.url, index="c") as client, pytest.raises(infgram.IndexNotFoundError):
                client.count([1])


def test_api_keys(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.txt", "alice")
    with token_index([[1]], vocab_size=3) as index, loopback(api_keys_file=tmp_path / "keys.txt") as service:
        service.put(index)
        for given in (key, f" {key}\n"):
            with infgram.Client(service.url, api_key=given) as client:
                assert client.count([1]) == 1
        with infgram.Client(service.url, NAME) as client, pytest.raises(infgram.ServiceError, match="unauthorized"):
            client.count([1])


@pytest.mark.parametrize("key", ["sec\nret", "sec ret", "sec\x7fret", "sec\u00e9ret"])
@pytest.mark.parametrize("kind", [infgram.Client, infgram.AsyncClient])
def test_a_refused_key_is_not_shown(key: str, kind: Any) -> None:
    with pytest.raises(infgram.QueryError, match="api_key has characters") as refused:
        kind("http://127.0.0.1:9", NAME, api_key=key)
    assert "sec" not in str(refused.value)


def test_no_service() -> None:
    for client in (infgram.Client("http://127.0.0.1:9", NAME), infgram.Client("http://127.0.0.1:9")):
        with client, pytest.raises(infgram.ServiceError, match=r"127\.0\.0\.1:9"):
            client.count([1])


Scripted = tuple[int, dict[str, str], bytes]


class Script(BaseHTTPRequestHandler):
    """A server with scripted responses, one per request."""

    answers: ClassVar[list[Scripted]] = []
    n_requests: ClassVar[int] = 0

    def do_POST(self) -> None:
        type(self).n_requests += 1
        self.rfile.read(int(self.headers["content-length"]))
        status, headers, body = type(self).answers.pop(0)
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def scripted() -> Iterator[str]:
    Script.n_requests = 0
    with HTTPServer(("127.0.0.1", 0), Script) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


BUSY: Scripted = (503, {"retry-after": "2"}, b'{"code": "overloaded", "status": 503, "detail": "busy"}')
GOOD: Scripted = (200, {}, b'{"count": 7}')


def test_a_busy_service_is_retried_after_the_stated_time(scripted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("infgram.client.synchronous.time.sleep", waited.append)
    Script.answers = [BUSY, (429, {"retry-after": "1"}, b"{}"), GOOD]
    with infgram.Client(scripted, NAME) as client:
        assert client.count([1]) == 7
    assert [int(seconds) for seconds in waited] == [2, 1]
    Script.answers = [BUSY] * 3
    with infgram.Client(scripted, NAME, retries=2) as client, pytest.raises(infgram.ServiceError, match="busy"):
        client.count([1])
    assert Script.n_requests == 6


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_other_errors_are_not_retried(scripted: str, status: int) -> None:
    Script.answers = [(status, {}, b'{"code": "x", "detail": "no"}')]
    with infgram.Client(scripted, NAME) as client, pytest.raises(infgram.ServiceError):
        client.count([1])
    assert Script.n_requests == 1


def test_the_asyncio_client_waits_too(scripted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infgram.client.problems.random.uniform", lambda *_: -1.99)
    Script.answers = [BUSY, GOOD]

    async def count() -> int:
        async with infgram.AsyncClient(scripted, NAME) as client:
            return await client.count([1])

    assert asyncio.run(count()) == 7


@pytest.mark.parametrize(("loc", "shown"), [(["body"], "no Unknown"), (["body", "a", "1"], "no Unknown (a.1)")])
def test_an_invalid_field_is_named_where_there_is_one(loc: list[str], shown: str) -> None:
    problem = {"status": 422, "detail": "no", "errors": [{"loc": loc, "type": "x", "msg": "Unknown"}]}
    assert str(problems.error_of(problem)) == shown


def test_the_waiting_time() -> None:
    assert problems.wait_s(503, {}) is None
    assert problems.wait_s(503, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}) is None
    assert problems.wait_s(500, {"retry-after": "1"}) is None
    assert 60 <= (problems.wait_s(429, {"retry-after": "100000"}) or 0) < 61


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"'])
def test_a_peer_that_is_not_an_infgram_service(scripted: str, body: bytes) -> None:
    Script.answers = [(200, {}, body), (404, {}, body)]
    with infgram.Client(scripted, NAME) as client:
        for _ in range(2):
            with pytest.raises(infgram.ServiceError, match="check that the address is that of an infgram service"):
                client.count([1])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"count": 1}\n',
        b'{"count": 1}\n{"end": {"n_lines": 2}}\n',
        b'{"count": 1}\n{"problem": {"code": "storage_error", "detail": "gone"}}\n',
    ],
)
def test_truncated_lines(scripted: str, body: bytes) -> None:
    Script.answers = [(200, {}, body)]
    with infgram.Client(scripted, NAME) as client, pytest.raises(infgram.ServiceError):
        client.locate([1])


def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "httpx2", None)
    with pytest.raises(infgram.MissingExtraError, match=r"infgram\[client\]"):
        infgram.Client("http://127.0.0.1:9")
