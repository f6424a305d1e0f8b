"""Tracing: which passages of a text stand in the corpus, and in which documents."""

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
"""Of a span that occurs more often, so many occurrences, a uniform sample, are looked at for documents."""

_TOKENS_A_SPAN: Final = 20
_DECIMALS: Final = 9  # of a score: what the order of additions leaves sure


@dataclass(frozen=True)
class SpanDocument(ShortRepr):
    """A document that holds a span, shown at one place.

    Attributes:
        document_id: its number in the index.
        offset: the match's first token inside the document, in tokens.
        snippet: the text around the match; snippets of one document that overlap are one, up to 512 tokens. Empty
            without a tokenizer.
        snippet_match_start: the match is `snippet[snippet_match_start:snippet_match_end]`, in characters.
    """

    document_id: int
    offset: int
    snippet: str
    snippet_match_start: int
    snippet_match_end: int


@dataclass(frozen=True)
class TracedSpan(ShortRepr):
    """A maximal span: tokens `[start, end)` of the text, which occur in the corpus.

    With `any_tokenization` a span is the characters of whole words, and `[start, end)` are those of the text's own
    tokens that hold them.

    Attributes:
        start: in tokens.
        end: likewise.
        text_start: the span is `[text_start, text_end)` of the text in characters, those cut in two by its ends
            included; None where the tokenizer does not tell, and for token ids that it would encode otherwise.
        text: of these tokens, or of the words; empty without a tokenizer.
        count: its occurrences in the corpus.
        log_prob: of its tokens as if each stood alone: the sum of log(count / n_tokens) in nats, to nine decimals.
        documents: documents that hold it, at most `documents_per_span`.
        is_exact: False if a search took too many token sequences (`any_tokenization`): the span occurs, but may not be
            maximal, and `count` may be too small.
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
        """Tokens of the span."""
        return self.end - self.start


@dataclass(frozen=True)
class TracedDocument(ShortRepr):
    """A document that holds at least one of the spans.

    Attributes:
        document_id: its number in the index.
        score: BM25 of its passages for the whole text, among all passages found.
        metadata: as in `Document`.
        source: likewise.
        line: likewise.
        spans: the numbers of the spans it was found for, ascending.
    """

    document_id: int
    score: float
    metadata: Mapping[str, Any]
    source: str | None
    line: int | None
    spans: tuple[int, ...]


@dataclass(frozen=True)
class Trace(Table):
    """What of a text stands in the corpus.

    Attributes:
        token_ids: int64, the text's.
        spans: by their place in the text; they may overlap, but none lies in another.
        documents: those of all spans, each once, by falling score, ties to the smaller id.
        n_maximal: how many maximal spans there were before all but the least probable were left out.
        n_given_up: searches for a string that took too many token sequences (`any_tokenization`). Spans that only they
            could have found are missing or shorter; those concerned have `is_exact` False.
    """

    token_ids: Int64Array
    spans: tuple[TracedSpan, ...]
    documents: tuple[TracedDocument, ...]
    n_maximal: int
    n_given_up: int = 0

    @property
    def n_covered(self) -> int:
        """Tokens of the text that lie in at least one span."""
        covered = np.zeros(len(self.token_ids), dtype=np.bool_)
        for span in self.spans:
            covered[span.start : span.end] = True
        return int(covered.sum())

    def columns(self) -> Columns:
        """A row for each span, with the number of documents shown for it; `log_prob` is in nats."""
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
    """The maximal spans of a text that occur in the corpus, the rarest of them, and documents that hold them.

    A span is maximal when it fulfils all conditions and lies in no longer one that does. This is what OLMoTrace does
    (Liu et al., "OLMoTrace: Tracing language model outputs back to trillions of training tokens", 2025).

    Cost: a search for each token of the text, and one for each span; for each document shown its piece around the
    match, and one look-up for each occurrence that is looked at (at most 1,000 a span). With `any_tokenization` also a
    search or two for the string of each maximal span, each some milliseconds: about a second of processor time for
    500 words over 287 million tokens, four for 500 that are one copy in another case.

    Args:
        index: the corpus.
        query: the text, or its token ids.
        min_length: tokens of a span at least; with `any_tokenization` words.
        max_count: spans that occur more often are left out; None for no limit.
        max_spans: keep so many, those whose `log_prob` is smallest; None keeps one for every 20 tokens, rounded up.
        whole_words: spans begin and end where words do. A word is a run of letters, digits and underscores.
        delimiters: strings or token ids; none ends inside a span, except with its last token. With `any_tokenization`
            strings only; none ends inside a span, except with its last character.
        any_tokenization: spans are runs of whole words, with what is between them, whose characters occur in the corpus
            in whatever tokens; `count` is that of the string, as `Index.count` has it. `log_prob` is that of the text's
            own tokens, where one that does not occur counts as occurring once.
        ignore_case: find them in any case, see `Index.spellings`; this implies `any_tokenization`.
        documents_per_span: documents of a span at most: all of them, or a sample. Of a span that occurs more than 1,000
            times a sample of so many occurrences stands for all.
        snippet_tokens: tokens around a match, half before it and half after.
        seed: of the sample, from 0 to 2^64 − 1.
        timeout_s: seconds it may take; None for no limit.
        progress: told now and then how far it is.

    Raises:
        QueryError: an argument is out of range; a text for an index without a tokenizer; `whole_words` or a delimiter
            that is a string for token ids whose text is not known; token ids with `any_tokenization`.
        TokenizerError: with `any_tokenization`, as `Index.spellings`.
        TimeLimitError: the time is over.

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
    kept = None if max_spans is None else at_least(max_spans, 0, "max_spans")

    ends = list(several(delimiters, "delimiters", "strings or token ids"))
    as_words, in_any_case = flag(whole_words, "whole_words"), flag(ignore_case, "ignore_case")
    as_strings = flag(any_tokenization, "any_tokenization") or in_any_case
    subject = Subject.of(checked_index(index), query)
    spans: TokenSpans | WordSpans
    if as_strings:
        spans = WordSpans(
            index, subject, query, min_length=min_length, delimiters=ends, ignore_case=in_any_case, watch=watch
        )
    else:
        spans = TokenSpans(index, subject, min_length=min_length, delimiters=ends, whole_words=as_words, watch=watch)
    numbers = np.arange(len(spans.places.starts))
    found = {} if max_count is None else dict(zip(numbers.tolist(), spans.occurrences(numbers, watch), strict=True))
    rare = numbers if max_count is None else numbers[[occurrences.count <= most for occurrences in found.values()]]
    log_probs = unigram_log_probs(index, subject.token_ids, spans.places)
    kept = math.ceil(len(subject.token_ids) / _TOKENS_A_SPAN) if kept is None else kept
    chosen = np.sort(rare[np.argsort(log_probs[rare], kind="stable")[:kept]])
    held = [found[n] for n in chosen.tolist()] if found else spans.occurrences(chosen, watch)
    matches = _matches(index, held, limit, seed, watch)
    documents, shown = _documents(index, subject, matches, around, watch)
    traced = [
        _span(spans, number, occurrences, float(log_probs[number]), shown[place])
        for place, (number, occurrences) in enumerate(zip(chosen.tolist(), held, strict=True))
    ]
    return Trace(subject.token_ids, tuple(traced), documents, len(rare), spans.n_given_up)


