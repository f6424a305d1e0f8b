"""Duplicates: passages that the corpus holds more than once, found in one pass over the suffix array."""

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
    """Find every passage of at least `min_tokens` tokens that stands earlier in the index, too.

    A token is duplicate when it lies in a run of `min_tokens` tokens of its document that occurs earlier: in a
    document before, in the same document further up, or in an index before it in a union. So the first copy stays.
    Copies may overlap: of one token repeated a thousand times, all but the first are duplicate. (The exact substrings
    of Lee, Ippolito, Nystrom, Zhang, Eck, Callison-Burch and Carlini, "Deduplicating training data makes language
    models better", ACL 2022, whose default is 50 tokens, too.)

    Cost: one pass over the suffix array with a random read of the text a token, much less than sorting it; with
    several shards their arrays are merged besides. A bit of memory a token.

    Args:
        index: one index, or several opened as one.
        min_tokens: the shortest passage that counts, at least 1.
        threads: at most so many; None for all cores.
        timeout_s: seconds that it may take; None for as long as it needs.
        progress: called now and then.

    Returns:
        The duplicates: iterate over them document by document, and see their `totals`.

    Raises:
        QueryError: an argument is out of its range.
        TimeLimitError: it took longer than `timeout_s`.

    Examples:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     documents = [[1, 2, 3, 4], [9, 2, 3, 4, 9]]
        ...     with infgram.build_from_tokens(documents, f"{folder}/x", vocab_size=10) as index:
        ...         [(found.document_id, found.spans.tolist()) for found in infgram.dedup(index, min_tokens=3)]
        [(1, [[1, 4]])]
    """
    watch = Watch(timeout_s, progress)
    n_tokens = checked_index(index).n_tokens
    return index.duplicates(
        min_tokens=min_tokens,
        threads=checked_threads(threads),
        progress=lambda done: watch.report("find", done, n_tokens, "tokens"),
    )
