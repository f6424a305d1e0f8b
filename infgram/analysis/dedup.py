"""Deduplication: find repeated passages of the corpus in one pass over the suffix array."""

from __future__ import annotations

from infgram.arguments import checked_threads
from infgram.duplicates import Duplicates
from infgram.index import Index, checked_index
from infgram.watch import Progress, Watch


def dedup(
    index: Index,
    *,
    min_tokens: int = 50,
    threads: int | None = None,
    timeout_s: float | None = None,
    progress: Progress | None = None,
) -> Duplicates:
    """Find every passage of at least `min_tokens` tokens that also occurs earlier in the index.

    A token is a duplicate if it lies in a run of `min_tokens` tokens of its document that occurs earlier: in a
    preceding document, earlier in the same document, or in a preceding index of a union. So the first copy is kept.
    Copies may overlap: of one token repeated a thousand times, all but the first are duplicates. The definition is the
    exact substring deduplication of Lee, Ippolito, Nystrom, Zhang, Eck, Callison-Burch and Carlini, "Deduplicating
    training data makes language models better", ACL 2022, whose default is also 50 tokens.

    Cost: one pass over the suffix array with one random read of the text per token, much less than sorting it. The
    arrays of several shards are also merged. Memory: one bit per token.

    Args:
        index: one index, or several opened as a union.
        min_tokens: the minimum length of a passage in tokens, at least 1.
        threads: the maximum number of threads; None for all cores.
        timeout_s: time limit in seconds; None for no limit.
        progress: called from time to time.

    Returns:
        The duplicates: iterate over them document by document, or read their `totals`.

    Raises:
        QueryError: an argument is out of range.
        TimeLimitError: the time limit was exceeded.

    Examples:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     documents = [[1, 2, 3, 4], [9, 2, 3, 4, 9]]
        ...     with infgram.build_from_tokens(documents, f"{folder}/x", vocab_size=10) as index:
        ...         [(document.document_id, document.spans.tolist()) for document in infgram.dedup(index, min_tokens=3)]
        [(1, [[1, 4]])]
    """
    watch = Watch(timeout_s, progress)
    n_tokens = checked_index(index).n_tokens
    return index.duplicates(
        min_tokens=min_tokens,
        threads=checked_threads(threads),
        progress=lambda done: watch.report("find", done, n_tokens, "tokens"),
    )
