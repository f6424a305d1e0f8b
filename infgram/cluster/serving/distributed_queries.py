"""The queries of a deployed index: which queries to send to each group, and how to merge their answers exactly.

Documents do not span shards, so counts add up. The longest suffix of the index is the longest in any group; groups with
a shorter one have no occurrence of it. For `min_count` above 1, the length depends on summed counts: each group returns
the counts of suffixes up to `min_count`, and a second round requests the distribution.

A `DistributedQuery` is a generator: it yields the group queries of a round, receives the answers of the groups, and
finally returns the merged answer. So any number of queries can share messages, one to each group per round.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import reduce
from operator import add
from typing import Any, TypeAlias, TypeVar

import numpy as np

from infgram.cluster.serving.backend import GroupQuery
from infgram.cluster.serving.layout import Layout
from infgram.cluster.serving.merge import longest_by_sums, merged_pairs, merged_rows, sum_of_longest, top_rows
from infgram.cluster.serving.suffix_order import Occurrence, to_compare
from infgram.engine import Rows
from infgram.provenance import StoredMetadata
from infgram.search import order_of
from infgram.types import Int64Array

T = TypeVar("T")

Round: TypeAlias = dict[int, GroupQuery]
"""The query for each group."""
Answers: TypeAlias = dict[int, Any]
"""The answer of each group of a round. For a `ToAll`, unreachable groups may be missing, but not all of them."""


class ToAll(dict[int, GroupQuery]):
    """A round with all groups; a partial answer may lack some of them."""


DistributedQuery: TypeAlias = Generator[Round, Answers, T]


class DistributedQueries:
    """Creates the queries, with the names and arguments of the methods of `Engine`."""

    def __init__(self, layout: Layout) -> None:
        """Create queries for one index."""
        self._layout = layout
        self._groups = range(len(layout.groups))

    # Counts and ranks

    def find(self, tokens: Any) -> DistributedQuery[list[tuple[int, int]]]:
        """Return the suffix range in each shard; empty for unreachable shards."""
        answers = yield self._all("find", tokens)
        empty = {group: [(0, 0)] * n_shards for group, n_shards in enumerate(self._layout.groups)}
        return [bounds for group in self._groups for bounds in answers.get(group, empty[group])]

    def count(self, tokens: Any) -> DistributedQuery[int]:
        """Count occurrences."""
        return sum((yield self._all("count", tokens)).values())

    def count_batch(self, queries: Sequence[Any]) -> DistributedQuery[Int64Array]:
        """Count the occurrences of each query."""
        return reduce(add, (yield self._all("count_batch", queries)).values())

    def count_spans(self, tokens: Any, begins: Int64Array, ends: Int64Array) -> DistributedQuery[Int64Array]:
        """Count the occurrences of each span."""
        return reduce(add, (yield self._all("count_spans", tokens, begins, ends)).values())

    def count_before(
        self, heads: Any, tokens: Any, begins: Int64Array, ends: Int64Array
    ) -> DistributedQuery[tuple[Int64Array, Int64Array, Int64Array]]:
        """Count how often each token of `heads` precedes each span."""
        return merged_pairs((yield self._all("count_before", heads, tokens, begins, ends)).values())

    def document_count(self, tokens: Any) -> DistributedQuery[int]:
        """Count the documents with an occurrence."""
        return sum((yield self._all("document_count", tokens)).values())

    # Next tokens

    def next_tokens(self, context: Any, top_k: int | None = None) -> DistributedQuery[Rows]:
        """Return the tokens that follow the whole context."""
        answers = yield self._all("next_tokens", context)
        return top_rows(merged_rows(answers.values()), top_k)

    def longest_suffix(self, context: Any, min_count: int) -> DistributedQuery[tuple[int, int]]:
        """Return length and count of the longest suffix."""
        if min_count == 1:
            answers = (yield self._all("longest_suffix", context)).values()
            longest = max(length for length, _ in answers)
            return longest, sum(count for length, count in answers if length == longest)
        length = yield from self._longest(context, min_count)
        return length, (yield from self.count(_last(context, length)))

    def infgram(self, context: Any, min_count: int, top_k: int | None) -> DistributedQuery[tuple[int, Rows]]:
        """Return the length of the longest suffix, and the tokens that follow it."""
        if min_count > 1:
            length = yield from self._longest(context, min_count)
            return length, (yield from self.next_tokens(_last(context, length), top_k))
        answers = yield self._all("infgram", context)
        length = max(each.suffix_length for each in answers.values())
        rows_of = {group: each.rows for group, each in answers.items() if each.suffix_length == length}
        truncated = [group for group, rows in rows_of.items() if rows is None]
        if truncated:
            suffix = _last(context, length)
            rows_of |= yield {group: GroupQuery("next_tokens", (suffix,)) for group in truncated}
        return length, top_rows(merged_rows(rows for rows in rows_of.values() if rows is not None), top_k)

    def infgram_counts(
        self, context: Any, next_token: int, min_count: int
    ) -> DistributedQuery[tuple[int, int, int, bool]]:
        """Return length and count of the longest suffix, the count of the token after it, and whether it is sparse."""
        if min_count > 1:
            context = _last(context, (yield from self._longest(context, min_count)))
        answers = (yield self._all("continued", context, next_token)).values()
        length = max(each.suffix_length for each in answers)
        longest = [each for each in answers if each.suffix_length == length and each.context_count > 0]
        return (
            length,
            sum(each.context_count for each in longest),
            sum(each.continuation_count for each in longest),
            len({each.only_next_token for each in longest}) == 1 and longest[0].only_next_token is not None,
        )

    def score(
        self, tokens: Any, end: bool, min_count: int
    ) -> DistributedQuery[tuple[Int64Array, Int64Array, Int64Array]]:
        """Return suffix length, context count and continuation count of each position."""
        if min_count == 1:
            answers = (yield self._all("score", tokens, end)).values()
            lengths, (contexts, continuations) = sum_of_longest([(each[0], each[1:]) for each in answers])
            return lengths, contexts, continuations
        suffix_counts = yield self._all("score_suffix_counts", tokens, end, min_count)
        lengths = np.zeros(len(tokens) + bool(end), dtype=np.int64)
        for position in range(len(lengths)):
            of_groups = [
                [(int(row[position]), int(n[position])) for row, n in steps] for steps in suffix_counts.values()
            ]
            lengths[position] = longest_by_sums(of_groups, min_count)
        answers = (yield self._all("score_at", tokens, end, lengths)).values()
        return lengths, reduce(add, (each[0] for each in answers)), reduce(add, (each[1] for each in answers))

    def longest_matches(self, tokens: Any) -> DistributedQuery[tuple[Int64Array, Int64Array]]:
        """Return length and count of the longest match that starts at each position."""
        answers = (yield self._all("longest_matches", tokens)).values()
        lengths, (counts,) = sum_of_longest([(each[0], each[1:]) for each in answers])
        return lengths, counts

    # Occurrences and documents

    def locate(self, tokens: Any, limit: int) -> DistributedQuery[list[tuple[int, int]]]:
        """Return document and offset of the first occurrences in suffix order; long ties take more rounds."""
        answers = yield self._all("locate", tokens, limit)
        occurrences = [Occurrence(group, position) for group in sorted(answers) for position in answers[group]]
        n_same, n_more = len(tokens), 8
        while tied := to_compare(occurrences):
            tied_of: dict[int, list[Occurrence]] = {}
            for occurrence in tied:
                tied_of.setdefault(occurrence.group, []).append(occurrence)
            windows = yield {
                group: GroupQuery("windows", ([(each.document, each.offset + n_same) for each in some], n_more))
                for group, some in tied_of.items()
            }
            for group, some in tied_of.items():
                for occurrence, window in zip(some, windows[group], strict=True):
                    occurrence.extend(window, n_more)
            n_same, n_more = n_same + n_more, 2 * n_more
        return [(each.document, each.offset) for each in occurrences[:limit]]

    def locate_rank(self, shard: int, rank: int) -> DistributedQuery[tuple[int, int]]:
        """Return document and offset of a suffix."""
        group = self._layout.group_of_shard(shard)
        answer: tuple[int, int] = yield from self._answer_of(
            group, "locate_rank", shard - self._layout.first_shards[group], rank
        )
        return answer

    def sample_documents(
        self, tokens: Any, limit: int, seed: int, most_read: int
    ) -> DistributedQuery[list[tuple[int, int]]]:
        """Sample documents, each with the offset of an occurrence."""
        counts = yield self._all("count", tokens)
        before, total = _cumulative(counts)
        answers = yield {
            group: GroupQuery("sample_documents", (tokens, limit, seed, most_read, before[group], total))
            for group in counts
        }
        samples = [sample for group in sorted(answers) for sample in answers[group]]
        keys = order_of(np.array([document for document, _ in samples], dtype=np.int64), seed)
        return [samples[number] for number in np.argsort(keys)[:limit].tolist()]

    def document_ids(self, begin: int, limit: int) -> DistributedQuery[Int64Array]:
        """Return the numbers of the first `limit` documents from the number `begin` on."""
        answers = yield self._all("document_ids", begin, limit)
        return np.concatenate([answers[group] for group in sorted(answers)])[:limit]

    def document_tokens(self, document: int) -> DistributedQuery[Int64Array]:
        """Return the token ids of a document."""
        group = self._layout.group_of_document(document)
        answer: Int64Array = yield from self._answer_of(group, "document_tokens", document)
        return answer

    def document_length(self, document: int) -> DistributedQuery[int]:
        """Return the number of tokens of a document."""
        group = self._layout.group_of_document(document)
        answer: int = yield from self._answer_of(group, "document_length", document)
        return answer

    def read_window(self, document: int, begin: int, end: int) -> DistributedQuery[Int64Array]:
        """Return the token ids of a document between two offsets."""
        group = self._layout.group_of_document(document)
        answer: Int64Array = yield from self._answer_of(group, "read_window", document, begin, end)
        return answer

    def document_metadata(self, documents: Sequence[int]) -> DistributedQuery[list[StoredMetadata]]:
        """Return the metadata and the sources of documents."""
        groups: dict[int, list[int]] = {}
        for document in documents:
            groups.setdefault(self._layout.group_of_document(document), []).append(document)
        answers = yield {group: GroupQuery("document_metadata", (some,)) for group, some in groups.items()}
        known = {
            document: metadata
            for group, some in groups.items()
            for document, metadata in zip(some, answers[group], strict=True)
        }
        return [known[document] for document in documents]

    # The AND of ORs

    def clause_counts(self, clauses: Any, distance: int | None) -> DistributedQuery[dict[int, list[int]]]:
        """Return the number of occurrences of each clause in each group."""
        return (yield self._all("clause_counts", clauses, distance))

    def matching(
        self, clauses: Any, distance: int | None, groups: Sequence[int]
    ) -> DistributedQuery[tuple[Int64Array, Int64Array, Int64Array]]:
        """Return matching documents of some groups, their numbers of occurrences, and ones."""
        return _in_order((yield dict.fromkeys(groups, GroupQuery("matching", (clauses, distance)))))

    def matching_sample(
        self, clauses: Any, distance: int | None, size: int, seed: int, first_counts: dict[int, int]
    ) -> DistributedQuery[tuple[Int64Array, Int64Array, Int64Array]]:
        """Like `matching`, for a sample of the first clause, given its count in each group."""
        before, total = _cumulative(first_counts)
        return _in_order(
            (
                yield {
                    group: GroupQuery("matching_sample", (clauses, distance, size, seed, before[group], total))
                    for group in first_counts
                }
            )
        )

    def matches(
        self, clauses: Any, distance: int | None, document: int, limit: int
    ) -> DistributedQuery[tuple[int, list[tuple[int, int, int]]]]:
        """Return the number of occurrences in a document, and clause, offset and length of the first ones."""
        group = self._layout.group_of_document(document)
        answer: tuple[int, list[tuple[int, int, int]]] = yield from self._answer_of(
            group, "matches", clauses, distance, document, limit
        )
        return answer

    # Rounds

    def _all(self, name: str, *arguments: Any) -> Round:
        return ToAll(dict.fromkeys(self._groups, GroupQuery(name, arguments)))

    def _answer_of(self, group: int, name: str, *arguments: Any) -> DistributedQuery[Any]:
        return (yield {group: GroupQuery(name, arguments)})[group]

    def _longest(self, context: Any, min_count: int) -> DistributedQuery[int]:
        suffix_counts = yield self._all("suffix_counts", context, min_count)
        return longest_by_sums(list(suffix_counts.values()), min_count)


def _last(tokens: Any, length: int) -> Any:
    return tokens[len(tokens) - length :]


def _cumulative(counts: dict[int, int]) -> tuple[dict[int, int], int]:
    """Return the sum of the counts of the preceding groups for each group, and the total."""
    before, total = {}, 0
    for group in sorted(counts):
        before[group] = total
        total += counts[group]
    return before, total


def _in_order(answers: Answers) -> tuple[Int64Array, Int64Array, Int64Array]:
    documents, n_matches, has_first = (
        np.concatenate([answers[group][n] for group in sorted(answers)]) for n in range(3)
    )
    return documents, n_matches, has_first
