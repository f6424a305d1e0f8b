"""The reference implementation of language models: each smoothing method as in its paper, over `tests/reference.py`.

It is plain Python, and computes the probability of one row at a time, by recursion from the longest suffix to the empty
one. A row is a token or the end of the document. A suffix with the same count as the next longer suffix occurs at the
same places; such suffixes are one context, represented by the longest.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache

from tests.reference import END_OF_DOCUMENT, ReferenceIndex

SURVEYED_ORDERS = 8
PASSING_ON = 128
LENGTH_CLASSES, COUNT_CLASSES = 12, 24

Context = tuple[int, ...]
Rows = dict[int, int]


class ReferenceLM:
    """A smoothed model: `probability(context, row)` for a token or `END_OF_DOCUMENT`.

    Args:
        index: the corpus.
        smoothing: the name of the method.
        n: the order; None for unbounded order.
        min_count: the minimum count of the suffixes that are used.
        end_token: the token whose probability includes the probability of the end of the document.
        weights: the weights of Jelinek–Mercer: one row per class of lengths, one column per class of counts.
    """

    def __init__(
        self,
        index: ReferenceIndex,
        smoothing: str,
        *,
        n: int | None = None,
        min_count: int = 1,
        end_token: int | None = None,
        weights: Sequence[Sequence[float]] | None = None,
    ) -> None:
        self.index = index
        self.n = n
        self.min_count = min_count
        self.end_token = end_token
        self.weights = weights
        self.uniform = 1 / (index.vocab_size + 1)
        self.rows: Callable[[Context], Rows] = cache(self._rows)
        self.lefts: Callable[[Context], Rows] = cache(self._lefts)
        self._method: Callable[[list[Context], int], float] = getattr(self, f"_{smoothing}")

    def probability(self, context: Sequence[int], row: int) -> float:
        """Return the probability of a row after a context; for `end_token`, including the end of the document."""
        contexts = self.contexts(context)
        if self.end_token is not None and row in (END_OF_DOCUMENT, self.end_token):
            return self._method(contexts, END_OF_DOCUMENT) + self._method(contexts, self.end_token)
        return self._method(contexts, row)

    def log_prob(self, context: Sequence[int], row: int) -> float:
        p = self.probability(context, row)
        return math.log(p) if p > 0 else -math.inf

    def distribution(self, context: Sequence[int]) -> list[float]:
        """Return the probabilities of all tokens and, without an `end_token`, of the end of the document."""
        ends = [] if self.end_token is not None else [END_OF_DOCUMENT]
        return [self.probability(context, row) for row in [*range(self.index.vocab_size), *ends]]

    def contexts(self, context: Sequence[int]) -> list[Context]:
        """Return the suffixes that are used, longest first; of suffixes with equal counts, only the longest."""
        longest = len(context) if self.n is None else min(len(context), self.n - 1)
        suffixes = [tuple(context[len(context) - length :]) for length in range(longest, 0, -1)]
        used: list[Context] = []
        for suffix in suffixes:
            count = sum(self.rows(suffix).values())
            if count >= self.min_count and not (used and sum(self.rows(used[-1]).values()) == count):
                used.append(suffix)
        return [*used, ()]

    # Smoothing methods: each takes the contexts, longest first, and the row

    def _none(self, contexts: list[Context], row: int) -> float:
        rows = self.rows(contexts[0])
        return rows.get(row, 0) / sum(rows.values())

    def _stupid_backoff(self, contexts: list[Context], row: int) -> float:
        if not contexts:
            return 0
        rows = self.rows(contexts[0])
        if row in rows:
            return rows[row] / sum(rows.values())
        return 0.4 * self._stupid_backoff(contexts[1:], row)

    def _jelinek_mercer(self, contexts: list[Context], row: int) -> float:
        if not contexts:
            return self.uniform
        rows = self.rows(contexts[0])
        count = sum(rows.values())
        length_class = min(len(contexts[0]), LENGTH_CLASSES - 1)
        count_class = min(int(math.log2(count)), COUNT_CLASSES - 1)
        weight = 0.5 if self.weights is None else self.weights[length_class][count_class]
        return weight * rows.get(row, 0) / count + (1 - weight) * self._jelinek_mercer(contexts[1:], row)

    def _witten_bell(self, contexts: list[Context], row: int) -> float:
        if not contexts:
            return self.uniform
        rows = self.rows(contexts[0])
        lower = self._witten_bell(contexts[1:], row)
        return (rows.get(row, 0) + len(rows) * lower) / (sum(rows.values()) + len(rows))

    def _kneser_ney(self, contexts: list[Context], row: int) -> float:
        """Here, suffixes shorter than `PASSING_ON` are contexts even if they occur at the same places."""
        lower = self.uniform
        for length in range(len(contexts[0]) + 1):
            context = contexts[0][len(contexts[0]) - length :]
            if length < PASSING_ON or context in contexts:
                lower = self._kneser_ney_of(context, row, lower)
        return lower

    def _kneser_ney_of(self, context: Context, row: int, lower: float) -> float:
        order = len(context) + 1
        values = self.rows(context) if order == self.n else self.lefts(context)
        total = sum(values.values())
        if total == 0:
            return lower
        discounts = self.discounts(order, of_counts=order == self.n)
        kept = max(values.get(row, 0) - _discount(discounts, values.get(row, 0)), 0)
        return (kept + sum(_discount(discounts, value) for value in values.values()) * lower) / total

    def _ppm(self, contexts: list[Context], row: int) -> float:
        """Back off with exclusion, from the shortest context with one row only, or else from the longest context."""
        certain = [context for context in contexts if len(self.rows(context)) == 1]
        contexts = contexts[contexts.index(certain[-1]) :] if certain else contexts
        n_rows = self.index.vocab_size + 1
        excluded: set[int] = set()
        mass = 1.0
        for context in contexts:
            rows = {code: count for code, count in self.rows(context).items() if code not in excluded}
            if not rows:
                continue
            discount = 0 if len(self.rows(context)) == n_rows else 0.5
            total = sum(rows.values())
            if row in rows:
                return mass * (rows[row] - discount) / total
            mass *= discount * len(rows) / total
            excluded |= set(rows)
        return mass / (n_rows - len(excluded))

    # The counts of Kneser–Ney

    @cache  # noqa: B019  # a model lives as long as its test
    def discounts(self, order: int, *, of_counts: bool) -> tuple[float, float, float]:
        """Return Chen and Goodman's estimates from the n-grams that occur one to four times, for n up to 8."""
        order = min(order, SURVEYED_ORDERS)
        contexts = {
            tuple(document[offset : offset + order - 1])
            for document in self.index.documents
            for offset in range(len(document) - order + 2)
        }
        values = [
            value
            for context in contexts
            for value in (self.rows(context) if of_counts else self.lefts(context)).values()
        ]
        n_1, n_2, n_3, n_4 = (values.count(value) for value in (1, 2, 3, 4))
        if 0 in (n_1, n_2, n_3, n_4):
            return (0.5, 1.0, 1.5)
        y = n_1 / (n_1 + 2 * n_2)
        estimates = (1 - 2 * y * n_2 / n_1, 2 - 3 * y * n_3 / n_2, 3 - 4 * y * n_4 / n_3)
        if any(not 0 <= estimate <= most for estimate, most in zip(estimates, (1, 2, 3), strict=True)):
            return (0.5, 1.0, 1.5)
        return estimates

    def _rows(self, context: Context) -> Rows:
        """Return the rows after a context with their counts."""
        distribution = self.index.next_token_distribution(context)
        return dict(zip(distribution.token_ids, distribution.counts, strict=True))

    def _lefts(self, context: Context) -> Rows:
        """Return the rows after a context with their continuation counts.

        These are the numbers of distinct tokens before the n-gram, where the beginning of a document counts as one. An
        n-gram that only begins documents has its count instead.
        """
        before: dict[int, set[int | None]] = {}
        for document, offset in self.index.places(context):
            tokens = self.index.tokens_of[document]
            end = offset + len(context)
            row = tokens[end] if end < len(tokens) else END_OF_DOCUMENT
            before.setdefault(row, set()).add(tokens[offset - 1] if offset > 0 else None)
        if not context:  # the first token of a document is not predicted
            return {row: len(tokens - {None}) for row, tokens in before.items()}
        return {row: len(tokens) if tokens != {None} else self.rows(context)[row] for row, tokens in before.items()}


