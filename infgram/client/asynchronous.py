"""The HTTP client for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from infgram.arguments import at_least, several
from infgram.client import calls, jobs, wire
from infgram.client.calls import Call
from infgram.client.jobs import Job
from infgram.client.problems import wait_s
from infgram.errors import ServiceError
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
    Scope,
    SearchResult,
    SequenceScore,
    SuffixRange,
)

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")


class AsyncClient:
    """`Client` for asyncio, with the same methods as coroutines; sizes are in `await client.info()`.

    Each process and each event loop has its own connections. The pickle contains what that of a `Client` does.

    Example:
        async with infgram.AsyncClient("http://127.0.0.1:8000", index="stories") as index:
            await index.count("rose")
    """

    def __init__(
        self,
        url: str,
        index: str | None = None,
        *,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        retries: int = 4,
    ) -> None:
        """See `Client`."""
        wire.httpx2()
        self._open(wire.Options.checked(url, index, api_key, timeout_s, retries))

    def _open(self, options: wire.Options) -> None:
        self._options = options
        self._connections: wire.Connections[httpx2.AsyncClient] = wire.Connections(
            repr(self), lambda: wire.httpx2().AsyncClient(**options.http())
        )
        self._service: tuple[str, Mapping[str, int]] | None = None

    # Counts and ranks

    async def count(self, query: Query, *, ignore_case: bool = False, any_tokenization: bool = False) -> int:
        """See `Index.count`."""
        return await self._ask(calls.count(query, ignore_case, any_tokenization))

    async def count_batch(self, queries: Iterable[Query]) -> Int64Array:
        """See `Index.count_batch`; thousands of queries share a request."""
        limits = (await self._name_and_limits())[1]
        found = [n for call in calls.counts(queries, limits) for n in await self._ask(call)]
        return np.array(found, dtype=np.int64)

    async def readings(self, text: str) -> Readings:
        """See `Index.readings`."""
        return await self._ask(calls.readings(text))

    async def document_count(self, query: Query, *, ignore_case: bool = False, any_tokenization: bool = False) -> int:
        """See `Index.document_count`."""
        return await self._ask(calls.document_count(query, ignore_case, any_tokenization))

    async def document_count_batch(self, queries: Iterable[Query]) -> Int64Array:
        """See `Index.document_count_batch`."""
        found = await self._ask_all(calls.document_count(query) for query in several(queries, "queries"))
        return np.array(found, dtype=np.int64)

    async def find(self, query: Query) -> list[SuffixRange]:
        """See `Index.find`."""
        return await self._ask(calls.find(query))

    async def locate(self, query: Query, *, limit: int | None = None) -> list[Location]:
        """See `Index.locate`."""
        return await self._ask(calls.locate(query, limit))

    # Next tokens

    async def next_token_distribution(
        self,
        context: Query,
        *,
        top_k: int | None = None,
        ignore_case: bool = False,
        any_tokenization: bool = False,
    ) -> NextTokenDistribution:
        """See `Index.next_token_distribution`."""
        return await self._ask(calls.next_token(context, top_k, ignore_case, any_tokenization))

    async def next_token_distribution_batch(
        self, contexts: Iterable[Query], *, top_k: int | None = None
    ) -> list[NextTokenDistribution]:
        """See `Index.next_token_distribution_batch`."""
        return await self._ask_all(calls.next_token(context, top_k) for context in several(contexts, "contexts"))

    async def longest_suffix(self, context: Query, *, min_count: int = 1) -> LongestSuffix:
        """See `Index.longest_suffix`."""
        return await self._ask(calls.longest_suffix(context, min_count))

    async def longest_suffix_batch(self, contexts: Iterable[Query], *, min_count: int = 1) -> list[LongestSuffix]:
        """See `Index.longest_suffix_batch`."""
        return await self._ask_all(
            calls.longest_suffix(context, min_count) for context in several(contexts, "contexts")
        )

    async def infgram_distribution(
        self, context: Query, *, min_count: int = 1, top_k: int | None = None
    ) -> InfgramDistribution:
        """See `Index.infgram_distribution`."""
        return await self._ask(calls.infgram(context, min_count, top_k))

    async def infgram_distribution_batch(
        self, contexts: Iterable[Query], *, min_count: int = 1, top_k: int | None = None
    ) -> list[InfgramDistribution]:
        """See `Index.infgram_distribution_batch`."""
        return await self._ask_all(
            calls.infgram(context, min_count, top_k) for context in several(contexts, "contexts")
        )

    async def infgram_log_prob(self, context: Query, token: int, *, min_count: int = 1) -> InfgramLogProb:
        """See `Index.infgram_log_prob`."""
        return await self._ask(calls.prob(context, token, min_count))

    async def score(self, tokens: Query, *, min_count: int = 1, end: bool = False) -> SequenceScore:
        """See `Index.score`."""
        return await self._ask(calls.score(tokens, min_count, end))

    async def score_batch(
        self, sequences: Iterable[Query], *, min_count: int = 1, end: bool = False
    ) -> list[SequenceScore]:
        """See `Index.score_batch`."""
        return await self._ask_all(calls.score(tokens, min_count, end) for tokens in several(sequences, "sequences"))

    async def longest_matches(self, tokens: Query) -> LongestMatches:
        """See `Index.longest_matches`."""
        return await self._ask(calls.longest_matches(tokens))

    # Documents

    async def search(
        self,
        query: Query | Cnf,
        *,
        ignore_case: bool = False,
        any_tokenization: bool = False,
        limit: int = 10,
        seed: int | None = None,
        snippet_tokens: int = 40,
        scope: Scope = "window",
        max_distance: int = 100,
        max_matches: int | None = None,
        where: Mapping[str, JsonScalar] | None = None,
        cursor: str | None = None,
        matches_per_document: int = 3,
    ) -> SearchResult:
        """See `Index.search`; the service limits the time."""
        options = {
            "ignore_case": ignore_case,
            "any_tokenization": any_tokenization,
            "limit": limit,
            "seed": seed,
            "snippet_tokens": snippet_tokens,
            "scope": scope,
            "max_distance": max_distance,
            "max_matches": max_matches,
            "where": where,
            "cursor": cursor,
            "matches_per_document": matches_per_document,
        }
        return await self._ask(calls.search(query, options))

    async def search_batch(self, queries: Iterable[Query | Cnf], **options: Any) -> list[SearchResult]:
        """See `Index.search_batch`."""
        every = {**calls.SEARCH_OPTIONS, **options}
        return await self._ask_all(calls.search(query, every) for query in several(queries, "queries"))

    async def search_text(self, query: str | Cnf, *, ignore_case: bool = False, **options: Any) -> SearchResult:
        """See `Index.search_text`; the service limits the time."""
        every = {**calls.SEARCH_OPTIONS, "ignore_case": ignore_case, "any_tokenization": True, **options}
        return await self._ask(calls.search(query, every))

    async def document(self, document_id: int) -> Document:
        """See `Index.document`."""
        return await self._ask(calls.document(document_id))

    # Changes

    async def add(
        self, documents: Iterable[str | Mapping[str, Any] | Sequence[int]], *, if_generation: int | None = None
    ) -> Job:
        """Add documents to the index, with an API key that may write. They are sent in one request, as one job.

        Args:
            documents: texts; mappings with a `text`, whose other fields are metadata; or token ids.
            if_generation: as for `infgram.add`; if the index is at another generation, the job fails.

        Returns:
            The job, which the service has accepted; see `wait_for_job`.

        Raises:
            QueryError: the documents are malformed, or larger than a request may be.
            ServiceError: the API key may not write, or the service does not accept the job.
        """
        return await self._ask(calls.add(documents, if_generation))

    async def delete(
        self,
        *,
        documents: Iterable[int] | None = None,
        ids: Iterable[int | str] | None = None,
        where: Mapping[str, JsonScalar] | None = None,
        purge: bool = False,
        if_generation: int | None = None,
    ) -> Job:
        """Delete documents as `infgram.delete` does, with an API key that may write; returns and raises as `add`."""
        return await self._ask(calls.delete(documents, ids, where, purge, if_generation))

    async def compact(self, *, if_generation: int | None = None) -> Job:
        """Compact the index as `infgram.compact` does, with an API key that may write; returns and raises as `add`."""
        return await self._ask(calls.compact(if_generation))

    async def document_ids(self, begin: int = 0) -> AsyncIterator[int]:
        """See `Index.document_ids`; each ten thousand are a request."""
        following: int | None = at_least(begin, 0, "begin")
        while following is not None:
            page, following = await self._ask(calls.document_ids(following))
            for number in page:
                yield number

    async def job(self, job_id: str) -> Job:
        """Return a job as it is now.

        Raises:
            QueryError: there is no such job.
        """
        return await self._ask(calls.job(job_id))

    async def jobs(self) -> list[Job]:
        """Return all jobs of the index, the newest first. A service forgets those that ended long ago."""
        return await self._ask(calls.jobs())

    async def wait_for_job(self, job: Job, *, timeout_s: float | None = None) -> Job:
        """Wait until a job has succeeded. The service answers from the new state within a few seconds after that.

        Args:
            job: the job.
            timeout_s: the seconds to wait; None for as long as it takes.

        Returns:
            The job with its result.

        Raises:
            InfgramError: the job has failed.
            TimeLimitError: it takes longer; it goes on.
        """
        import asyncio

        waiting = jobs.Waiting(timeout_s)
        while (wait := waiting.next_s(job)) is not None:
            await asyncio.sleep(wait)
            job = await self.job(job.id)
        return job

    # Index and tokenizer

    async def info(self) -> dict[str, Any]:
        """See `Index.info`; the result includes `name` and no paths."""
        return await self._ask(calls.info())

    async def tokenize(self, text: str) -> Int64Array:
        """Encode a text with the tokenizer of the index."""
        return await self._ask(calls.tokenize(text))

    async def detokenize(self, token_ids: Query) -> str:
        """Decode token ids to text."""
        return await self._ask(calls.detokenize(token_ids))

    async def close(self) -> None:
        """Close the connections; later queries raise `IndexClosedError`."""
        import asyncio

        http = self._connections.close(asyncio.get_running_loop())
        if http is not None:
            await http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return self._options.shown("AsyncClient")

    def __getstate__(self) -> wire.Options:
        self._connections.check_open()
        return self._options

    def __setstate__(self, options: wire.Options) -> None:
        self._open(options)

    async def _ask(self, call: Call[T]) -> T:
        name = self._options.index or (await self._name_and_limits())[0]
        answer = await self._send(wire.request(name, call))
        return wire.read(call, answer.status_code, answer.content)

    async def _ask_all(self, asked: Iterable[Call[T]]) -> list[T]:
        limits = (await self._name_and_limits())[1]
        return [result for call in calls.batch(asked, limits) for result in await self._ask(call)]

    async def _name_and_limits(self) -> tuple[str, Mapping[str, int]]:
        if self._service is None:
            answer = await self._send({"method": "GET", "url": "/v1/indexes"})
            self._service = wire.name_and_limits(self._options.index, answer.status_code, answer.content)
        return self._service

    async def _send(self, request: Mapping[str, Any]) -> httpx2.Response:
        import asyncio  # here, since `import infgram` is light

        http = self._connections.get(asyncio.get_running_loop())
        for attempt in range(self._options.retries + 1):
            try:
                answer = await http.request(**request)
            except wire.httpx2().HTTPError as error:
                raise ServiceError(f"{http.base_url}: {error or type(error).__name__}") from error
            wait = wait_s(answer.status_code, answer.headers)
            if wait is None or attempt == self._options.retries:
                break
            await asyncio.sleep(wait)
        return answer
