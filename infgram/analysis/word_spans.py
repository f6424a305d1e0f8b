"""The maximal runs of whole words of a text that occur in a corpus as strings, in any tokenization."""

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

    Every part of a span that occurs also occurs, so the ends of maximal spans ascend with their starts. Given a start,
    galloping and bisection find the largest end. The next span contains the word at that end, and the smallest start of
    a run that ends with this word is found in the same way. Matches of the text's own tokens are computed first, in one
    pass; a span that is not longer than these costs one search.

    Attributes:
        places: the tokens `[start, end)` of the text that contain each span.
        n_given_up: the number of searches that were given up after `MOST_BRANCHES` token sequences.
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
        """Find the spans.

        Args:
            index: the corpus.
            subject: the text, with its tokens.
            query: the text.
            min_length: the minimum length of a span in words.
            delimiters: strings that may end at the end of a span, but not inside it.
            ignore_case: whether characters with the same case folding are equal.
            watch: receives the progress before each search.

        Raises:
            QueryError: the query is token ids, or a delimiter is a token id.
            TokenizerError: the decoded text of the tokenizer is not the bytes of its tokens.
        """
        if not isinstance(query, str):
            raise QueryError("ignore_case and any_tokenization need a text; token ids have no case")
        strings = [delimiter for delimiter in delimiters if isinstance(delimiter, str)]
        if len(strings) < len(delimiters):
            raise QueryError("ignore_case and any_tokenization need delimiters that are strings, not token ids")
        self._index, self._subject, self._text, self._ignore_case = index, subject, query, ignore_case
        words = words_of(query)
        self._search = _Search(index, subject, query, words, ignore_case, watch)
        spans = [span for segment in _segments(query, words, strings) for span in self._search.maximal_spans(*segment)]
        self._words = [(start, end) for start, end in spans if end - start >= min_length]
        self._characters = [(int(words[start, 0]), int(words[end - 1, 1])) for start, end in self._words]
        self.n_given_up = len(self._search.given_up)
        self.places = Spans(*subject.tokens_at(self._characters))

    def occurrences(self, numbers: Int64Array, watch: Watch) -> list[Occurrences]:
        """Return the occurrences of the spans with these numbers."""
        return [self._occurrences(number, len(numbers), watch) for number in numbers.tolist()]

    def characters(self, number: int) -> tuple[int, int]:
        """Return the characters `[start, end)` of a span in the text."""
        return self._characters[number]

    def text(self, number: int) -> str:
        """Return the text of a span."""
        start, end = self._characters[number]
        return self._text[start:end]

    def is_maximal(self, number: int) -> bool:
        """Return whether a span is known to be maximal: no search that could have extended it was given up."""
        start, end = self._words[number]
        return not any(start - 1 <= first and last <= end + 1 for first, last in self._search.given_up)

    def place_in(self, number: int, snippet: str, first: int) -> tuple[int, int] | None:
        """Return the characters of a span in a snippet, searching from the character `first` on; None if absent."""
        text = self.text(number)
        place = fold(snippet).find(fold(text), first) if self._ignore_case else snippet.find(text, first)
        return None if place < 0 else (place, place + len(text))

    def _occurrences(self, number: int, total: int, watch: Watch) -> Occurrences:
        watch.report("count", number, total, "spans")
        occurrences = Occurrences.of(self._index, self.text(number), ignore_case=self._ignore_case)
        if occurrences.tokens:
            return occurrences
        # The search was given up, but the span is known to occur because its own tokens do.
        tokens = self._subject.token_ids[self.places.starts[number] : self.places.ends[number]]
        return Occurrences([tokens], [self._index.count(tokens)], is_exact=False)


def words_of(text: str) -> Int64Array:
    """Return the characters `[start, end)` of each word of a text, ascending: int64 of shape (n, 2)."""
    return np.flatnonzero(np.diff(in_words(text).astype(np.int8))).reshape(-1, 2)