class TokenSpans:
    """The maximal spans of a text that occur in its own tokens.

    Attributes:
        places: of each its tokens `[start, end)`.
        n_given_up: no search takes long.
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
        """Those of some of the spans."""
        places = Spans(*(ends[numbers] for ends in self.places))
        counts = counts_of(self._index, self._subject.token_ids, places, watch).tolist()
        held = [self._subject.token_ids[start:end] for start, end in zip(*places, strict=True)]
        return [Occurrences([tokens], [count], is_exact=True) for tokens, count in zip(held, counts, strict=True)]

    def characters(self, number: int) -> tuple[int, int] | None:
        """The characters `[start, end)` of a span in the text; None where they are not known."""
        return self._subject.characters(*self._place(number))

    def text(self, number: int) -> str:
        """The text of a span; empty if the index holds no tokenizer."""
        return self._subject.piece(*self._place(number))

    def is_maximal(self, number: int) -> bool:
        """Whether a span is certainly maximal."""
        return True

    def place_in(self, number: int, snippet: str, first: int) -> tuple[int, int] | None:
        """Where a span is in a snippet, if its tokens there do not say so."""
        return None

    def _place(self, number: int) -> tuple[int, int]:
        return int(self.places.starts[number]), int(self.places.ends[number])


def _span(
    spans: TokenSpans | WordSpans, number: int, held: Occurrences, log_prob: float, documents: list[SpanDocument]
) -> TracedSpan:
    text_start, text_end = spans.characters(number) or (None, None)
    marked = []
    for hit in documents:
        place = spans.place_in(number, hit.snippet, hit.snippet_match_start)
        start, end = place or (hit.snippet_match_start, hit.snippet_match_end)
        marked.append(replace(hit, snippet_match_start=start, snippet_match_end=end))
    return TracedSpan(
        int(spans.places.starts[number]),
        int(spans.places.ends[number]),
        text_start,
        text_end,
        spans.text(number),
        held.count,
        log_prob,
        tuple(marked),
        is_exact=held.is_exact and spans.is_maximal(number),
    )


def _matches(index: Index, held: Sequence[Occurrences], limit: int, seed: int, watch: Watch) -> dict[int, list[Match]]:
    """The documents found for the spans, and in each the matches."""
    matches: dict[int, list[Match]] = defaultdict(list)
    for number, occurrences in enumerate(held):
        watch.report("find", number, len(held), "spans")
        for place in occurrences.sample_documents(index, limit=limit, seed=seed, most_read=MOST_READ):
            matches[place.document_id].append(Match(place.offset, place.length, number))
    return matches


def _documents(
    index: Index, subject: Subject, matches: Mapping[int, Sequence[Match]], snippet_tokens: int, watch: Watch
) -> tuple[tuple[TracedDocument, ...], dict[int, list[SpanDocument]]]:
    """The documents, best first, and those of each span, in the same order."""
    passages: dict[int, list[Passage]] = {}
    for document_id in matches:
        watch.report("read", len(passages), len(matches), "documents")
        passages[document_id] = passages_of(index, subject.tokenizer, document_id, matches[document_id], snippet_tokens)
    held = [np.concatenate([passage.token_ids for passage in of_one]) for of_one in passages.values()]
    scores = dict(zip(passages, np.round(bm25(subject.token_ids, held), _DECIMALS).tolist(), strict=True))
    documents: list[TracedDocument] = []
    shown: dict[int, list[SpanDocument]] = defaultdict(list)
    for document_id in sorted(passages, key=lambda document_id: (-scores[document_id], document_id)):
        provenance = index.provenance(document_id)
        spans = tuple(sorted(match.span for match in matches[document_id]))
        documents.append(TracedDocument(document_id, scores[document_id], *provenance, spans))
        for passage in passages[document_id]:
            for match, place in zip(passage.matches, passage.places, strict=True):
                shown[match.span].append(SpanDocument(document_id, match.offset, passage.text, *place))
    return tuple(documents), shown
