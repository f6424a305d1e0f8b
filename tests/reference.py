"""The reference implementation: every query of `infgram`, answered in the slow and obvious way.

It is plain Python over lists of token ids. It imports neither `infgram` nor NumPy, so that they cannot share a mistake.
The definitions are those of `docs/glossary.md`:

- An occurrence is inside one document. `count([])` is `n_tokens`.
- The next token after an occurrence at the end of a document is `END_OF_DOCUMENT`; the context count includes it.
- A clause occurs at the places where one of its terms begins. An AND of ORs occurs at the places of its first clause
  that have places of all other clauses within the maximum distance.
- Suffixes are compared up to the end of their document, which sorts below every token; equal suffixes, by position.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

END_OF_DOCUMENT = -1
Clauses = Sequence[Sequence[Sequence[int]]]
"""An AND of ORs of n-grams."""
_MASK_64 = 2**64 - 1


class Place(NamedTuple):
    """A position: the offset in tokens inside the document `document_id`."""

    document_id: int
    offset: int


class Suffix(NamedTuple):
    """A suffix of a context: its length in tokens, and its number of occurrences."""

    length: int
    occurrences: int


class Distribution(NamedTuple):
    """The next tokens after a context; `suffix_length` is the number of context tokens that were used."""

    token_ids: list[int]
    counts: list[int]
    context_count: int
    n_distinct: int
    suffix_length: int

    @property
    def log_probs(self) -> list[float]:
        return [math.log(count / self.context_count) for count in self.counts]

    @property
    def is_sparse(self) -> bool:
        return self.n_distinct == 1


class Prediction(NamedTuple):
    """The prediction of one token by the ∞-gram."""

    token_id: int
    suffix_length: int
    context_count: int
    continuation_count: int
    is_sparse: bool

    @property
    def log_prob(self) -> float:
        if self.continuation_count == 0:
            return -math.inf
        return math.log(self.continuation_count / self.context_count)


class ReferenceIndex:
    """Answers queries by examining every position of every document.

    Args:
        documents: the token ids of each document, in corpus order.
        vocab_size: valid token ids are 0 to `vocab_size - 1`.
        document_ids: the number of each document, ascending; None for 0, 1, 2, …
    """

    def __init__(
        self, documents: Sequence[Sequence[int]], vocab_size: int, document_ids: Sequence[int] | None = None
    ) -> None:
        self.documents = [list(document) for document in documents]
        self.document_ids = list(range(len(documents)) if document_ids is None else document_ids)
        self.tokens_of = dict(zip(self.document_ids, self.documents, strict=True))
        self.vocab_size = vocab_size
        self._places: dict[tuple[int, ...], list[Place]] = {}
        for document in self.documents:
            self._check(document)

    @property
    def n_documents(self) -> int:
        return len(self.documents)

    @property
    def n_tokens(self) -> int:
        return sum(len(document) for document in self.documents)

    def count(self, query: Sequence[int]) -> int:
        """Return the number of occurrences of `query`; the empty query occurs at every token."""
        return len(self.places(query)) if query else self.n_tokens

    def locate(self, query: Sequence[int], limit: int | None = None) -> list[Place]:
        """Return the places of `query` in suffix order."""
        begins_with_a_token = [place for place in self.places(query) if self._suffix(place)]
        return sorted(begins_with_a_token, key=lambda place: (self._suffix(place), place))[:limit]

    def suffix_array(self) -> list[Place]:
        """Return the places of all tokens in suffix order."""
        return self.locate([])

    def next_token_distribution(self, context: Sequence[int], *, top_k: int | None = None) -> Distribution:
        """Return the next tokens after the whole `context`."""
        return self._distribution(context, len(context), top_k)

    def longest_suffix(self, context: Sequence[int], *, min_count: int = 1) -> Suffix:
        """Return the longest suffix of `context` that occurs at least `min_count` times, or the empty suffix."""
        for length in range(len(context), 0, -1):
            count = self.count(_last(context, length))
            if count >= min_count:
                return Suffix(length, count)
        return Suffix(0, self.n_tokens)

    def infgram_distribution(
        self, context: Sequence[int], *, min_count: int = 1, top_k: int | None = None
    ) -> Distribution:
        """Return the next tokens after the longest suffix of `context`."""
        return self._distribution(context, self.longest_suffix(context, min_count=min_count).length, top_k)

    def infgram_log_prob(self, context: Sequence[int], token: int, *, min_count: int = 1) -> Prediction:
        """Predict `token` (or `END_OF_DOCUMENT`) after the longest suffix of `context`."""
        rows = self.infgram_distribution(context, min_count=min_count)
        continuation_count = dict(zip(rows.token_ids, rows.counts, strict=True)).get(token, 0)
        return Prediction(token, rows.suffix_length, rows.context_count, continuation_count, rows.is_sparse)

    def score(self, tokens: Sequence[int], *, min_count: int = 1, end: bool = False) -> list[Prediction]:
        """Predict each token after the preceding ones; with `end`, also the end of the document after all tokens."""
        predicted = [*tokens, END_OF_DOCUMENT] if end else [*tokens]
        return [
            self.infgram_log_prob(tokens[:position], token, min_count=min_count)
            for position, token in enumerate(predicted)
        ]

    def longest_matches(self, tokens: Sequence[int]) -> list[Suffix]:
        """Return, for each position, the longest run of tokens from it on that occurs, and its count."""
        matches = []
        for position in range(len(tokens)):
            length = len(tokens) - position
            while length > 0 and self.count(tokens[position : position + length]) == 0:
                length -= 1
            matches.append(Suffix(length, self.count(tokens[position : position + length])))
        return matches

    def document_count(self, query: Sequence[int]) -> int:
        """Return the number of documents that contain `query`."""
        return len({place.document_id for place in self.places(query) if self._suffix(place)})

    def occurrences(self, clauses: Clauses, max_distance: int | None = None) -> list[Place]:
        """Return the places of an AND of ORs: each place of its first clause that is close to all other clauses.

        A place of a clause is where one of its terms begins. A place is close to all other clauses if some window of
        `max_distance` + 1 tokens (None: the document) contains it and a place of each other clause.
        """
        begins: list[dict[int, set[int]]] = []
        for terms in clauses:
            begins.append({})
            for term in terms:
                if not term:
                    raise ValueError("an empty term; expected at least one token")
                for document_id, offset in self.places(term):
                    begins[-1].setdefault(document_id, set()).add(offset)
        return [
            Place(document_id, offset)
            for document_id, offsets in begins[0].items()
            for offset in sorted(offsets)
            if _meets([others.get(document_id, set()) for others in begins[1:]], offset, max_distance)
        ]

    def search(
        self, clauses: Clauses, *, max_distance: int | None = None, limit: int = 10, seed: int | None = None
    ) -> dict[int, list[int]]:
        """Return the documents with an AND of ORs and its offsets, by id or, with a seed, by `priority`."""
        found: dict[int, list[int]] = {}
        for document_id, offset in self.occurrences(clauses, max_distance):
            found.setdefault(document_id, []).append(offset)
        order = sorted(found) if seed is None else sorted(found, key=lambda document: priority(seed, document))
        return {document_id: found[document_id] for document_id in order[:limit]}

    def sampled_places(self, query: Sequence[int], *, limit: int, seed: int) -> list[Place]:
        """Return documents that contain `query`, by `priority`, each with its first occurrence in suffix order."""
        first: dict[int, Place] = {}
        for place in self.locate(query):
            first.setdefault(place.document_id, place)
        return sorted(first.values(), key=lambda place: (priority(seed, place.document_id), place.document_id))[:limit]

    def maximal_spans(
        self,
        tokens: Sequence[int],
        *,
        min_length: int = 1,
        max_count: float = math.inf,
        breaks: Collection[int] = (),
        borders: Collection[int] | None = None,
    ) -> list[tuple[int, int]]:
        """Return the spans of `tokens` that satisfy all conditions and are not inside another such span.

        Spans do not extend beyond a token whose position is in `breaks`. They begin and end at `borders`, which are
        positions between tokens, from 0 to the length.
        """

        def is_allowed(start: int, end: int) -> bool:
            return (
                end - start >= min_length
                and 0 < self.count(tokens[start:end]) <= max_count
                and not any(position in breaks for position in range(start, end - 1))
                and (borders is None or (start in borders and end in borders))
            )

        n = len(tokens)
        allowed = [(start, end) for start in range(n) for end in range(start + 1, n + 1) if is_allowed(start, end)]
        return [
            (start, end)
            for start, end in allowed
            if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in allowed)
        ]

    def unigram_log_prob(self, tokens: Sequence[int]) -> float:
        """Return the sum of the unigram log-probabilities of the tokens, each of which must occur."""
        return math.fsum(math.log(self.count([token]) / self.n_tokens) for token in tokens)

    def ending_lengths(self, tokens: Sequence[int]) -> list[int]:
        """Return, for each token, the length of the longest run of tokens that occurs and ends with it."""
        return [
            max(length for length in range(end + 1) if length == 0 or self.count(tokens[end - length : end]) > 0)
            for end in range(1, len(tokens) + 1)
        ]

    def seen_n_grams(self, tokens: Sequence[int], n: int) -> list[bool]:
        """Return, for each n-gram of `tokens`, whether it occurs."""
        return [self.count(tokens[start : start + n]) > 0 for start in range(len(tokens) - n + 1)]

    def duplicate_spans(self, min_tokens: int) -> list[list[tuple[int, int]]]:
        """Return, for each document, the spans `[start, end)` covered by runs of `min_tokens` that occur earlier."""
        seen: set[tuple[int, ...]] = set()
        found = []
        for document in self.documents:
            is_duplicate = [False] * len(document)
            for offset in range(len(document) - min_tokens + 1):
                run = tuple(document[offset : offset + min_tokens])
                if run in seen:
                    is_duplicate[offset : offset + min_tokens] = [True] * min_tokens
                seen.add(run)
            found.append(_runs(is_duplicate))
        return found

    def cooccurrences(self, clauses: Sequence[Sequence[Sequence[int]]], max_distance: int) -> list[Place]:
        """Return the leftmost place of each co-occurrence as defined by the public infini-gram API, in corpus order.

        A co-occurrence begins as a place of the rarest clause. For each other clause, by increasing number of places,
        it is extended to the nearest places to its left and to its right that are at most `max_distance` tokens away,
        and discarded if there are none.
        """
        places = [sorted({place for term in clause for place in self.places(term)}) for clause in clauses]
        rarest, *others = sorted(places, key=len)
        found = []
        for document_id, offset in rarest:
            first = last = offset
            for other in others:
                offsets = [place.offset for place in other if place.document_id == document_id]
                left = [at for at in offsets if at < last][-1:]
                right = [at for at in offsets if at >= first][:1]
                near = [at for at in left if at >= first - max_distance]
                near += [at for at in right if at <= last + max_distance]
                if not near:
                    break
                first, last = min(first, *near), max(last, *near)
            else:
                found.append(Place(document_id, first))
        return found

    def places(self, query: Sequence[int]) -> list[Place]:
        """Return the places of `query` in corpus order; the empty query also occurs at the end of each document."""
        self._check(query)
        wanted, length = list(query), len(query)
        if tuple(wanted) not in self._places:
            self._places[tuple(wanted)] = [
                Place(document_id, offset)
                for document_id, document in self.tokens_of.items()
                for offset in range(len(document) - length + 1)
                if document[offset : offset + length] == wanted
            ]
        return self._places[tuple(wanted)]

    def _distribution(self, context: Sequence[int], suffix_length: int, top_k: int | None) -> Distribution:
        places = self.places(_last(context, suffix_length))
        counts = Counter(self._token_at(document_id, offset + suffix_length) for document_id, offset in places)
        rows = sorted(counts.items())
        if top_k is not None:
            rows = sorted(rows, key=lambda row: (-row[1], row[0]))[:top_k]
        return Distribution(
            token_ids=[token for token, _ in rows],
            counts=[count for _, count in rows],
            context_count=len(places),
            n_distinct=len(counts),
            suffix_length=suffix_length,
        )

    def _token_at(self, document_id: int, offset: int) -> int:
        document = self.tokens_of[document_id]
        return document[offset] if offset < len(document) else END_OF_DOCUMENT

    def _suffix(self, place: Place) -> list[int]:
        """Return the rest of the document; Python also sorts a list before its extensions."""
        return self.tokens_of[place.document_id][place.offset :]

    def _check(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            if not 0 <= token < self.vocab_size:
                raise ValueError(f"token id {token} is not in the vocabulary; expected 0 to {self.vocab_size - 1}")


def _meets(others: list[set[int]], offset: int, max_distance: int | None) -> bool:
    """Return whether one window contains the offset and an offset of each of the others."""
    if max_distance is None:
        return all(others)
    windows = [range(begin, begin + max_distance + 1) for begin in range(offset - max_distance, offset + 1)]
    return any(all(any(other in window for other in offsets) for offsets in others) for window in windows)


def bm25(query: Sequence[int], documents: Sequence[Sequence[int]], k1: float = 1.2, b: float = 0.75) -> list[float]:
    """Return the Okapi BM25 score of each document, with a non-negative idf; repeated query terms count repeatedly."""
    mean_length = sum(map(len, documents)) / len(documents)

    def weight(term: int, document: Sequence[int]) -> float:
        n_holding = sum(term in other for other in documents)
        idf = math.log(1 + (len(documents) - n_holding + 0.5) / (n_holding + 0.5))
        frequency = document.count(term)
        return idf * frequency * (k1 + 1) / (frequency + k1 * (1 - b + b * len(document) / mean_length))

    return [math.fsum(weight(term, document) for term in query if term in document) for document in documents]


def text_places(texts: Sequence[str], query: str, *, ignore_case: bool = False) -> list[Place]:
    """Return the places of `query` in the texts, including overlapping ones; offsets are in characters."""
    length = len(query)
    return [
        Place(document_id, offset)
        for document_id, text in enumerate(texts)
        for offset in range(len(text) - length + 1)
        if text[offset : offset + length] == query
        or (ignore_case and [*map(fold, text[offset : offset + length])] == [*map(fold, query)])
    ]


def words_of(text: str) -> list[tuple[int, int]]:
    """Return the runs `[start, end)` of letters, digits and underscores."""
    is_word = [character.isalnum() or character == "_" for character in text]
    return _runs(is_word)


def maximal_word_spans(
    texts: Sequence[str], text: str, *, ignore_case: bool = False, min_words: int = 1, breaks: Collection[int] = ()
) -> dict[tuple[int, int], int]:
    """Return the runs of whole words of `text` that occur in `texts` and are not inside another such run, with counts.

    Runs do not extend beyond a character whose position is in `breaks`.
    """
    words = words_of(text)
    allowed = {}
    for first in range(len(words)):
        for last in range(first + min_words - 1, len(words)):
            start, end = words[first][0], words[last][1]
            count = len(text_places(texts, text[start:end], ignore_case=ignore_case))
            if count and not any(place in breaks for place in range(start, end - 1)):
                allowed[start, end] = count
    return {
        (start, end): count
        for (start, end), count in allowed.items()
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in allowed)
    }


def fold(character: str) -> str:
    """Fold a character: its `casefold` if that is one character, else its `lower` if that is, else itself."""
    if len(character.casefold()) == 1:
        return character.casefold()
    return character.lower() if len(character.lower()) == 1 else character


def priority(seed: int, document_id: int) -> int:
    """Return the sort key of a document in a seeded sample, smallest first: 64 bits of splitmix64."""
    x = (seed * 0x9E3779B97F4A7C15 + document_id + 1) & _MASK_64
    x ^= x >> 30
    x = (x * 0xBF58476D1CE4E5B9) & _MASK_64
    x ^= x >> 27
    x = (x * 0x94D049BB133111EB) & _MASK_64
    return x ^ (x >> 31)


def _runs(flags: list[bool]) -> list[tuple[int, int]]:
    """Return the maximal runs `[start, end)` of True."""
    padded = [False, *flags, False]
    borders = [place for place in range(len(flags) + 1) if padded[place] != padded[place + 1]]
    return list(zip(borders[::2], borders[1::2], strict=True))


def _last(context: Sequence[int], length: int) -> list[int]:
    return list(context[len(context) - length :])


def cache_distribution(document: Sequence[int], vocab_size: int, order: int) -> list[float]:
    """Return the next-token distribution of an n-gram cache of `document`, smoothed by Witten and Bell's method."""
    probabilities = [1 / vocab_size] * vocab_size
    for length in range(order + 1):
        followers = Counter(
            document[place]
            for place in range(length, len(document))
            if length <= len(document) and document[place - length : place] == document[len(document) - length :]
        )
        if followers:
            total = sum(followers.values()) + len(followers)
            probabilities = [
                (followers[token] + len(followers) * probabilities[token]) / total for token in range(vocab_size)
            ]
    return probabilities


def running_averages(values: Sequence[float], horizon: float) -> list[float]:
    """Return, for each value, the exponentially decaying average of the preceding values, which begins with 0."""
    averages, average = [], 0.0
    for value in values:
        averages.append(average)
        average += (value - average) / horizon
    return averages


def mixture_weights(probabilities: Sequence[Sequence[float]], rounds: int) -> list[float]:
    """Fit weights by expectation maximization from equal weights; one row per position, one column per model."""
    n_models = len(probabilities[0])
    weights = [1 / n_models] * n_models
    for _ in range(rounds):
        sums = [0.0] * n_models
        for row in probabilities:
            total = sum(weight * value for weight, value in zip(weights, row, strict=True))
            for model in range(n_models):
                sums[model] += weights[model] * row[model] / total
        weights = [value / len(probabilities) for value in sums]
    return weights


def context_of(offset: int, context_length: int, stride: int, begin: int) -> int:
    """Return the begin of the context of the token at `offset`: that of the first window that ends there or later."""
    first = begin
    while first + context_length < offset:
        first += stride
    return first
