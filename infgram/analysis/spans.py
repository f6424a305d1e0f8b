"""The maximal spans of a sequence that occur in a corpus."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from infgram.index import Index
from infgram.types import Float64Array, Int64Array
from infgram.watch import Watch

_SPANS_AT_ONCE: Final = 4096
_DECIMALS: Final = 9  # of a log-probability: these do not depend on the order of additions

Mask = npt.NDArray[np.bool_]


class Spans(NamedTuple):
    """The spans `[start, end)` of a sequence in tokens; starts and ends are ascending."""

    starts: Int64Array
    ends: Int64Array


def maximal_spans(
    lengths: Int64Array, *, min_length: int = 1, breaks: Mask | None = None, borders: Mask | None = None
) -> Spans:
    """Return the spans that occur and satisfy the conditions, and are not inside a longer such span.

    Each position has one candidate, the longest span that may begin there. Its end is non-decreasing in its start, so a
    candidate is maximal if it ends after all candidates that begin before it.

    Args:
        lengths: the length of the longest match at each position.
        min_length: the minimum length of a span in tokens.
        breaks: for each token, whether spans must not extend beyond it.
        borders: for each position between tokens, 0 to n, whether spans may begin and end there.
    """
    n = len(lengths)
    starts = np.arange(n)
    ends = starts + lengths
    if breaks is not None:
        stops = np.append(np.flatnonzero(breaks) + 1, n)
        ends = np.minimum(ends, stops[np.searchsorted(stops, starts, side="right")])
    if borders is not None:
        positions = np.flatnonzero(borders)
        starts = positions[positions < n]
        ends = positions[np.searchsorted(positions, ends[starts], side="right") - 1]
    previous_end = np.maximum.accumulate(np.append(0, ends))[:-1]
    is_maximal = (ends > previous_end) & (ends - starts >= max(1, min_length))
    return Spans(starts[is_maximal], ends[is_maximal])


def counts_of(index: Index, token_ids: Int64Array, spans: Spans, watch: Watch) -> Int64Array:
    """Return the number of occurrences of each span."""
    parts = [np.empty(0, dtype=np.int64)]
    for first in range(0, len(spans.starts), _SPANS_AT_ONCE):
        watch.report("count", first, len(spans.starts), "spans")
        some = slice(first, first + _SPANS_AT_ONCE)
        parts.append(index.count_spans(token_ids, spans.starts[some], spans.ends[some]))
    return np.concatenate(parts)


def unigram_log_probs(index: Index, token_ids: Int64Array, spans: Spans) -> Float64Array:
    """Return the sum of log(count / n_tokens) over the tokens of each span, in nats, rounded to nine decimals."""
    distinct, which = np.unique(token_ids, return_inverse=True)
    counts = index.count_batch(distinct.reshape(-1, 1))
    log_probs = np.log(np.maximum(counts, 1) / max(1, index.n_tokens))[which]
    sums = np.append(0.0, np.cumsum(log_probs))
    return np.asarray(np.round(sums[spans.ends] - sums[spans.starts], _DECIMALS), dtype=np.float64)
