"""An index, and every question that it answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from functools import partial
from pathlib import Path
from types import TracebackType
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
    top_k_or_none,
)
from infgram.arguments import text as text_argument
from infgram.duplicates import Duplicates
from infgram.engine import Engine
from infgram.errors import IndexClosedError, IndexDamagedError, QueryError, TokenizerError
from infgram.files.manifest import Manifest, SkippedEntry
from infgram.provenance import Provenance
from infgram.query_language import Cnf
from infgram.reprs import MOST_CHARACTERS, cut
from infgram.search import Source, Spell, counts_by_field, find_documents
from infgram.session import Session
from infgram.shards import check_one_tokenizer, open_shards
from infgram.tables import asked_of
from infgram.tokenizations import Spellings, find_readings, find_spellings, tokens_after
from infgram.tokenizers import SavedTokenizer, Tokenizer
from infgram.types import (
    END_OF_DOCUMENT,
    Document,
    FieldCount,
    InfgramDistribution,
    InfgramLogProb,
    Int64Array,
    JsonScalar,
    Load,
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


class Index:
    """An exact ∞-gram index over a corpus. Immutable and safe for any number of threads.

    A query is text, which the index's own tokenizer encodes exactly as it stands, or token ids: a sequence of
    integers or a one-dimensional integer array. An absent query is no error: its count is 0.

    An index may be used after a fork. It is pickled as its absolute paths and how they were loaded, not its content;
    unpickling opens them again, and raises `IndexDamagedError` if another index is there by then.

    Examples:
        >>> import infgram, tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     corpus = pathlib.Path(folder, "corpus.txt")
        ...     _ = corpus.write_text("a rose is a rose is a rose")
        ...     with infgram.build(corpus, tokenizer="bytes") as index:
        ...         index.count("rose")
        3
    """

    def __init__(
        self, paths: Sequence[Path], *, load: Load = "map", origin: Callable[[], Sequence[Path]] | None = None
    ) -> None:
        """Use `infgram.open`.

        Args:
            paths: the folders.
            load: as for `infgram.open`.
            origin: finds the folders when a pickled index is opened; None for these.
        """
        paths = [path.absolute() for path in paths]
        self._origin, self._load = origin or partial(_as_they_are, paths), load
        manifests = [Manifest.read(path) for path in paths]
        pairs = list(zip(paths, manifests, strict=True))
        shards = [(path / shard.folder, shard) for path, manifest in pairs for shard in manifest.shards]
        self._set_up(paths, manifests, lambda: open_shards(shards, load))

    def _set_up(self, paths: Sequence[Path], manifests: Sequence[Manifest], open_engine: Callable[[], Engine]) -> None:
        """Set every attribute that the methods use, for `Index` and its subclasses.

        Args:
            paths: folders with tokenizers; from now on they serve for messages only.
            manifests: of each folder.
            open_engine: called once the tokenizers are known to be equal.
        """
        self._paths, self._manifests = tuple(paths), list(manifests)
        self._saved_tokenizers = [
            None if manifest.tokenizer is None else SavedTokenizer(manifest.tokenizer.kind, path / "tokenizer")
            for path, manifest in zip(paths, manifests, strict=True)
        ]
        check_one_tokenizer(paths, manifests, self._saved_tokenizers)
        self._tokenizer: Tokenizer | None = None
        self._open_core: Engine | None = open_engine()

    # What it is

    @property
    def paths(self) -> tuple[Path, ...]:
        """The folders that were opened."""
        return self._paths

    @property
    def is_local(self) -> bool:
        """Whether its files are on this machine, so that a question takes microseconds."""
        return True

    @property
    def n_tokens(self) -> int:
        """Tokens of the corpus; separators are not tokens."""
        return self._core.n_tokens

    @property
    def n_documents(self) -> int:
        """Documents of the corpus."""
        return self._core.n_documents

    @property
    def n_shards(self) -> int:
        """Shards, over all folders."""
        return self._core.n_shards

    @property
    def vocab_size(self) -> int:
        """Token ids go from 0 to `vocab_size - 1`."""
        return self._core.vocab_size

    @property
    def token_width_bits(self) -> int:
        """The width of a stored token: 8, 16 or 32."""
        return self._core.token_bits

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer the index was built with, loaded on first use.

        Raises:
            TokenizerError: the index was built from token ids and holds none.
        """
        if self._tokenizer is None:
            largest = max(range(len(self._manifests)), key=lambda place: self._manifests[place].vocab_size)
            tokenizer = self._checked_tokenizer(largest)
            if tokenizer is None:
                path = self._paths[0]
                raise TokenizerError(f"{path} was built from token ids and holds no tokenizer; ask with token ids")
            self._tokenizer = tokenizer
        return self._tokenizer

    @property
    def skipped(self) -> tuple[SkippedEntry, ...]:
        """What the build left out because it could not be read: source, line and reason of each piece."""
        return tuple(entry for manifest in self._manifests for entry in manifest.skipped)

    def info(self) -> dict[str, Any]:
        """Numbers about the index, ready for JSON; sizes in bytes, by section.

        `bytes_per_token` counts every section but the documents' metadata and sources; None without a token.
        `directory_bytes` is what every search reads and opening an index brings into memory.
        """
        shards = [shard for manifest in self._manifests for shard in manifest.shards]
        section_bytes: dict[str, int] = {}
        for shard in shards:
            for name, section in shard.sections.items():
                section_bytes[name] = section_bytes.get(name, 0) + section.size_bytes
        searchable = sum(size for name, size in section_bytes.items() if not name.startswith(("metadata", "source")))
        first, saved = self._manifests[0], self._saved_tokenizers[0]
        n_tokens = self.n_tokens
        return {
            "paths": [str(path) for path in self._paths],
            "n_tokens": n_tokens,
            "n_documents": self.n_documents,
            "n_shards": self.n_shards,
            "vocab_size": self.vocab_size,
            "token_width_bits": self.token_width_bits,
            "bytes_per_token": searchable / n_tokens if n_tokens else None,
            "size_bytes": sum(section_bytes.values()),
            "directory_bytes": sum(shard.directory_bytes for shard in shards),
            "sections": {
                name: {"size_bytes": size, "bytes_per_token": size / n_tokens if n_tokens else None}
                for name, size in sorted(section_bytes.items())
            },
            "tokenizer": None if saved is None else {"kind": saved.kind, "fingerprint": saved.fingerprint},
            "format_version": first.format_version,
            "suffix_order": first.suffix_order,
            "builder_version": first.builder_version,
            "n_skipped": len(self.skipped),
        }

    # Counting and finding

    def count(self, query: Query, *, ignore_case: bool = False, any_tokenization: bool = False) -> int:
        """How often the query occurs; `n_tokens` for the empty one. O(log n).

        Args:
            query: text or token ids.
            ignore_case: count the text in any case, see `spellings`; this implies `any_tokenization`, since a text
                in another case has other tokens.
            any_tokenization: count the text wherever it stands in a document's text, however it falls on the borders
                of tokens: inside a word, with or without a space before it. Overlapping occurrences all count.

        Raises:
            QueryError, TokenizerError: see `spellings`.
        """
        if ignore_case is not False or any_tokenization is not False:
            ignore_case, any_tokenization = flag(ignore_case, "ignore_case"), flag(any_tokenization, "any_tokenization")
        if ignore_case or any_tokenization:
            return sum(int(found.counts.sum()) for found in self.spellings(query, ignore_case=ignore_case))
        return self._core.count(self._tokens(query))

    def spellings(
        self, text: Query, *, ignore_case: bool = False, max_branches: int = 1_000_000
    ) -> Iterator[Spellings]:
        """The sequences of tokens in which a text stands in the corpus, with their counts, which add up to its count.

        Cost: some milliseconds; see `infgram.tokenizations.search`.

        Args:
            text: as it stands in the documents' text; no token ids.
            ignore_case: whether characters are the same that differ in case only: whose simple case folding, character
                for character, is the same. (`STRASSE` is not `Straße`.)
            max_branches: sequences to follow at most.

        Raises:
            QueryError: no text, an empty or a very long one, or more than `max_branches` sequences to follow.
            TokenizerError: the tokenizer does not put text together from the bytes of its tokens.
        """
        if not isinstance(text, str):
            raise QueryError("ignore_case and any_tokenization are for a text; token ids have no case or letters")
        most = at_least(max_branches, 0, "max_branches")
        fold = flag(ignore_case, "ignore_case")
        return find_spellings(self._core, self.tokenizer, text, ignore_case=fold, max_branches=most)

    def readings(self, text: str, *, other_case: bool = True, max_branches: int = 20_000) -> Readings:
        """How often a string occurs in the text of the documents, and in which tokens: see `Readings`.

        A person who looks for a string asks for `string_count`; a model that has the tokens of the text as its context
        asks for `as_typed`, which is what `count` gives.

        Cost: some milliseconds. A text of one or two very frequent letters may take more than `max_branches`
        sequences; then what is not known is None, and `is_exact` is False. Likewise of a text of more than 500
        characters, and where the tokenizer does not put text together from the bytes of its tokens.

        Args:
            text: as it is written in the documents; no token ids.
            other_case: whether to count it in other case, too.
            max_branches: how many token sequences may be followed.

        Raises:
            QueryError: this is no text, or it is empty.
            TokenizerError: the index holds no tokenizer.
        """
        if not isinstance(text, str):
            raise QueryError(f"readings are of a text; found {type(text).__name__}, and token ids are cut already")
        most, with_case = at_least(max_branches, 0, "max_branches"), flag(other_case, "other_case")
        return find_readings(self._core, self.tokenizer, text, other_case=with_case, max_branches=most)

    def count_batch(self, queries: Iterable[Query]) -> Int64Array:
        """The count of each query: int64."""
        return self._core.count_batch([self._tokens(query) for query in several(queries, "queries")])

    def document_count(self, query: Query, *, ignore_case: bool = False, any_tokenization: bool = False) -> int:
        """How many distinct documents hold the query; for the empty one, those with a token. O(count).

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
        """The document count of each query: int64."""
        return np.array([self.document_count(query) for query in several(queries, "queries")], dtype=np.int64)

    def count_by(self, query: Query, field: str, *, timeout_s: float | None = None) -> list[FieldCount]:
        """The count of the query by the value of a metadata field, the largest count first.

        Cost: O(count), and the metadata of all documents that hold the query are read.

        Args:
            query: text or token ids, not empty.
            field: the name of the field, as in `where` of `search`: dots reach into nested objects, and `source`,
                `line` and the fields of folders have names, too. 1 and 1.0 are one value.
            timeout_s: seconds that it may take.

        Raises:
            QueryError: the query or the field is empty.
            TimeLimitError: it took longer than `timeout_s`.
        """
        watch, name = Watch(timeout_s), text_argument(field, "field")
        if not name:
            raise QueryError("field is empty; expected the name of a metadata field")
        ids = self._tokens(query)
        if isinstance(ids, Sized) and len(ids) == 0:
            raise QueryError("the query is empty, which occurs everywhere; expected at least one token")
        return counts_by_field(self._core, ids, name, watch)

    def find(self, query: Query) -> list[SuffixRange]:
        """The suffix range `[lo, hi)` of the query in each shard."""
        return [SuffixRange(lo, hi) for lo, hi in self._core.find(self._tokens(query))]

    def locate(self, query: Query, *, limit: int | None = None) -> list[Location]:
        """Where the query occurs, in the order of the suffixes over all shards; equal suffixes by position.

        Args:
            query: text or token ids; the empty one stands at every token.
            limit: how many at most; None for all.
        """
        n = 2**63 - 1 if limit is None else at_least(limit, 0, "limit")
        return [Location(*pair) for pair in self._core.locate(self._tokens(query), n)]

    def locate_rank(self, shard: int, rank: int) -> Location:
        """Where one suffix begins: a rank of the ranges that `find` gives, one shard's at a time. O(log n_documents).

        Raises:
            QueryError: the shard has no such rank.
        """
        return Location(*self._core.locate_rank(at_least(shard, 0, "shard"), at_least(rank, 0, "rank")))

    # What comes next

    def next_token_distribution(
        self,
        context: Query,
        *,
        top_k: int | None = None,
        ignore_case: bool = False,
        any_tokenization: bool = False,
    ) -> NextTokenDistribution:
        """What follows the whole context, counted exactly; empty if the context never occurs.

        Args:
            context: text or token ids.
            ignore_case: as in `count`; implies `any_tokenization`.
            any_tokenization: what follows the string in whatever tokens it occurs, where a token ends with it. Where
                its last token goes on behind it there is no next token: such occurrences are not in `context_count`,
                which `count(context, any_tokenization=True)` may exceed.
            top_k: keep the rows of largest count, ties to the smaller id; None keeps all, ascending by id.

        Returns:
            The rows, `END_OF_DOCUMENT` (−1) among them. Cost: O(d log(c / d)) for d rows and count c.
        """
        k = top_k_or_none(top_k)
        if flag(ignore_case, "ignore_case") or flag(any_tokenization, "any_tokenization"):
            spellings = self.spellings(context, ignore_case=ignore_case)
            return asked_of(self, NextTokenDistribution(*tokens_after(self._core, spellings, k)))
        return asked_of(self, NextTokenDistribution(*self._core.next_tokens(self._tokens(context), k)))

    def next_token_distribution_batch(
        self, contexts: Iterable[Query], *, top_k: int | None = None
    ) -> list[NextTokenDistribution]:
        """`next_token_distribution` of each context."""
        return [self.next_token_distribution(context, top_k=top_k) for context in several(contexts, "contexts")]

    def longest_suffix(self, context: Query, *, min_count: int = 1) -> LongestSuffix:
        """The longest suffix of the context that occurs at least `min_count` times; the empty one always does."""
        length, count = self._core.longest_suffix(self._tokens(context), at_least(min_count, 1, "min_count"))
        return LongestSuffix(length, count)

    def longest_suffix_batch(self, contexts: Iterable[Query], *, min_count: int = 1) -> list[LongestSuffix]:
        """`longest_suffix` of each context."""
        return [self.longest_suffix(context, min_count=min_count) for context in several(contexts, "contexts")]

    def infgram_distribution(
        self, context: Query, *, min_count: int = 1, top_k: int | None = None
    ) -> InfgramDistribution:
        """The ∞-gram: what follows the longest suffix of the context that occurs at least `min_count` times."""
        length, rows = self._core.infgram(
            self._tokens(context), at_least(min_count, 1, "min_count"), top_k_or_none(top_k)
        )
        return asked_of(self, InfgramDistribution(*rows, suffix_length=length))

    def infgram_distribution_batch(
        self, contexts: Iterable[Query], *, min_count: int = 1, top_k: int | None = None
    ) -> list[InfgramDistribution]:
        """`infgram_distribution` of each context."""
        return [
            self.infgram_distribution(context, min_count=min_count, top_k=top_k)
            for context in several(contexts, "contexts")
        ]

    def infgram_log_prob(self, context: Query, token: int, *, min_count: int = 1) -> InfgramLogProb:
        """The ∞-gram log-probability of one next token (or `END_OF_DOCUMENT`) in nats; −inf if it never follows."""
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
        """The ∞-gram at every position of a sequence, in one pass.

        Args:
            tokens: text or token ids; each is predicted from those before it, the first from nothing.
            min_count: how often a suffix must occur to be used.
            end: predict the end of the document after the last token, too.
        """
        ids = self._tokens(tokens)
        to_end = flag(end, "end")
        return self._scored(ids, to_end, *self._core.score(ids, to_end, at_least(min_count, 1, "min_count")))

    def score_batch(self, sequences: Iterable[Query], *, min_count: int = 1, end: bool = False) -> list[SequenceScore]:
        """`score` of each sequence."""
        return [self.score(tokens, min_count=min_count, end=end) for tokens in several(sequences, "sequences")]

    def longest_matches(self, tokens: Query) -> LongestMatches:
        """For every position of a sequence the longest match that starts there, and its count."""
        return LongestMatches(*self._core.longest_matches(self._tokens(tokens)))

    def session(self, context: Query = (), *, min_count: int = 1) -> Session:
        """The ∞-gram of a context that grows: append a token, ask for the distribution, copy.

        Args:
            context: text or token ids to begin with.
            min_count: how often a suffix must occur to be used.
        """
        least = at_least(min_count, 1, "min_count")
        return Session(self._core.session(self._tokens(context), least), self, least)

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
        max_branches: int = 1_000_000,
        timeout_s: float | None = None,
        progress: Progress | None = None,
    ) -> SearchResult:
        """Documents that hold the query, each once, with text, metadata and the places of the matches.

        A text with the words AND or OR in capitals is an AND of ORs, as in `rock AND (roll OR "rhythm and blues")`
        (see `infgram.query_language`); any other text is looked for as it stands.

        Args:
            query: text, token ids or a `Cnf`; no term may be empty.
            ignore_case: find each term in any case, see `spellings`; this implies `any_tokenization`.
            any_tokenization: find the characters of each term wherever they are: inside words, with or without a space
                before them. An occurrence is then the place of a character: the counts are those of a plain scan of
                the documents' texts. Distances are counted in tokens all the same.
            limit: how many documents at most; 0 only counts.
            seed: None lists them by their numbers; a number from 0 to 2^64 − 1 in a random order, the same for the
                same seed however the corpus is cut into shards, so that the first ones are a uniform sample.
            snippet_tokens: tokens around a match, half before it and half after.
            scope: the clauses must meet in a `"window"` or anywhere in one `"document"`.
            max_distance: of a window: how many tokens the first tokens of the clauses' terms may lie apart, the first
                from the last.
            max_matches: if every clause occurs more often, so many occurrences of the first clause are drawn at random
                (by `seed`, or 0) and the counts are estimated; None for exact counts, whatever they take. Not with
                `any_tokenization`.
            where: metadata fields and the value that each must have; dots in a name reach into nested objects, and
                `source` and `line` name a document's file and line if its metadata have no such fields. A
                document without the field does not match.
            cursor: that of the page before, of the same question.
            matches_per_document: how many occurrences of the query to show of each document.
            max_branches: with `any_tokenization`, token sequences to follow at most for each term, as in `spellings`.
            timeout_s: seconds that it may take.
            progress: called now and then: how many occurrences and tokens were read (stage `"search"`), then how many
                documents were filtered and shown.

        Returns:
            Counts and hits. Cost: O(occurrences of the rarest clause), and for each other clause its occurrences or
            the text around the rarest's, whichever is less; with `where` also the metadata of all documents found.

        Raises:
            QueryError: the query is empty or malformed, or the cursor of another question; with `any_tokenization`
                also as in `spellings`.
            TokenizerError: with `any_tokenization`, as in `spellings`.
            TimeLimitError: it took longer than `timeout_s`.
        """
        spell = None
        ignore_case, any_tokenization = flag(ignore_case, "ignore_case"), flag(any_tokenization, "any_tokenization")
        most = at_least(max_branches, 0, "max_branches")
        if ignore_case or any_tokenization:
            spellings = partial(self.spellings, ignore_case=ignore_case, max_branches=most)
            spell = Spell(spellings, ignore_case)
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
            timeout_s=timeout_s,
            progress=progress,
            spell=spell,
        )

    def search_batch(self, queries: Iterable[Query | Cnf], **options: Any) -> list[SearchResult]:
        """`search` of each query, with the same options."""
        return [self.search(query, **options) for query in several(queries, "queries")]

    def search_text(self, query: str | Cnf, *, ignore_case: bool = False, **options: Any) -> SearchResult:
        """`search` with `any_tokenization`: documents in whose text a string occurs, inside words and across tokens.

        Args:
            query: text; AND and OR in capitals make it a query, as in `search`. A `Cnf`, or quotation marks, hold text
                that is taken as it is.
            ignore_case: find it in any case.
            options: those of `search`.

        Raises:
            QueryError, TokenizerError, TimeLimitError: as `search`.
        """
        return self.search(query, ignore_case=ignore_case, any_tokenization=True, **options)

    def document(self, document_id: int) -> Document:
        """One document: text, tokens, metadata, and where it comes from.

        Raises:
            QueryError: there is no such document.
        """
        number = at_least(document_id, 0, "document_id")
        if number >= self.n_documents:
            raise QueryError(f"there is no document {document_id}; the index holds 0 to {self.n_documents - 1}")
        token_ids = self._core.document_tokens(number)
        (stored,) = self._core.document_metadata([number])
        tokenizer = self._tokenizer_or_none()
        text = "" if tokenizer is None else tokenizer.decode(token_ids)
        return Document(number, text, token_ids, *Provenance.of(stored))

    def sample_documents(
        self, query: Query, *, limit: int = 10, seed: int = 0, most_read: int = 1000
    ) -> list[Location]:
        """Documents that hold the query, drawn as `search` with a seed draws them, each with a place of a match.

        Of more occurrences than `most_read`, a uniform sample of so many stands for all: a document is then the
        likelier to be drawn the more of them it holds, and the sample is that of this cut into shards.
        Cost: one search, and one random read or two for each occurrence that is read.

        Args:
            query: text or token ids, not empty.
            limit: how many documents at most.
            seed: from 0 to 2^64 − 1.
            most_read: how many occurrences are read at most.

        Raises:
            QueryError: the query is empty.
        """
        ids = self._tokens(query)
        if isinstance(ids, Sized) and len(ids) == 0:
            raise QueryError("the query is empty, which every place matches; expected at least one token")
        pairs = self._core.sample_documents(
            ids, at_least(limit, 0, "limit"), checked_seed(seed), at_least(most_read, 1, "most_read")
        )
        return [Location(*pair) for pair in pairs]

    def count_spans(self, tokens: Query, begins: Int64Array, ends: Int64Array) -> Int64Array:
        """How often each `tokens[begin:end]` occurs, int64; spans may overlap and are not copied.

        Raises:
            QueryError: a span is empty or reaches beyond the tokens.
        """
        starts, stops = (
            array(places, name, kinds="iu", ndim=1, expected="a one-dimensional array of integers").astype(np.int64)
            for name, places in (("begins", begins), ("ends", ends))
        )
        return self._core.count_spans(self._tokens(tokens), starts, stops)

    def document_tokens(self, document_id: int, begin: int = 0, end: int | None = None) -> Int64Array:
        """The token ids of a document, int64, from offset `begin` to `end`, or to its end if that comes first.

        Raises:
            QueryError: there is no such document.
        """
        last = 2**63 - 1 if end is None else at_least(end, 0, "end")
        document = at_least(document_id, 0, "document_id")
        return self._core.read_window(document, at_least(begin, 0, "begin"), last)

    def document_metadata(self, document_id: int) -> dict[str, Any]:
        """The metadata of a document alone.

        Raises:
            QueryError: there is no such document.
        """
        return self.provenance(document_id).metadata

    def provenance(self, document_id: int) -> Provenance:
        """The metadata of a document and where it comes from, without its text.

        Raises:
            QueryError: there is no such document.
        """
        (stored,) = self._core.document_metadata([at_least(document_id, 0, "document_id")])
        return Provenance.of(stored)

    def duplicates(self, *, min_tokens: int, threads: int, progress: Callable[[int], None]) -> Duplicates:
        """What `infgram.dedup` finds."""
        callback(progress, "progress")
        core = self._core.duplicates(at_least(min_tokens, 1, "min_tokens"), at_least(threads, 1, "threads"), progress)
        return Duplicates(core, self.n_documents, self.n_tokens)

    # Care

    def verify(self, *, progress: Callable[[int, int], None] | None = None) -> None:
        """Check everything: every byte of every file, and that each suffix array is complete and sorted. O(n).

        The files are those that this index has open, wherever they are now.

        Args:
            progress: called now and then with the tokens checked and the tokens in all.

        Raises:
            IndexDamagedError: names the file, what was found and what was expected.
        """
        callback(progress, "progress")
        n_tokens = self.n_tokens
        self._core.verify(progress and (lambda n_done: progress(n_done, n_tokens)))
        for place in range(len(self._manifests)):
            self._checked_tokenizer(place)

    def close(self) -> None:
        """Let go of the files. Questions asked afterwards raise `IndexClosedError`; those under way finish."""
        self._open_core = None

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        paths = cut(", ".join(str(path) for path in self._paths), MOST_CHARACTERS - 40)
        return f"<infgram.Index {paths}{' (closed)' if self._open_core is None else ''}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle where the index is; `IndexClosedError` if it was closed."""
        _ = self._core
        return _reopened, (self._origin, self._load, self._identity())

    def _identity(self) -> list[str]:
        """What differs where another index has the same path."""
        return [f"{manifest.fingerprint} {manifest.tokenizer}" for manifest in self._manifests]

    @property
    def _core(self) -> Engine:
        if self._open_core is None:
            raise IndexClosedError(f"{self!r} was closed before the question was asked; open it again")
        return self._open_core

    def _scored(self, token_ids: Any, end: bool, *arrays: Int64Array) -> SequenceScore:
        """Lengths, context counts and continuation counts, with the tokens that they are for."""
        predicted = np.append(np.asarray(token_ids, dtype=np.int64), np.full(int(bool(end)), -1, dtype=np.int64))
        return asked_of(self, SequenceScore(predicted, *arrays))

    def _source(self) -> Source:
        fingerprint = "".join(manifest.fingerprint for manifest in self._manifests)
        return Source(self._core, self._tokens, self.document, self._tokenizer_or_none(), fingerprint)

    def _checked_tokenizer(self, place: int) -> Tokenizer | None:
        """The tokenizer saved in one of the folders; None if it holds none."""
        saved, entry = self._saved_tokenizers[place], self._manifests[place].tokenizer
        if saved is None or entry is None:
            return None
        saved.check(entry.fingerprint)
        return saved.load()

    def _tokenizer_or_none(self) -> Tokenizer | None:
        return None if self._manifests[0].tokenizer is None else self.tokenizer

    def _tokens(self, query: Query) -> Any:
        """What the core takes: token ids, which it checks."""
        if not isinstance(query, str):
            return query
        tokenizer = self._tokenizer_or_none()
        if tokenizer is None:
            raise QueryError(f"{self._paths[0]} holds no tokenizer, so text cannot be asked; ask with token ids")
        return tokenizer.encode(query)


def checked_index(index: Index) -> Index:
    """The index.

    Raises:
        TypeError: it is none.
    """
    return instance(index, "index", Index, "an open index, as infgram.open gives")


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


def _as_they_are(paths: Sequence[Path]) -> Sequence[Path]:
    return paths


def _reopened(origin: Callable[[], Sequence[Path]], load: Load, identity: list[str]) -> Index:
    """The index that was pickled.

    Raises:
        IndexDamagedError: another one is in its place.
    """
    index = Index(origin(), load=load, origin=origin)
    if index._identity() != identity:
        index.close()
        raise IndexDamagedError(
            f"{', '.join(map(str, index.paths))}: not the index that was pickled, another one is in its place; "
            "open it again with infgram.open"
        )
    return index
