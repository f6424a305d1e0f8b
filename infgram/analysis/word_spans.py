"""The maximal runs of whole words of a text that occur in a corpus as strings, in whatever tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from infgram.analysis import copies
from infgram.analysis.copies import MOST_BRANCHES, Copies
from infgram.analysis.matches import match_lengths
from infgram.analysis.occurrences import Occurrences
from infgram.analysis.spans import Spans
from infgram.analysis.subject import Subject, in_words, last_characters
from infgram.errors import QueryError, TokenizerError
from infgram.index import Index
from infgram.snippets import first_bytes
from infgram.tokenizations import LONGEST_TEXT, TooManySpellings, fold
from infgram.tokenizers import TokenBytes
from infgram.types import Int64Array, Query
from infgram.watch import Watch


class WordSpans:
    """The maximal runs of whole words of a text that occur.

    A span that occurs makes all spans inside it occur, so the ends of maximal spans ascend with their starts. From a
    start the end is found by doubling and bisection, and then, to the left of the first word that was not reached, the
    earliest start that reaches it. What the text's own tokens reach is found before, in one pass; where that is all
    there is, a span costs one search.

    Attributes:
        places: of each, which tokens `[start, end)` of the text hold it.
        n_given_up: searches that took more than `MOST_BRANCHES` token sequences.
    """

    def __init__(
        self,
        index: Index,
        subject: Subject,
        query: Query,
        *,
        min_length: int,
        delimiters: Sequence[str | int],
        ignore_case: bool,
        watch: Watch,
    ) -> None:
        """Find them.

        Args:
            index: the corpus.
            subject: the text, with its tokens.
            query: the text.
            min_length: words of a span at least.
            delimiters: none ends inside a span, except at its end.
            ignore_case: whether characters with the same fold are the same.
            watch: told before each search.

        Raises:
            QueryError: the query or a delimiter is token ids.
            TokenizerError: the tokenizer's texts are not made of the bytes of its tokens.
        """
        if not isinstance(query, str):
            raise QueryError("ignore_case and any_tokenization are for a text; token ids have no case or letters")
        strings = [delimiter for delimiter in delimiters if isinstance(delimiter, str)]
        if len(strings) < len(delimiters):
            raise QueryError("with any_tokenization or ignore_case delimiters are strings, not token ids")
        self._index, self._subject, self._text, self._ignore_case = index, subject, query, ignore_case
        words = words_of(query)
        self._search = _Search(index, subject, query, words, ignore_case, watch)
        spans = [span for segment in _segments(query, words, strings) for span in self._search.maximal_spans(*segment)]
        self._words = [(start, end) for start, end in spans if end - start >= min_length]
        self._characters = [(int(words[start, 0]), int(words[end - 1, 1])) for start, end in self._words]
        self.n_given_up = len(self._search.given_up)
        self.places = Spans(*subject.tokens_at(self._characters))

    def occurrences(self, numbers: Int64Array, watch: Watch) -> list[Occurrences]:
        """Those of some of the spans."""
        return [self._occurrences(number, len(numbers), watch) for number in numbers.tolist()]

    def characters(self, number: int) -> tuple[int, int]:
        """The characters `[start, end)` of a span in the text."""
        return self._characters[number]

    def text(self, number: int) -> str:
        """The text of a span."""
        start, end = self._characters[number]
        return self._text[start:end]

    def is_maximal(self, number: int) -> bool:
        """Whether a span is certainly maximal: no search was given up that could have made it longer."""
        start, end = self._words[number]
        return not any(start - 1 <= first and last <= end + 1 for first, last in self._search.given_up)

    def place_in(self, number: int, snippet: str, first: int) -> tuple[int, int] | None:
        """Where a span is in a snippet, from the character `first` on."""
        text = self.text(number)
        place = fold(snippet).find(fold(text), first) if self._ignore_case else snippet.find(text, first)
        return None if place < 0 else (place, place + len(text))

    def _occurrences(self, number: int, total: int, watch: Watch) -> Occurrences:
        watch.report("count", number, total, "spans")
        found = Occurrences.of(self._index, self.text(number), ignore_case=self._ignore_case)
        if found.tokens:
            return found
        # It occurs, as its own tokens do: the search was given up.
        tokens = self._subject.token_ids[self.places.starts[number] : self.places.ends[number]]
        return Occurrences([tokens], [self._index.count(tokens)], is_exact=False)


def words_of(text: str) -> Int64Array:
    """The words of a text, int64 of shape (n, 2): the characters `[start, end)` of each, ascending."""
    return np.flatnonzero(np.diff(in_words(text).astype(np.int8))).reshape(-1, 2)


class _Search:
    """Finds which runs of words occur, and asks nothing that follows from what is known.

    Attributes:
        given_up: runs that took too many token sequences; they count as absent.
    """

    def __init__(
        self, index: Index, subject: Subject, text: str, words: Int64Array, ignore_case: bool, watch: Watch
    ) -> None:
        self._index, self._text, self._words = index, text, words
        self._ignore_case, self._watch = ignore_case, watch
        self._vocabulary = _vocabulary_of(subject)
        self._pieces: dict[tuple[int, int], Copies | None] = {}
        # Of the runs that begin at a word: the longest known to occur, the shortest known not to; both ascend.
        self._reached = np.maximum(_reached_in_own_tokens(index, subject, text, words, watch), np.arange(len(words)))
        self._missed: Int64Array = np.full(len(words), len(words) + 1, dtype=np.int64)
        self.given_up: list[tuple[int, int]] = []
        self._settled = 0

    def maximal_spans(self, first: int, n: int) -> list[tuple[int, int]]:
        """Those among the words `[first, n)`."""
        spans = []
        start = first
        while start < n:
            self._settled = start
            end = self._end(start, n)
            if end > start:
                spans.append((start, end))
            if end == n:
                break
            start = self._start(start, end + 1)
        return spans

    def _end(self, start: int, n: int) -> int:
        """The largest end up to `n` of a run that begins here and occurs."""
        low = min(int(self._reached[start]), n)
        if low == n:
            return n
        by_reading = self._end_by_reading(start, low)
        if by_reading is not None:
            return min(by_reading, n)
        # Most often the next word is reached by no start before the first that is known to; that search is short.
        nearest = int(np.searchsorted(self._reached, low + 1)) - 1
        if nearest > start and not self._occurs(nearest, low + 1):
            return low
        step = 1
        while self._occurs(start, min(low + step, n)):
            low = min(low + step, n)
            if low == n:
                return n
            by_reading = self._end_by_reading(start, low)
            if by_reading is not None:
                return min(by_reading, n)
            step *= 2
        high = min(low + step, n)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._occurs(start, middle) else (low, middle)
        return low

    def _start(self, low: int, end: int) -> int:
        """The smallest start after `low`, which does not reach `end`, of a run that does; `end` if there is none."""
        high, step = min(end, int(np.searchsorted(self._reached, end))), 1
        while True:
            by_reading = self._start_by_reading(high, end)
            if by_reading is not None:
                return max(by_reading, low + 1)
            if high - step <= low or not self._occurs(high - step, end):
                break
            high -= step
            step *= 2
        low = max(low, high - step)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._occurs(middle, end) else (middle, high)
        return high

    def _end_by_reading(self, start: int, end: int) -> int | None:
        """The largest end of a run from `start` on that occurs, where `end` is one; None if it has to be searched."""
        first, last = int(self._words[start, 0]), int(self._words[end - 1, 1]) if end > start else 0
        few = self._copies(first, first + copies.READ_FROM) if last - first >= copies.READ_FROM else None
        if few is None or len(few.places) == 0:
            return None
        end = int(np.searchsorted(self._words[:, 1], first + max(few.n_agreeing_from(self._text[first:])), "right"))
        self._reached[start:end] = np.maximum(self._reached[start:end], end)
        self._missed[: start + 1] = np.minimum(self._missed[: start + 1], end + 1)
        return end

    def _start_by_reading(self, start: int, end: int) -> int | None:
        """The smallest start of a run up to `end` that occurs, where `start` is one; None if it has to be searched."""
        first, last = int(self._words[start, 0]) if start < end else 0, int(self._words[end - 1, 1])
        piece = last - copies.READ_FROM
        few = self._copies(piece, last) if start < end and first <= piece else None
        if few is None or len(few.places) == 0:
            return None
        start = int(np.searchsorted(self._words[:, 0], piece - max(few.n_agreeing_before(self._text[:piece]))))
        self._reached[start:end] = np.maximum(self._reached[start:end], end)
        self._missed[:start] = np.minimum(self._missed[:start], end)
        return start

    def _copies(self, first: int, last: int) -> Copies | None:
        """The occurrences of some characters of the text; each piece is searched once."""
        if (first, last) not in self._pieces:
            self._watch.report("search", self._settled, len(self._words), "words")
            piece = self._text[first:last]
            self._pieces[first, last] = Copies.of(self._index, self._vocabulary, piece, ignore_case=self._ignore_case)
        return self._pieces[first, last]

    def _occurs(self, start: int, end: int) -> bool:
        """Whether the words `[start, end)` occur."""
        if end <= self._reached[start]:
            return True
        if end >= self._missed[start]:
            return False
        self._watch.report("search", self._settled, len(self._words), "words")
        occurs = self._is_found(start, end)
        if occurs:
            self._reached[start:end] = np.maximum(self._reached[start:end], end)
        else:
            self._missed[: start + 1] = np.minimum(self._missed[: start + 1], end)
        return occurs

    def _is_found(self, start: int, end: int) -> bool:
        text = self._text[self._words[start, 0] : self._words[end - 1, 1]]
        if len(text) > LONGEST_TEXT:  # absent if its end is; else it is not known
            cut = int(np.searchsorted(self._words[:, 0], self._words[end - 1, 1] - LONGEST_TEXT))
            if cut < end and not self._occurs(cut, end):
                return False
            self.given_up.append((start, end))
            return False
        spellings = self._index.spellings(text, ignore_case=self._ignore_case, max_branches=MOST_BRANCHES)
        try:
            return next(spellings, None) is not None
        except TooManySpellings:
            self.given_up.append((start, end))
            return False


def _segments(text: str, words: Int64Array, delimiters: Sequence[str]) -> list[tuple[int, int]]:
    """The runs of words `[first, end)` without a delimiter that ends inside; a word that has one is in none."""
    places = np.array(sorted({place for delimiter in delimiters for place in last_characters(text, delimiter)}))
    if len(places) == 0:
        return [(0, len(words))]
    segments, first = [], 0
    for word, (begin, end) in enumerate(words.tolist()):
        following = words[word + 1, 0] if word + 1 < len(words) else len(text)
        inside, after = np.searchsorted(places, (end - 1, following)) - np.searchsorted(places, begin)
        if inside:
            segments.append((first, word))
            first = word + 1
        elif after:
            segments.append((first, word + 1))
            first = word + 1
    return [*segments, (first, len(words))]


def _reached_in_own_tokens(index: Index, subject: Subject, text: str, words: Int64Array, watch: Watch) -> Int64Array:
    """Of each word the end of the longest run of words from it on that occurs in the tokens of the text itself.

    The word where no run does, and everywhere if the text is not the bytes of its tokens.
    """
    n, token_ids = len(words), subject.token_ids
    vocabulary = _vocabulary_of(subject)
    if n == 0 or vocabulary.join(token_ids) != text.encode():
        return np.arange(n)
    token_ends = np.cumsum(vocabulary.lengths[token_ids])
    starts, ends = first_bytes(text)[words].T
    holders = np.searchsorted(token_ends, starts, side="right")
    lengths = match_lengths(index, token_ids, watch)[holders]
    matched = np.where(lengths > 0, token_ends[np.maximum(holders + lengths - 1, 0)], 0)
    reached = np.searchsorted(ends, matched, side="right")
    return np.maximum.accumulate(np.maximum(reached, np.arange(n)))


def _vocabulary_of(subject: Subject) -> TokenBytes:
    """The bytes of the tokens.

    Raises:
        TokenizerError: the tokenizer's texts are not made of the bytes of its tokens.
    """
    vocabulary = None if subject.tokenizer is None else subject.tokenizer.token_bytes()
    if vocabulary is None:
        raise TokenizerError(
            "this index's tokenizer does not make text of the bytes of its tokens, so a text can only be traced in its "
            "own tokens; leave out any_tokenization and ignore_case"
        )
    return vocabulary
