"""Weights for Jelinek–Mercer smoothing, fitted to text that is not in the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from infgram.arguments import at_least, callback, several
from infgram.index import Index
from infgram.lm.models.contexts import contexts_of, tokens_of
from infgram.types import Float64Array, Query


def jelinek_mercer_weights(
    index: Index,
    documents: Iterable[Query],
    *,
    n: int | None = None,
    min_count: int = 1,
    rounds: int = 20,
    progress: Callable[[int], None] | None = None,
) -> Float64Array:
    """The weights under which the documents are most likely, by expectation-maximisation.

    A context's weight depends on its class: its length, and its count in powers of two. The prior is one token made by
    a context of each class and one passed on, so no weight is 0 or 1. Text of the index itself would give all weight
    to the longest suffix: use other text, some ten thousand tokens at least.

    Args:
        index: an open index.
        documents: text or token ids, which are not in the index.
        n: the order of the model; None for none.
        min_count: of the model.
        rounds: how often the weights are made better. A fraction of a microsecond a position and round.
        progress: called after each document with the number of documents done.

    Returns:
        float64, a row a class of lengths (0, 1, …, 10, more) and a column a class of counts (1, 2–3, 4–7, …); 1/2
        where there was nothing to fit. `InfgramLM(…, "jelinek_mercer", weights=…)` takes it.
    """

    def encoded() -> Iterator[Any]:
        for number, document in enumerate(several(documents, "documents"), start=1):
            yield tokens_of(index, document)
            if progress is not None:
                progress(number)

    callback(progress, "progress")
    order = 0 if n is None else at_least(n, 1, "n")
    return contexts_of(index).fit_jelinek_mercer(
        encoded(), order, at_least(min_count, 1, "min_count"), at_least(rounds, 0, "rounds")
    )