def fitted_weights(
    index: ReferenceIndex, documents: Sequence[Sequence[int]], *, n: int | None, min_count: int, rounds: int
) -> list[list[float]]:
    """Fit the weights of Jelinek–Mercer by expectation maximization.

    The prior of each class is one token that is generated by the class, and one that is passed on to the next context.
    """
    weights = [[0.5] * COUNT_CLASSES for _ in range(LENGTH_CLASSES)]
    for _ in range(rounds):
        model = ReferenceLM(index, "jelinek_mercer", n=n, min_count=min_count, weights=weights)
        made: defaultdict[tuple[int, int], float] = defaultdict(float)
        reached: defaultdict[tuple[int, int], float] = defaultdict(float)
        for document in documents:
            for position in range(1, len(document)):
                arrives = 1.0
                contexts = model.contexts(document[:position])
                for number, context in enumerate(contexts):
                    rows = model.rows(context)
                    count = sum(rows.values())
                    level_class = min(len(context), LENGTH_CLASSES - 1), min(int(math.log2(count)), COUNT_CLASSES - 1)
                    weight = weights[level_class[0]][level_class[1]]
                    p = model._jelinek_mercer(contexts[number:], document[position])
                    stays = weight * rows.get(document[position], 0) / count / p
                    reached[level_class] += arrives
                    made[level_class] += arrives * stays
                    arrives *= 1 - stays
        weights = [
            [(made[length, count] + 1) / (reached[length, count] + 2) for count in range(COUNT_CLASSES)]
            for length in range(LENGTH_CLASSES)
        ]
    return weights


def _discount(discounts: tuple[float, float, float], value: int) -> float:
    return discounts[min(value, 3) - 1] if value > 0 else 0
