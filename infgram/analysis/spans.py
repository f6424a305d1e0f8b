"""The maximal spans of a sequence that occur in a corpus."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from infgram.index import Index
from infgram.types import Float64Array, Int64Array
from infgram.watch import Watch

_SPANS_AT_ONCE: Final = 4096
_DECIMALS: Final = 9  # of a log-probability: what the order of additions leaves sure

Mask = npt.NDArray[np.bool_]


class Spans(NamedTuple):
    """The spans `[start, end)` of a sequence in tokens, both ascending."""

    starts: Int64Array
    ends: Int64Array


def maximal_spans(
    lengths: Int64Array, *, min_length: int = 1, breaks: Mask | None = None, borders: Mask | None = None
) -> Spans:
    """The spans that occur and fulfil the conditions, and lie in no longer one that does.

    Each position has one candidate, the longest that may begin there; its end ascends with its start. So a span is
    maximal when it ends later than all that begin before it.

    Args:
        lengths: the longest match at each position.
        min_length: tokens of a span at least.
        breaks: of each token, whether no span goes on after it.
        borders: of each place between tokens, 0 to n, whether spans may begin and end there.
    """
    n = len(lengths)
    starts = np.arange(n)
    ends = starts + lengths
    if breaks is not None:
        stops = np.append(np.flatnonzero(breaks) + 1, n)
        ends = np.minimum(ends, stops[np.searchsorted(stops, starts, side="right")])
    if borders is not None:
        places = np.flatnonzero(borders)
        starts = places[places < n]
        ends = places[np.searchsorted(places, ends[starts], side="right") - 1]
    reached = np.maximum.accumulate(np.append(0, ends))[:-1]
    keep = (ends > reached) & (ends - starts >= max(1, min_length))
    return Spans(starts[keep], ends[keep])


def counts_of(index: Index, token_ids: Int64Array, spans: Spans, watch: Watch) -> Int64Array:
    """How often each span occurs."""
    parts = [np.empty(0, dtype=np.int64)]
    for first in range(0, len(spans.starts), _SPANS_AT_ONCE):
        watch.report("count", first, len(spans.starts), "spans")
        some = slice(first, first + _SPANS_AT_ONCE)
        parts.append(index.count_spans(token_ids, spans.starts[some], spans.ends[some]))
    return np.concatenate(parts)


def unigram_log_probs(index: Index, token_ids: Int64Array, spans: Spans) -> Float64Array:
    """Of each span, which occurs, the sum of log(count / n_tokens) over its tokens: nats, to nine decimals."""
    distinct, which = np.unique(token_ids, return_inverse=True)
    counts = index.count_batch(distinct.reshape(-1, 1))
    log_probs = np.log(np.maximum(counts, 1) / max(1, index.n_tokens))[which]
    sums = np.append(0.0, np.cumsum(log_probs))
    return np.asarray(np.round(sums[spans.ends] - sums[spans.starts], _DECIMALS), dtype=np.float64)
