"""The synchronous HTTP client; generated from asynchronous.py by `make generated`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from infgram.arguments import at_least, several
from infgram.client import calls, jobs, wire
from infgram.client.calls import Call
from infgram.client.jobs import Job
from infgram.client.members import SynchronousMembers
from infgram.client.problems import wait_s
from infgram.errors import ServiceError
from infgram.query_language import Cnf
from infgram.tables import Table, with_owner
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


class Client(SynchronousMembers):
    """An index behind a service: most queries of `Index`, with the same results and errors.

    Safe for any number of threads, and after a fork: each process opens its own connections. The pickle contains the
    address and the options, including the API key. If the service is busy, the client waits as long as the service asks
    and repeats the request, up to `retries` times. It repeats no other request.

    Example:
        with infgram.Client("http://127.0.0.1:8000", index="stories") as index:
            index.count("rose")
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
        """Create a client without sending a request.

        Args:
            url: the address of the service.
            index: the name of the index; None if the service has only one.
            api_key: the API key, if the service requires one.
            timeout_s: the timeout of one request in seconds.
            retries: the maximum number of retries when the service is busy.

        Raises:
            MissingExtraError: the package httpx2 is not installed.
            QueryError: an argument has the wrong type or is out of range.
        """
        wire.httpx2()
        self._open(wire.Options.checked(url, index, api_key, timeout_s, retries))

    def _open(self, options: wire.Options) -> None:
        self._options = options
        self._connections: wire.Connections[httpx2.Client] = wire.Connections(
            repr(self), lambda: wire.httpx2().Client(**options.http())
        )
        self._service: tuple[str, Mapping[str, int]] | None = None

    # Counts and ranks

    def count(self, query: Query, *, ignore_case: bool = False, any_tokenization: bool = False) -> int:
        """See `Index.count`."""
        return self._ask(calls.count(query, ignore_case, any_tokenization))

    def count_batch(self, queries: Iterable[Query]) -> Int64Array:
        """See `Index.count_batch`; thousands of queries share a request."""
        limits = self._name_and_limits()[1]
        found = [n for call in calls.counts(queries, limits) for n in self._ask(call)]
        return np.array(found, dtype=np.int64)

    def readings(self, text: str) -> Readings:
        """See `Index.readings`."""
        return self._ask(calls.readings(text))

    def document_count(self, query: Query, *, ignore_case: bool = False, any_tokenization: bool = False) -> int:
        """See `Index.document_count`."""
        return self._ask(calls.document_count(query, ignore_case, any_tokenization))

    def document_count_batch(self, queries: Iterable[Query]) -> Int64Array:
        """See `Index.document_count_batch`."""
        found = self._ask_all(calls.document_count(query) for query in several(queries, "queries"))
        return np.array(found, dtype=np.int64)

    def find(self, query: Query) -> list[SuffixRange]:
        """See `Index.find`."""
        return self._ask(calls.find(query))

    def locate(self, query: Query, *, limit: int | None = None) -> list[Location]:
        """See `Index.locate`."""
        return self._ask(calls.locate(query, limit))

    # Next tokens

    def next_token_distribution(
        self,
        context: Query,
        *,
        top_k: int | None = None,
        ignore_case: bool = False,
        any_tokenization: bool = False,
    ) -> NextTokenDistribution:
        """See `Index.next_token_distribution`."""
        return self._ask(calls.next_token(context, top_k, ignore_case, any_tokenization))

    def next_token_distribution_batch(
        self, contexts: Iterable[Query], *, top_k: int | None = None
    ) -> list[NextTokenDistribution]:
        """See `Index.next_token_distribution_batch`."""
        return self._ask_all(calls.next_token(context, top_k) for context in several(contexts, "contexts"))

    def longest_suffix(self, context: Query, *, min_count: int = 1) -> LongestSuffix:
        """See `Index.longest_suffix`."""
        return self._ask(calls.longest_suffix(context, min_count))

    def longest_suffix_batch(self, contexts: Iterable[Query], *, min_count: int = 1) -> list[LongestSuffix]:
        """See `Index.longest_suffix_batch`."""
        return self._ask_all(calls.longest_suffix(context, min_count) for context in several(contexts, "contexts"))

    def infgram_distribution(
        self, context: Query, *, min_count: int = 1, top_k: int | None = None
    ) -> InfgramDistribution:
        """See `Index.infgram_distribution`."""
        return self._ask(calls.infgram(context, min_count, top_k))

    def infgram_distribution_batch(
        self, contexts: Iterable[Query], *, min_count: int = 1, top_k: int | None = None
    ) -> list[InfgramDistribution]:
        """See `Index.infgram_distribution_batch`."""
        return self._ask_all(calls.infgram(context, min_count, top_k) for context in several(contexts, "contexts"))

    def infgram_log_prob(self, context: Query, token: int, *, min_count: int = 1) -> InfgramLogProb:
        """See `Index.infgram_log_prob`."""
        return self._ask(calls.prob(context, token, min_count))

    def score(self, tokens: Query, *, min_count: int = 1, end: bool = False) -> SequenceScore:
        """See `Index.score`."""
        return self._ask(calls.score(tokens, min_count, end))

    def score_batch(self, sequences: Iterable[Query], *, min_count: int = 1, end: bool = False) -> list[SequenceScore]:
        """See `Index.score_batch`."""
        return self._ask_all(calls.score(tokens, min_count, end) for tokens in several(sequences, "sequences"))

    def longest_matches(self, tokens: Query) -> LongestMatches:
        """See `Index.longest_matches`."""
        return self._ask(calls.longest_matches(tokens))

    # Documents

    def search(
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
        return self._ask(calls.search(query, options))

    def search_batch(self, queries: Iterable[Query | Cnf], **options: Any) -> list[SearchResult]:
        """See `Index.search_batch`."""
        every = {**calls.SEARCH_OPTIONS, **options}
        return self._ask_all(calls.search(query, every) for query in several(queries, "queries"))

    def search_text(self, query: str | Cnf, *, ignore_case: bool = False, **options: Any) -> SearchResult:
        """See `Index.search_text`; the service limits the time."""
        every = {**calls.SEARCH_OPTIONS, "ignore_case": ignore_case, "any_tokenization": True, **options}
        return self._ask(calls.search(query, every))

    def document(self, document_id: int) -> Document:
        """See `Index.document`."""
        return self._ask(calls.document(document_id))

    # Changes

    def add(
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
        return self._ask(calls.add(documents, if_generation))

    def delete(
        self,
        *,
        documents: Iterable[int] | None = None,
        ids: Iterable[int | str] | None = None,
        where: Mapping[str, JsonScalar] | None = None,
        purge: bool = False,
        if_generation: int | None = None,
    ) -> Job:
        """Delete documents as `infgram.delete` does, with an API key that may write; returns and raises as `add`."""
        return self._ask(calls.delete(documents, ids, where, purge, if_generation))

    def compact(self, *, if_generation: int | None = None) -> Job:
        """Compact the index as `infgram.compact` does, with an API key that may write; returns and raises as `add`."""
        return self._ask(calls.compact(if_generation))

    def document_ids(self, begin: int = 0) -> Iterator[int]:
        """See `Index.document_ids`; each ten thousand are a request."""
        following: int | None = at_least(begin, 0, "begin")
        while following is not None:
            page, following = self._ask(calls.document_ids(following))
            yield from page

    def job(self, job_id: str) -> Job:
        """Return a job as it is now.

        Raises:
            QueryError: there is no such job.
        """
        return self._ask(calls.job(job_id))

    def jobs(self) -> list[Job]:
        """Return all jobs of the index, the newest first. A service forgets those that ended long ago."""
        return self._ask(calls.jobs())

    def wait_for_job(self, job: Job, *, timeout_s: float | None = None) -> Job:
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
        waiting = jobs.Waiting(timeout_s)
        while (wait := waiting.next_s(job)) is not None:
            time.sleep(wait)
            job = self.job(job.id)
        return job

    # Index and tokenizer

    def info(self) -> dict[str, Any]:
        """See `Index.info`; the result includes `name` and no paths."""
        return self._ask(calls.info())

    def tokenize(self, text: str) -> Int64Array:
        """Encode a text with the tokenizer of the index."""
        return self._ask(calls.tokenize(text))

    def detokenize(self, token_ids: Query) -> str:
        """Decode token ids to text."""
        return self._ask(calls.detokenize(token_ids))

    def close(self) -> None:
        """Close the connections; later queries raise `IndexClosedError`."""
        http = self._connections.close()
        if http is not None:
            http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return self._options.shown("Client")

    def __getstate__(self) -> wire.Options:
        self._connections.check_open()
        return self._options

    def __setstate__(self, options: wire.Options) -> None:
        self._open(options)

    def _ask(self, call: Call[T]) -> T:
        name = self._options.index or self._name_and_limits()[0]
        answer = self._send(wire.request(name, call))
        result = wire.read(call, answer.status_code, answer.content)
        return with_owner(self, result) if isinstance(result, Table) else result

    def _ask_all(self, asked: Iterable[Call[T]]) -> list[T]:
        limits = self._name_and_limits()[1]
        return [result for call in calls.batch(asked, limits) for result in self._ask(call)]

    def _name_and_limits(self) -> tuple[str, Mapping[str, int]]:
        if self._service is None:
            answer = self._send({"method": "GET", "url": "/v1/indexes"})
            self._service = wire.name_and_limits(self._options.index, answer.status_code, answer.content)
        return self._service

    def _send(self, request: Mapping[str, Any]) -> httpx2.Response:
        http = self._connections.get()
        for attempt in range(self._options.retries + 1):
            try:
                answer = http.request(**request)
            except wire.httpx2().HTTPError as error:
                raise ServiceError(f"{http.base_url}: {error or type(error).__name__}") from error
            wait = wait_s(answer.status_code, answer.headers)
            if wait is None or attempt == self._options.retries:
                break
            time.sleep(wait)
        return answer
