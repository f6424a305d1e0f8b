"""Tracing: the passages of a text that occur in the corpus, and documents that contain them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from infgram.analysis.bm25 import bm25
from infgram.analysis.matches import match_lengths
from infgram.analysis.occurrences import Occurrences
from infgram.analysis.passages import Match, Passage, passages_of
from infgram.analysis.spans import Spans, counts_of, maximal_spans, unigram_log_probs
from infgram.analysis.subject import Subject
from infgram.analysis.word_spans import WordSpans
from infgram.arguments import at_least, checked_seed, flag, several
from infgram.index import Index, checked_index
from infgram.reprs import ShortRepr
from infgram.tables import Columns, Table, masked, numbers
from infgram.types import Int64Array, Query
from infgram.watch import Progress, Watch

MOST_READ: Final = 1000
"""The maximum number of occurrences of a span that are read; of more occurrences, a uniform sample is read."""

_TOKENS_PER_SPAN: Final = 20  # of the text, for the default of `max_spans`
_DECIMALS: Final = 9  # of a score: these do not depend on the order of additions


@dataclass(frozen=True)
class SpanDocument(ShortRepr):
    """An occurrence of a span in a document.

    Attributes:
        document_id: the number of the document in the index.
        offset: the position of the match in the document, in tokens.
        snippet: the text around the match; empty without a tokenizer. Overlapping snippets of one document are merged,
            up to 512 tokens.
        snippet_match_start: the match is `snippet[snippet_match_start:snippet_match_end]`, in characters.
        snippet_match_end: the end of the match.
    """

    document_id: int
    offset: int
    snippet: str
    snippet_match_start: int
    snippet_match_end: int


@dataclass(frozen=True)
class TracedSpan(ShortRepr):
    """A maximal span: tokens `[start, end)` of the text that occur in the corpus.

    With `any_tokenization`, a span is a string of whole words, and `[start, end)` are the tokens of the text that
    contain it.

    Attributes:
        start: the start of the span in tokens.
        end: the end of the span in tokens.
        text_start: the span is `[text_start, text_end)` of the text in characters, including a character that is split
            by an end of the span. None if the characters are unknown: for an index without a tokenizer, and for token
            ids that its tokenizer encodes differently.
        text_end: the end of the span in characters, or None.
        text: the text of the span; empty without a tokenizer.
        count: the number of occurrences in the corpus.
        log_prob: the unigram log-probability: the sum of log(count / n_tokens) over the tokens, in nats, rounded to
            nine decimals.
        documents: documents that contain the span, at most `documents_per_span`.
        is_exact: False if a search required too many token sequences (`any_tokenization`): the span occurs, but may not
            be maximal, and `count` may be too small.
    """

    start: int
    end: int
    text_start: int | None
    text_end: int | None
    text: str
    count: int
    log_prob: float
    documents: tuple[SpanDocument, ...]
    is_exact: bool = True

    @property
    def length(self) -> int:
        """The length of the span in tokens."""
        return self.end - self.start


@dataclass(frozen=True)
class TracedDocument(ShortRepr):
    """A document that contains at least one of the spans.

    Attributes:
        document_id: the number of the document in the index.
        score: the BM25 score of the document's passages for the whole text, among the passages of all documents found.
        metadata: the metadata, as in `Document`.
        source: the file, as in `Document`.
        line: the line in the file, as in `Document`.
        spans: the numbers of the spans that the document was sampled for, ascending.
    """

    document_id: int
    score: float
    metadata: Mapping[str, Any]
    source: str | None
    line: int | None
    spans: tuple[int, ...]


@dataclass(frozen=True)
class Trace(Table):
    """The maximal spans of a text that occur in the corpus, and documents that contain them.

    Attributes:
        token_ids: int64, the tokens of the text.
        spans: the spans in the order of the text; they may overlap, but no span is inside another.
        documents: the documents of all spans, each once, by decreasing score and then by id.
        n_maximal: the number of maximal spans, before the selection of the `max_spans` least probable.
        n_given_up: the number of string searches that were given up because they required too many token sequences
            (`any_tokenization`). Spans that only these searches could find are missing or shorter than they should be;
            the affected spans have `is_exact` False.
    """

    token_ids: Int64Array
    spans: tuple[TracedSpan, ...]
    documents: tuple[TracedDocument, ...]
    n_maximal: int
    n_given_up: int = 0

    @property
    def n_covered(self) -> int:
        """The number of tokens of the text inside at least one span."""
        covered = np.zeros(len(self.token_ids), dtype=np.bool_)
        for span in self.spans:
            covered[span.start : span.end] = True
        return int(covered.sum())

    def columns(self) -> Columns:
        """Return a row for each span, with the number of its documents; `log_prob` is in nats."""
        spans = self.spans
        return {
            **numbers(spans, "start", "end"),
            "text_start": masked([span.text_start for span in spans]),
            "text_end": masked([span.text_end for span in spans]),
            "text": [span.text for span in spans],
            **numbers(spans, "count"),
            **numbers(spans, "log_prob", dtype=np.float64),
            "n_documents": np.array([len(span.documents) for span in spans], dtype=np.int64),
            **numbers(spans, "is_exact", dtype=np.bool_),
        }


def trace(
    index: Index,
    query: Query,
    *,
    min_length: int = 1,
    max_count: int | None = None,
    max_spans: int | None = None,
    whole_words: bool = False,
    delimiters: Sequence[str | int] = (),
    any_tokenization: bool = False,
    ignore_case: bool = False,
    documents_per_span: int = 10,
    snippet_tokens: int = 80,
    seed: int = 0,
    timeout_s: float | None = None,
    progress: Progress | None = None,
) -> Trace:
    """Return the rarest maximal spans of a text that occur in the corpus, and documents that contain them.

    A span is maximal if it satisfies all conditions and is not inside a longer span that does. The method is that of
    OLMoTrace (Liu et al., "OLMoTrace: Tracing language model outputs back to trillions of training tokens", 2025).

    Cost: one search per token of the text and one per span; one lookup per occurrence that is read (at most 1,000 per
    span); one read of each returned document around its matches. `any_tokenization` adds one or two searches, of some
    milliseconds each, for the string of each maximal span: about one second of CPU time for 500 words over 287 million
    tokens, or four seconds if the 500 words are one passage of the corpus in another case.

    Args:
        index: the corpus.
        query: the text, or its token ids.
        min_length: the minimum length of a span in tokens; in words with `any_tokenization`.
        max_count: exclude spans that occur more often; None for no limit.
        max_spans: the maximum number of spans; those with the lowest `log_prob` are returned. None for one span per 20
            tokens, rounded up.
        whole_words: whether spans begin and end at word borders. A word is a run of letters, digits and underscores.
        delimiters: strings or token ids. A delimiter may end with the last token of a span, but not inside the span.
            With `any_tokenization`, delimiters are strings only, and may end with the last character of a span.
        any_tokenization: whether to find strings in any tokenization. Spans are then runs of whole words, including the
            characters between them, and `count` is the count of the string, as returned by `Index.count`. `log_prob` is
            computed from the tokens of the text, where a token that does not occur counts as occurring once.
        ignore_case: whether to ignore case, see `Index.spellings`; implies `any_tokenization`.
        documents_per_span: the maximum number of documents per span. If there are more, a sample is returned; if a span
            occurs more than 1,000 times, the sample is drawn from 1,000 occurrences.
        snippet_tokens: the number of tokens around a match, half of them before it and half after it.
        seed: the seed of the sample, from 0 to 2^64 − 1.
        timeout_s: time limit in seconds; None for no limit.
        progress: called from time to time.

    Raises:
        QueryError: an argument is out of range; the query is text and the index has no tokenizer; `whole_words` or a
            string delimiter is given with token ids whose text is unknown; `any_tokenization` is given with token ids.
        TokenizerError: with `any_tokenization`, as for `Index.spellings`.
        TimeLimitError: the time limit was exceeded.

    Examples:
        >>> import infgram, tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = pathlib.Path(folder, "corpus.txt").write_text("a rose is a rose is a rose")
        ...     with infgram.build(pathlib.Path(folder, "corpus.txt"), tokenizer="bytes") as index:
        ...         traced = infgram.trace(index, "this rose is red", max_spans=2)
        >>> [(span.text, span.count) for span in traced.spans]
        [(' rose is ', 2), (' r', 3)]
    """
    watch = Watch(timeout_s, progress)
    at_least(min_length, 1, "min_length")
    most = math.inf if max_count is None else at_least(max_count, 1, "max_count")
    limit = at_least(documents_per_span, 0, "documents_per_span")
    around = at_least(snippet_tokens, 0, "snippet_tokens")
    seed = checked_seed(seed)
    n_chosen = None if max_spans is None else at_least(max_spans, 0, "max_spans")

    separators = list(several(delimiters, "delimiters", "strings or token ids"))
    as_words, in_any_case = flag(whole_words, "whole_words"), flag(ignore_case, "ignore_case")
    as_strings = flag(any_tokenization, "any_tokenization") or in_any_case
    subject = Subject.of(checked_index(index), query)
    spans: TokenSpans | WordSpans
    if as_strings:
        spans = WordSpans(
            index, subject, query, min_length=min_length, delimiters=separators, ignore_case=in_any_case, watch=watch
        )
    else:
        spans = TokenSpans(
            index, subject, min_length=min_length, delimiters=separators, whole_words=as_words, watch=watch
        )
    numbers = np.arange(len(spans.places.starts))
    counted = {} if max_count is None else dict(zip(numbers.tolist(), spans.occurrences(numbers, watch), strict=True))
    rare = numbers if max_count is None else numbers[[occurrences.count <= most for occurrences in counted.values()]]
    log_probs = unigram_log_probs(index, subject.token_ids, spans.places)
    n_chosen = math.ceil(len(subject.token_ids) / _TOKENS_PER_SPAN) if n_chosen is None else n_chosen
    chosen = np.sort(rare[np.argsort(log_probs[rare], kind="stable")[:n_chosen]])
    of_chosen = [counted[n] for n in chosen.tolist()] if counted else spans.occurrences(chosen, watch)
    matches = _matches(index, of_chosen, limit, seed, watch)
    documents, documents_of_span = _documents(index, subject, matches, around, watch)
    traced = [
        _span(spans, number, occurrences, float(log_probs[number]), documents_of_span[position])
        for position, (number, occurrences) in enumerate(zip(chosen.tolist(), of_chosen, strict=True))
    ]
    return Trace(subject.token_ids, tuple(traced), documents, len(rare), spans.n_given_up)


class TokenSpans:
    """The maximal spans of the tokens of a text that occur.

    Attributes:
        places: the tokens `[start, end)` of each span.
        n_given_up: 0, since these searches are never given up.
    """

    n_given_up: Final = 0

    def __init__(
        self,
        index: Index,
        subject: Subject,
        *,
        min_length: int,
        delimiters: Sequence[str | int],
        whole_words: bool,
        watch: Watch,
    ) -> None:
        self._index, self._subject = index, subject
        self.places: Spans = maximal_spans(
            match_lengths(index, subject.token_ids, watch),
            min_length=min_length,
            breaks=subject.breaks(delimiters) if delimiters else None,
            borders=subject.word_borders() if whole_words else None,
        )

    def occurrences(self, numbers: Int64Array, watch: Watch) -> list[Occurrences]:
        """Return the occurrences of the spans with these numbers."""
        places = Spans(*(ends[numbers] for ends in self.places))
        counts = counts_of(self._index, self._subject.token_ids, places, watch).tolist()
        sequences = [self._subject.token_ids[start:end] for start, end in zip(*places, strict=True)]
        return [Occurrences([tokens], [count], is_exact=True) for tokens, count in zip(sequences, counts, strict=True)]

    def characters(self, number: int) -> tuple[int, int] | None:
        """Return the characters `[start, end)` of a span in the text; None if unknown."""
        return self._subject.characters(*self._place(number))

    def text(self, number: int) -> str:
        """Return the text of a span; empty if the index has no tokenizer."""
        return self._subject.piece(*self._place(number))

    def is_maximal(self, number: int) -> bool:
        """Return whether a span is known to be maximal."""
        return True

    def place_in(self, number: int, snippet: str, first: int) -> tuple[int, int] | None:
        """Return the characters of a span in a snippet; None if they are those of the matching tokens."""
        return None

    def _place(self, number: int) -> tuple[int, int]:
        return int(self.places.starts[number]), int(self.places.ends[number])


def _span(
    spans: TokenSpans | WordSpans, number: int, occurrences: Occurrences, log_prob: float, documents: list[SpanDocument]
) -> TracedSpan:
    text_start, text_end = spans.characters(number) or (None, None)
    marked = []
    for document in documents:
        place = spans.place_in(number, document.snippet, document.snippet_match_start)
        start, end = place or (document.snippet_match_start, document.snippet_match_end)
        marked.append(replace(document, snippet_match_start=start, snippet_match_end=end))
    return TracedSpan(
        int(spans.places.starts[number]),
        int(spans.places.ends[number]),
        text_start,
        text_end,
        spans.text(number),
        occurrences.count,
        log_prob,
        tuple(marked),
        is_exact=occurrences.is_exact and spans.is_maximal(number),
    )


def _matches(index: Index, spans: Sequence[Occurrences], limit: int, seed: int, watch: Watch) -> dict[int, list[Match]]:
    """Sample documents of each span; return the matches in each document."""
    matches: dict[int, list[Match]] = defaultdict(list)
    for number, occurrences in enumerate(spans):
        watch.report("find", number, len(spans), "spans")
        for place in occurrences.sample_documents(index, limit=limit, seed=seed, most_read=MOST_READ):
            matches[place.document_id].append(Match(place.offset, place.length, number))
    return matches


def _documents(
    index: Index, subject: Subject, matches: Mapping[int, Sequence[Match]], snippet_tokens: int, watch: Watch
) -> tuple[tuple[TracedDocument, ...], dict[int, list[SpanDocument]]]:
    """Return the documents by decreasing score, and the documents of each span in the same order."""
    passages: dict[int, list[Passage]] = {}
    for document_id in matches:
        watch.report("read", len(passages), len(matches), "documents")
        passages[document_id] = passages_of(index, subject.tokenizer, document_id, matches[document_id], snippet_tokens)
    tokens = [np.concatenate([passage.token_ids for passage in of_document]) for of_document in passages.values()]
    scores = dict(zip(passages, np.round(bm25(subject.token_ids, tokens), _DECIMALS).tolist(), strict=True))
    documents: list[TracedDocument] = []
    documents_of_span: dict[int, list[SpanDocument]] = defaultdict(list)
    for document_id in sorted(passages, key=lambda document_id: (-scores[document_id], document_id)):
        provenance = index.provenance(document_id)
        spans = tuple(sorted(match.span for match in matches[document_id]))
        documents.append(TracedDocument(document_id, scores[document_id], *provenance, spans))
        for passage in passages[document_id]:
            for match, place in zip(passage.matches, passage.places, strict=True):
                documents_of_span[match.span].append(SpanDocument(document_id, match.offset, passage.text, *place))
    return tuple(documents), documents_of_span