class _Search:
    """Finds which runs of words occur, and skips searches whose result follows from earlier ones.

    Attributes:
        given_up: the runs whose search required too many token sequences; they are treated as absent.
    """

    def __init__(
        self, index: Index, subject: Subject, text: str, words: Int64Array, ignore_case: bool, watch: Watch
    ) -> None:
        self._index, self._text, self._words = index, text, words
        self._ignore_case, self._watch = ignore_case, watch
        self._vocabulary = _vocabulary_of(subject)
        self._pieces: dict[tuple[int, int], Copies | None] = {}
        # For each word, the ends of runs that begin with it: the largest known to occur, and the smallest known not to
        # occur. Both are ascending.
        self._reached = np.maximum(_reached_in_own_tokens(index, subject, text, words, watch), np.arange(len(words)))
        self._missed: Int64Array = np.full(len(words), len(words) + 1, dtype=np.int64)
        self.given_up: list[tuple[int, int]] = []
        self._settled = 0

    def maximal_spans(self, first: int, n: int) -> list[tuple[int, int]]:
        """Return the maximal spans among the words `[first, n)`."""
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
        """Return the largest end, at most `n`, of a run that begins at `start` and occurs."""
        low = min(int(self._reached[start]), n)
        if low == n:
            return n
        by_reading = self._end_by_reading(start, low)
        if by_reading is not None:
            return min(by_reading, n)
        # Usually, no start before the first one that is known to reach the next word does; this search is cheap.
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
        """Return the smallest start after `low` of a run that occurs and ends at `end`; `end` if there is none.

        REQUIRES that the run from `low` to `end` does not occur.
        """
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
        """Return the largest end of a run from `start` on that occurs; None if it has to be searched.

        REQUIRES that the run from `start` to `end` occurs.
        """
        first, last = int(self._words[start, 0]), int(self._words[end - 1, 1]) if end > start else 0
        few = self._copies(first, first + copies.READ_FROM) if last - first >= copies.READ_FROM else None
        if few is None or len(few.places) == 0:
            return None
        end = int(np.searchsorted(self._words[:, 1], first + max(few.n_agreeing_from(self._text[first:])), "right"))
        self._note_reached(start, end)
        self._note_missed(start, end + 1)
        return end

    def _start_by_reading(self, start: int, end: int) -> int | None:
        """Return the smallest start of a run up to `end` that occurs; None if it has to be searched.

        REQUIRES that the run from `start` to `end` occurs, or is empty.
        """
        first, last = int(self._words[start, 0]) if start < end else 0, int(self._words[end - 1, 1])
        piece = last - copies.READ_FROM
        few = self._copies(piece, last) if start < end and first <= piece else None
        if few is None or len(few.places) == 0:
            return None
        start = int(np.searchsorted(self._words[:, 0], piece - max(few.n_agreeing_before(self._text[:piece]))))
        self._note_reached(start, end)
        self._note_missed(start - 1, end)
        return start

    def _copies(self, first: int, last: int) -> Copies | None:
        """Return the occurrences of the characters `[first, last)` of the text; each piece is searched once."""
        if (first, last) not in self._pieces:
            self._watch.report("search", self._settled, len(self._words), "words")
            piece = self._text[first:last]
            self._pieces[first, last] = Copies.of(self._index, self._vocabulary, piece, ignore_case=self._ignore_case)
        return self._pieces[first, last]

    def _occurs(self, start: int, end: int) -> bool:
        """Return whether the words `[start, end)` occur."""
        if end <= self._reached[start]:
            return True
        if end >= self._missed[start]:
            return False
        self._watch.report("search", self._settled, len(self._words), "words")
        occurs = self._search(start, end)
        if occurs:
            self._note_reached(start, end)
        else:
            self._note_missed(start, end)
        return occurs

    def _note_reached(self, start: int, end: int) -> None:
        """Note that the words `[start, end)` occur, and so does every run inside them."""
        self._reached[start:end] = np.maximum(self._reached[start:end], end)

    def _note_missed(self, start: int, end: int) -> None:
        """Note that the words `[start, end)` do not occur, nor does any run that contains them."""
        self._missed[: start + 1] = np.minimum(self._missed[: start + 1], end)

    def _search(self, start: int, end: int) -> bool:
        text = self._text[self._words[start, 0] : self._words[end - 1, 1]]
        if len(text) > LONGEST_TEXT:  # absent if its last part is; otherwise unknown
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
    """Split the words at delimiters into runs `[first, end)`; a word that a delimiter ends inside is in no run."""
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
    """Return, for each word, the end of the longest run of words from it on that occurs in the text's own tokens.

    The end is the word itself if no run occurs, and for all words if the text is not the bytes of its tokens.

    Raises:
        TokenizerError: the decoded text of the tokenizer is not the bytes of its tokens.
    """
    n, token_ids = len(words), subject.token_ids
    vocabulary = _vocabulary_of(subject)
    if n == 0 or vocabulary.join(token_ids) != text.encode():
        return np.arange(n)
    token_ends = np.cumsum(vocabulary.lengths[token_ids])
    starts, ends = first_bytes(text)[words].T
    first_tokens = np.searchsorted(token_ends, starts, side="right")
    lengths = match_lengths(index, token_ids, watch)[first_tokens]
    match_ends = np.where(lengths > 0, token_ends[np.maximum(first_tokens + lengths - 1, 0)], 0)
    reached = np.searchsorted(ends, match_ends, side="right")
    return np.maximum.accumulate(np.maximum(reached, np.arange(n)))


def _vocabulary_of(subject: Subject) -> TokenBytes:
    """Return the bytes of the tokens.

    Raises:
        TokenizerError: the decoded text of the tokenizer is not the bytes of its tokens.
    """
    vocabulary = None if subject.tokenizer is None else subject.tokenizer.token_bytes()
    if vocabulary is None:
        raise TokenizerError(
            "the decoded text of this index's tokenizer is not the bytes of its tokens, so a text can be traced only "
            "in its own tokens; leave out any_tokenization and ignore_case"
        )
    return vocabulary
