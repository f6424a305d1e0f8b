"""The queries that an index answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import partial
from typing import Any

import numpy as np

from infgram.arguments import (
    array,
    at_least,
    callback,
    checked_seed,
    flag,
    instance,
    several,
    text as text_argument,
    top_k_or_none,
)
from infgram.duplicates import Duplicates
from infgram.engine import Engine
from infgram.errors import QueryError
from infgram.open_index import OpenIndex
from infgram.query_language import Cnf
from infgram.search import Source, StringMatcher, counts_by_field, find_documents
from infgram.session import Session
from infgram.tables import with_owner
from infgram.token_batches import BatchOptions, TokenBatches
from infgram.tokenizations import Spellings, find_readings, find_spellings, tokens_after
from infgram.tokenizers import Tokenizer
from infgram.types import (
    END_OF_DOCUMENT,
    FieldCount,
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
from infgram.watch import Progress, Watch

StrPath = str | os.PathLike[str]


class Index(OpenIndex):
    """An exact ∞-gram index over a corpus. Immutable and thread-safe.

    A query is a text, which the tokenizer of the index encodes unchanged, or token ids: a sequence of integers or a
    one-dimensional integer array. The count of a query that does not occur is 0.

    An index can be used after a fork. It is pickled as its absolute paths and its `load` option. Unpickling opens the
    paths again, and raises `IndexDamagedError` if another index is there.

    Examples:
        >>> import infgram, tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     corpus = pathlib.Path(folder, "corpus.txt")
        ...     _ = corpus.write_text("a rose is a rose is a rose")
        ...     with infgram.build(corpus, tokenizer="bytes") as index:
        ...         index.count("rose")
        3
    """

    # Counts and positions

    def count(self, query: Query, *, ignore_case: bool = False, any_tokenization: bool = False) -> int:
        """Count the occurrences of a query; `n_tokens` for the empty query. O(log n).

        Args:
            query: text or token ids.
            ignore_case: count the text in any case, see `spellings`; implies `any_tokenization`, since a text in
                another case has other tokens.
            any_tokenization: count the string in the decoded documents, regardless of token boundaries. Overlapping
                occurrences are counted.

        Raises:
            QueryError, TokenizerError: see `spellings`.
        """
        if ignore_case is not False or any_tokenization is not False:
            ignore_case, any_tokenization = flag(ignore_case, "ignore_case"), flag(any_tokenization, "any_tokenization")
        if ignore_case or any_tokenization:
            return sum(int(batch.counts.sum()) for batch in self.spellings(query, ignore_case=ignore_case))
        return self._core.count(self._tokens(query))

    def spellings(
        self, text: Query, *, ignore_case: bool = False, max_branches: int = 1_000_000
    ) -> Iterator[Spellings]:
        """Yield the token sequences in which a text occurs in the corpus, with their counts, which add up to its count.

        Cost: some milliseconds; see `infgram.tokenizations.spellings`.

        Args:
            text: a text, not token ids.
            ignore_case: whether to match characters with equal simple case folding, character by character.
                (`STRASSE` does not match `Straße`.)
            max_branches: the maximum number of sequences to follow.

        Raises:
            QueryError: `text` is not a text, empty or very long, or needs more than `max_branches` sequences.
            TokenizerError: the tokenizer does not decode to the concatenated bytes of its tokens.
        """
        if not isinstance(text, str):
            raise QueryError("ignore_case and any_tokenization need a text; token ids have no case")
        most = at_least(max_branches, 0, "max_branches")
        fold = flag(ignore_case, "ignore_case")
        return find_spellings(self._core, self.tokenizer, text, ignore_case=fold, max_branches=most)

    def readings(self, text: str, *, other_case: bool = True, max_branches: int = 20_000) -> Readings:
        """Count the occurrences of a string in the texts of the documents, by tokenization: see `Readings`.

        `string_count` is the count of the string; `as_typed` is the count of the tokens of the text, which `count`
        returns and which matters to a model with these tokens as its context.

        Cost: some milliseconds. Counts are None, and `is_exact` is False, if the text needs more than `max_branches`
        sequences (as one or two very frequent letters may), if it has more than 500 characters, or if the tokenizer
        does not decode to the concatenated bytes of its tokens.

        Args:
            text: a text, not token ids.
            other_case: whether to count the text in other case, too.
            max_branches: the maximum number of token sequences to follow.

        Raises:
            QueryError: `text` is not a text, or is empty.
            TokenizerError: the index has no tokenizer.
        """
        if not isinstance(text, str):
            raise QueryError(f"text is of type {type(text).__name__}; expected a string")
        most, with_case = at_least(max_branches, 0, "max_branches"), flag(other_case, "other_case")
        return find_readings(self._core, self.tokenizer, text, other_case=with_case, max_branches=most)

    def count_batch(self, queries: Iterable[Query]) -> Int64Array:
        """Return the count of each query: int64."""
        return self._core.count_batch([self._tokens(query) for query in several(queries, "queries")])

    def document_count(self, query: Query, *, ignore_case: bool = False, any_tokenization: bool = False) -> int:
        """Count the distinct documents that contain a query; for the empty query, those with a token. O(count).

        Args:
            query: text or token ids.
            ignore_case: as in `count`.
            any_tokenization: as in `count`.
        """
        ignore_case, any_tokenization = flag(ignore_case, "ignore_case"), flag(any_tokenization, "any_tokenization")
        if ignore_case or any_tokenization:
            return self.search(Cnf([[query]]), ignore_case=ignore_case, any_tokenization=True, limit=0).document_count
        return self._core.document_count(self._tokens(query))

    def document_count_batch(self, queries: Iterable[Query]) -> Int64Array:
        """Return the document count of each query: int64."""
        return np.array([self.document_count(query) for query in several(queries, "queries")], dtype=np.int64)

    def count_by(self, query: Query, field: str, *, timeout_s: float | None = None) -> list[FieldCount]:
        """Count a query by the value of a metadata field, in descending order of counts.

        Cost: O(count); the metadata of all documents with the query are read.

        Args:
            query: text or token ids, not empty.
            field: the name of the field, as in `where` of `search`: dots reach into nested objects; `source`, `line`
                and the fields of folders are available, too. 1 and 1.0 are the same value.
            timeout_s: the time limit in seconds.

        Raises:
            QueryError: the query or the field is empty.
            TimeLimitError: the time limit is exceeded.
        """
        watch, name = Watch(timeout_s), text_argument(field, "field")
        if not name:
            raise QueryError("field is empty; expected the name of a metadata field")
        ids = self._tokens(query)
        if isinstance(ids, Sized) and len(ids) == 0:
            raise QueryError("the query is empty; expected at least one token")
        return counts_by_field(self._core, ids, name, watch)

    def find(self, query: Query) -> list[SuffixRange]:
        """Return the suffix range `[lo, hi)` of a query in each shard."""
        return [SuffixRange(lo, hi) for lo, hi in self._core.find(self._tokens(query))]

    def locate(self, query: Query, *, limit: int | None = None) -> list[Location]:
        """Return the occurrences of a query in suffix order over all shards; equal suffixes by position.

        Args:
            query: text or token ids; the empty query occurs at every token.
            limit: the maximum number of occurrences; None for all.
        """
        n = 2**63 - 1 if limit is None else at_least(limit, 0, "limit")
        return [Location(*pair) for pair in self._core.locate(self._tokens(query), n)]

    def locate_rank(self, shard: int, rank: int) -> Location:
        """Return the location of the suffix with a rank, as in the ranges of `find`. O(log n_documents).

        Raises:
            QueryError: the shard has no such rank.
        """
        return Location(*self._core.locate_rank(at_least(shard, 0, "shard"), at_least(rank, 0, "rank")))

    # Next tokens

    def next_token_distribution(
        self,
        context: Query,
        *,
        top_k: int | None = None,
        ignore_case: bool = False,
        any_tokenization: bool = False,
    ) -> NextTokenDistribution:
        """Return the exact distribution of the token after the whole context; empty if the context does not occur.

        Args:
            context: text or token ids.
            ignore_case: as in `count`; implies `any_tokenization`.
            any_tokenization: include occurrences of the text in any tokens, if a token ends where the text ends. Other
                occurrences have no next token and are not in `context_count`, so that
                `count(context, any_tokenization=True)` may be larger.
            top_k: return the tokens with the largest counts, ties by ascending id; None for all tokens, ascending.

        Returns:
            The distribution, including `END_OF_DOCUMENT` (−1). Cost: O(d log(c / d)) for d distinct tokens and count c.
        """
        k = top_k_or_none(top_k)
        if flag(ignore_case, "ignore_case") or flag(any_tokenization, "any_tokenization"):
            spellings = self.spellings(context, ignore_case=ignore_case)
            return with_owner(self, NextTokenDistribution(*tokens_after(self._core, spellings, k)))
        return with_owner(self, NextTokenDistribution(*self._core.next_tokens(self._tokens(context), k)))

    def next_token_distribution_batch(
        self, contexts: Iterable[Query], *, top_k: int | None = None
    ) -> list[NextTokenDistribution]:
        """Return `next_token_distribution` of each context."""
        return [self.next_token_distribution(context, top_k=top_k) for context in several(contexts, "contexts")]

    def longest_suffix(self, context: Query, *, min_count: int = 1) -> LongestSuffix:
        """Return the longest suffix of the context that occurs at least `min_count` times, possibly empty."""
        length, count = self._core.longest_suffix(self._tokens(context), at_least(min_count, 1, "min_count"))
        return LongestSuffix(length, count)

    def longest_suffix_batch(self, contexts: Iterable[Query], *, min_count: int = 1) -> list[LongestSuffix]:
        """Return `longest_suffix` of each context."""
        return [self.longest_suffix(context, min_count=min_count) for context in several(contexts, "contexts")]

    def infgram_distribution(
        self, context: Query, *, min_count: int = 1, top_k: int | None = None
    ) -> InfgramDistribution:
        """Return the distribution of the token after the longest suffix that occurs at least `min_count` times."""
        length, rows = self._core.infgram(
            self._tokens(context), at_least(min_count, 1, "min_count"), top_k_or_none(top_k)
        )
        return with_owner(self, InfgramDistribution(*rows, suffix_length=length))

    def infgram_distribution_batch(
        self, contexts: Iterable[Query], *, min_count: int = 1, top_k: int | None = None
    ) -> list[InfgramDistribution]:
        """Return `infgram_distribution` of each context."""
        return [
            self.infgram_distribution(context, min_count=min_count, top_k=top_k)
            for context in several(contexts, "contexts")
        ]

    def infgram_log_prob(self, context: Query, token: int, *, min_count: int = 1) -> InfgramLogProb:
        """Return the ∞-gram log-probability of a next token (or `END_OF_DOCUMENT`) in nats; −inf for a count of 0."""
        length, context_count, continuation_count, is_sparse = self._core.infgram_counts(
            self._tokens(context), at_least(token, END_OF_DOCUMENT, "token"), at_least(min_count, 1, "min_count")
        )
        return InfgramLogProb(
            suffix_length=length,
            context_count=context_count,
            continuation_count=continuation_count,
            is_sparse=is_sparse,
        )

    def score(self, tokens: Query, *, min_count: int = 1, end: bool = False) -> SequenceScore:
        """Return the ∞-gram at every position of a sequence, in one pass.

        Args:
            tokens: text or token ids; each token is predicted from the tokens before it.
            min_count: the minimum count of a suffix.
            end: whether to predict the end of the document after the last token, too.
        """
        ids = self._tokens(tokens)
        to_end = flag(end, "end")
        return self._scored(ids, to_end, *self._core.score(ids, to_end, at_least(min_count, 1, "min_count")))

    def score_batch(self, sequences: Iterable[Query], *, min_count: int = 1, end: bool = False) -> list[SequenceScore]:
        """Return `score` of each sequence."""
        return [self.score(tokens, min_count=min_count, end=end) for tokens in several(sequences, "sequences")]

    def longest_matches(self, tokens: Query) -> LongestMatches:
        """Return the longest match that starts at each position of a sequence, with its count."""
        return LongestMatches(*self._core.longest_matches(self._tokens(tokens)))

    def session(self, context: Query = (), *, min_count: int = 1) -> Session:
        """Start a session: the ∞-gram of a context to which tokens are appended.

        Args:
            context: the initial context, as text or token ids.
            min_count: the minimum count of a suffix.
        """
        least = at_least(min_count, 1, "min_count")
        return Session(self._core.session(self._tokens(context), least), self, least)

    # Training

    def token_batches(
        self,
        batch_size: int,
        sequence_length: int,
        *,
        seed: int = 0,
        epoch: int = 0,
        rank: int = 0,
        world_size: int = 1,
        end_of_text: int | None = None,
        drop_last: bool = False,
    ) -> TokenBatches:
        """Return the batches of token ids of one epoch of training, for one of several processes.

        All documents, each followed by the end-of-text id, are one stream. It is cut into sequences of equal length;
        the last one is filled up with the end-of-text id. Seed and epoch determine the order of the sequences. In an
        epoch each token is in exactly one batch of one process, unless `drop_last` is set.

        Cost: a batch costs the time of copying it.

        Args:
            batch_size: the number of sequences in a batch of this process, at least 1.
            sequence_length: the number of ids in a sequence, at least 1. To predict n tokens from n tokens, pass n + 1.
            seed: determines the order of the sequences, with the epoch.
            epoch: the number of the epoch, from 0.
            rank: the number of this process, from 0 to `world_size - 1`.
            world_size: the number of processes.
            end_of_text: the id after each document, which no document contains: of the vocabulary, or `vocab_size`,
                the first id that no token has. None for the end-of-text token of the tokenizer.
            drop_last: whether to omit the last step if it has fewer sequences. Otherwise these are divided evenly, so
                that a process may get fewer rows than another one, or none.

        Raises:
            QueryError: an argument is out of range, there is no end-of-text token, documents contain it, or the files
                of the index are not on this machine.

        Examples:
            >>> import infgram, tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     with infgram.build_from_tokens([[1, 2], [3]], f"{folder}/x", vocab_size=5) as index:
            ...         sorted(index.token_batches(2, 3, end_of_text=0)[0].tolist())
            [[1, 2, 0], [3, 0, 0]]
        """
        options = BatchOptions(
            batch_size=at_least(batch_size, 1, "batch_size"),
            sequence_length=at_least(sequence_length, 1, "sequence_length"),
            seed=at_least(seed, 0, "seed"),
            epoch=at_least(epoch, 0, "epoch"),
            rank=at_least(rank, 0, "rank"),
            world_size=at_least(world_size, 1, "world_size"),
            end_of_text=end_of_text_of(self, end_of_text),
            drop_last=flag(drop_last, "drop_last"),
        )
        end = options.end_of_text
        if end < self.vocab_size and (n_inside := self.count([end])):
            raise QueryError(
                f"documents contain the token id {end} ({n_inside} times), so it cannot mark their ends; choose "
                f"another end_of_text, for example {self.vocab_size}, which no token has"
            )
        return TokenBatches(self._core.token_stream(), self.__reduce__(), options)

    # Search

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
        text_characters: int | None = None,
        max_branches: int = 1_000_000,
        timeout_s: float | None = None,
        progress: Progress | None = None,
    ) -> SearchResult:
        """Find documents that match a query, with text, metadata and matches.

        A text with the words AND or OR in capitals is an AND of ORs, as in `rock AND (roll OR "rhythm and blues")`
        (see `infgram.query_language`). Any other text is searched literally.

        Args:
            query: text, token ids or a `Cnf`; no term may be empty.
            ignore_case: find each term in any case, see `spellings`; implies `any_tokenization`.
            any_tokenization: find each term in the texts of the documents, whatever the token boundaries: inside
                words, with or without a space before it. The counts are those of a plain text scan. Distances are
                still counted in tokens.
            limit: the maximum number of documents; 0 to count only.
            seed: None lists documents by number; a seed from 0 to 2^64 − 1 lists them in a random order, so that the
                first ones are a uniform sample. The order does not depend on the division into shards.
            snippet_tokens: the number of tokens around a match, half of them before it.
            scope: whether all clauses must occur within a `"window"` or anywhere in a `"document"`.
            max_distance: the maximum distance, in tokens, of the first tokens of the first and the last term in a
                window.
            max_matches: if every clause occurs more often, draw `max_matches` occurrences of the first clause at
                random (with `seed`, or 0) and estimate the counts; None for exact counts. Not with
                `any_tokenization`.
            where: metadata fields and the required value of each. Dots in a name reach into nested objects; `source`
                and `line` are the file and line of a document unless its metadata have such fields. A document
                without the field does not match.
            cursor: the cursor of the previous page of the same search.
            matches_per_document: the maximum number of occurrences to show for each document.
            text_characters: the maximum number of characters of the `text` of a hit; the rest of a document is not
                read. None for the whole text.
            max_branches: with `any_tokenization`, the maximum number of token sequences to follow for each term.
            timeout_s: the time limit in seconds.
            progress: called from time to time with the occurrences and tokens read (stage `"search"`), then with the
                documents filtered and shown.

        Returns:
            Counts and hits. Cost: O(occurrences of the rarest clause), plus for each other clause its occurrences or
            the text around those of the rarest, whichever is less; with `where` also the metadata of all documents
            that match.

        Raises:
            QueryError: the query is empty or malformed, or the cursor belongs to another search; with
                `any_tokenization` also as in `spellings`.
            TokenizerError: with `any_tokenization`, as in `spellings`.
            TimeLimitError: the time limit is exceeded.
        """
        matcher = None
        ignore_case, any_tokenization = flag(ignore_case, "ignore_case"), flag(any_tokenization, "any_tokenization")
        most = at_least(max_branches, 0, "max_branches")
        if ignore_case or any_tokenization:
            spellings = partial(self.spellings, ignore_case=ignore_case, max_branches=most)
            matcher = StringMatcher(spellings, ignore_case)
        return find_documents(
            self._source(),
            query,
            limit=limit,
            seed=seed,
            snippet_tokens=snippet_tokens,
            scope=scope,
            max_distance=max_distance,
            max_matches=max_matches,
            where=where,
            cursor=cursor,
            matches_per_document=matches_per_document,
            text_characters=text_characters,
            timeout_s=timeout_s,
            progress=progress,
            matcher=matcher,
        )

    def search_batch(self, queries: Iterable[Query | Cnf], **options: Any) -> list[SearchResult]:
        """Return `search` of each query, with the same options."""
        return [self.search(query, **options) for query in several(queries, "queries")]

    def search_text(self, query: str | Cnf, *, ignore_case: bool = False, **options: Any) -> SearchResult:
        """Find documents whose text contains a string, in any tokenization: `search` with `any_tokenization=True`.

        Args:
            query: a text, or a query with AND and OR as in `search`; use quotation marks or a `Cnf` for literal text.
            ignore_case: find the text in any case.
            options: the options of `search`.

        Raises:
            QueryError, TokenizerError, TimeLimitError: as `search`.
        """
        return self.search(query, ignore_case=ignore_case, any_tokenization=True, **options)

    def sample_documents(
        self, query: Query, *, limit: int = 10, seed: int = 0, most_read: int = 1000
    ) -> list[Location]:
        """Draw documents that contain a query, as `search` with a seed does, each with the location of a match.

        If there are more than `most_read` occurrences, the documents are drawn from a uniform sample of `most_read`
        occurrences. Documents with more occurrences are then more likely to be drawn, and the sample depends on the
        division into shards. Cost: one search, and one or two random reads per occurrence.

        Args:
            query: text or token ids, not empty.
            limit: the maximum number of documents.
            seed: the seed, from 0 to 2^64 − 1.
            most_read: the maximum number of occurrences to read.

        Raises:
            QueryError: the query is empty.
        """
        ids = self._tokens(query)
        if isinstance(ids, Sized) and len(ids) == 0:
            raise QueryError("the query is empty; expected at least one token")
        pairs = self._core.sample_documents(
            ids, at_least(limit, 0, "limit"), checked_seed(seed), at_least(most_read, 1, "most_read")
        )
        return [Location(*pair) for pair in pairs]

    def count_spans(self, tokens: Query, begins: Int64Array, ends: Int64Array) -> Int64Array:
        """Count the occurrences of each `tokens[begin:end]`, int64; spans may overlap and are not copied.

        Raises:
            QueryError: a span is empty or extends beyond the tokens.
        """
        starts, stops = (
            array(bounds, name, kinds="iu", ndim=1, expected="a one-dimensional array of integers").astype(np.int64)
            for name, bounds in (("begins", begins), ("ends", ends))
        )
        return self._core.count_spans(self._tokens(tokens), starts, stops)

    def duplicates(self, *, min_tokens: int, threads: int, progress: Callable[[int], None]) -> Duplicates:
        """Find duplicate passages for `infgram.dedup`."""
        callback(progress, "progress")
        core = self._core.duplicates(at_least(min_tokens, 1, "min_tokens"), at_least(threads, 1, "threads"), progress)
        return Duplicates(core, self._core.document_ids, self.n_documents, self.n_tokens)

    def _scored(self, token_ids: Any, end: bool, *arrays: Int64Array) -> SequenceScore:
        """Combine suffix lengths, context counts and continuation counts with the predicted tokens."""
        predicted = np.append(np.asarray(token_ids, dtype=np.int64), np.full(int(bool(end)), -1, dtype=np.int64))
        return with_owner(self, SequenceScore(predicted, *arrays))

    def _source(self) -> Source:
        fingerprint = "".join(manifest.fingerprint for manifest in self._manifests)
        return Source(self._core, self._tokens, self._tokenizer_or_none(), fingerprint)

    def _tokens(self, query: Query) -> Any:
        """Return the token ids of a query, which the core checks."""
        if not isinstance(query, str):
            return query
        tokenizer = self._tokenizer_or_none()
        if tokenizer is None:
            raise QueryError(f"{self._paths[0]} holds no tokenizer to encode text; query with token ids")
        return tokenizer.encode(query)


def checked_index(index: Index) -> Index:
    """Return the index.

    Raises:
        TypeError: the argument is not an index.
    """
    return instance(index, "index", Index, "an open index from infgram.open")


def engine_of(index: Index) -> Engine:
    """Return the engine that answers the queries of an open index, for modules that read the engine directly.

    Raises:
        TypeError: `index` is not an `Index`.
        IndexClosedError: the index was closed.
    """
    return checked_index(index)._core


def query_tokens(index: Index, query: Query) -> Any:
    """Return the tokens of a query to an open index: text is encoded, token ids are left for the engine to check.

    Raises:
        TypeError: `index` is not an `Index`.
        IndexClosedError: the index was closed.
        QueryError: the query is text, and the index has no tokenizer.
    """
    engine_of(index)
    return index._tokens(query)


def tokenizer_or_none(index: Index) -> Tokenizer | None:
    """Return the tokenizer of an index; None for an index of token ids without one."""
    return checked_index(index)._tokenizer_or_none()


def end_of_text_of(index: Index, end_of_text: int | None) -> int:
    """Return the id that ends a document in a stream of token ids: the argument, or the tokenizer's end-of-text token.

    Raises:
        QueryError: there is neither, or the argument is neither in the vocabulary nor the first id after it.
    """
    n = index.vocab_size
    if end_of_text is not None:
        if at_least(end_of_text, 0, "end_of_text") > n:
            raise QueryError(
                f"end_of_text is {end_of_text}; expected 0 to {n}: an id of the vocabulary, or {n}, which no token has"
            )
        return end_of_text
    tokenizer = tokenizer_or_none(index)
    if tokenizer is None or tokenizer.end_of_text_id is None:
        reason = "the index has no tokenizer" if tokenizer is None else "the tokenizer has no end-of-text token"
        raise QueryError(
            f"{reason}; pass the id after each document as end_of_text (--end-of-text), for example "
            f"{n}, which no token has (a model then needs an embedding of {n + 1} rows)"
        )
    return tokenizer.end_of_text_id
