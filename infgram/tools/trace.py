"""Tracing: which passages of a text stand in the corpus, and in which documents."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from infgram.arguments import at_least, checked_seed, flag, several
from infgram.index import Index, checked_index
from infgram.reprs import ShortRepr
from infgram.tables import Columns, Table, masked, numbers
from infgram.tools.bm25 import bm25
from infgram.tools.matches import match_lengths
from infgram.tools.passages import Match, Passage, passages_of
from infgram.tools.spans import counts_of, maximal_spans, unigram_log_probs
from infgram.tools.subject import Subject
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

    Attributes:
        start: in tokens.
        end: likewise.
        text_start: the span is `[text_start, text_end)` of the text in characters, those cut in two by its ends
            included; None where the tokenizer does not tell, and for token ids that it would encode otherwise.
        text: of these tokens; empty without a tokenizer.
        count: its occurrences in the corpus.
        log_prob: of its tokens as if each stood alone: the sum of log(count / n_tokens) in nats, to nine decimals.
        documents: documents that hold it, at most `documents_per_span`.
    """

    start: int
    end: int
    text_start: int | None
    text_end: int | None
    text: str
    count: int
    log_prob: float
    documents: tuple[SpanDocument, ...]

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
    """

    token_ids: Int64Array
    spans: tuple[TracedSpan, ...]
    documents: tuple[TracedDocument, ...]
    n_maximal: int

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
    match, and one look-up for each occurrence that is looked at (at most 1,000 a span).

    Args:
        index: the corpus.
        query: the text, or its token ids.
        min_length: tokens of a span at least.
        max_count: spans that occur more often are left out; None for no limit.
        max_spans: keep so many, those whose `log_prob` is smallest; None keeps one for every 20 tokens, rounded up.
        whole_words: spans begin and end where words do. A word is a run of letters, digits and underscores.
        delimiters: strings or token ids; none ends inside a span, except with its last token.
        documents_per_span: documents of a span at most: all of them, or a sample. Of a span that occurs more than 1,000
            times a sample of so many occurrences stands for all.
        snippet_tokens: tokens around a match, half before it and half after.
        seed: of the sample, from 0 to 2^64 − 1.
        timeout_s: seconds it may take; None for no limit.
        progress: told now and then how far it is.

    Raises:
        QueryError: an argument is out of range; a text for an index without a tokenizer; `whole_words` or a delimiter
            that is a string for token ids whose text is not known.
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
    subject = Subject.of(checked_index(index), query)
    spans = maximal_spans(
        match_lengths(index, subject.token_ids, watch),
        min_length=min_length,
        breaks=subject.breaks(ends) if ends else None,
        borders=subject.word_borders() if flag(whole_words, "whole_words") else None,
    )
    counts = counts_of(index, subject.token_ids, spans, watch)
    rare = np.flatnonzero(counts <= most)
    log_probs = unigram_log_probs(index, subject.token_ids, spans)
    kept = math.ceil(len(subject.token_ids) / _TOKENS_A_SPAN) if kept is None else kept
    chosen = np.sort(rare[np.argsort(log_probs[rare], kind="stable")[:kept]])
    starts, ends = spans.starts[chosen].tolist(), spans.ends[chosen].tolist()
    places = list(zip(starts, ends, strict=True))
    matches = _matches(index, subject.token_ids, places, limit, seed, watch)
    documents, shown = _documents(index, subject, matches, around, watch)
    traced = tuple(
        _span(subject, *place, int(counts[which]), float(log_probs[which]), tuple(shown[number]))
        for number, (place, which) in enumerate(zip(places, chosen, strict=True))
    )
    return Trace(subject.token_ids, traced, documents, len(rare))


def _span(
    subject: Subject, start: int, end: int, count: int, log_prob: float, documents: tuple[SpanDocument, ...]
) -> TracedSpan:
    text_start, text_end = subject.characters(start, end) or (None, None)
    return TracedSpan(start, end, text_start, text_end, subject.piece(start, end), count, log_prob, documents)


def _matches(
    index: Index, token_ids: Int64Array, spans: Sequence[tuple[int, int]], limit: int, seed: int, watch: Watch
) -> dict[int, list[Match]]:
    """The documents found for the spans, and in each the matches."""
    matches: dict[int, list[Match]] = defaultdict(list)
    for number, (start, end) in enumerate(spans):
        watch.report("find", number, len(spans), "spans")
        found = index.sample_documents(token_ids[start:end], limit=limit, seed=seed, most_read=MOST_READ)
        for document_id, offset in found:
            matches[document_id].append(Match(offset, end - start, number))
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
