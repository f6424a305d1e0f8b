"""Questions to an index in groups of shards: what to ask the groups, and how their answers become one, exactly.

Documents do not span shards, so counts add up. The ∞-gram's suffix is the longest that any group has: groups with a
shorter one have no occurrence of it. With a minimum above one occurrence, lengths are decided on summed counts: groups
tell how often each suffix occurs, up to that minimum; what follows is asked in a second round.

A question is a generator: it yields what to ask, is sent the answers, and returns its own. So any number of questions
can be asked together, each round in one message to each group.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import reduce
from operator import add
from typing import Any, TypeAlias, TypeVar

import numpy as np

from infgram.cluster.serving.backend import Ask
from infgram.cluster.serving.layout import Layout
from infgram.cluster.serving.merging import longest_by_sums, merged_pairs, merged_rows, sum_of_longest, top_rows
from infgram.cluster.serving.suffix_order import Occurrence, to_compare
from infgram.engine import Rows
from infgram.provenance import StoredMetadata
from infgram.search import order_of
from infgram.types import Int64Array

T = TypeVar("T")

Round: TypeAlias = dict[int, Ask]
"""What to ask which group."""
Answers: TypeAlias = dict[int, Any]
"""Of the groups that were asked; of a `ToAll`, less those that could not be reached, but never of none."""


class ToAll(dict[int, Ask]):
    """A round to all groups, of which a partial answer may do without some."""


Question: TypeAlias = Generator[Round, Answers, T]


class Questions:
    """One for each question of an `Engine`, of the same name and arguments."""

    def __init__(self, layout: Layout) -> None:
        """For one index."""
        self._layout = layout
        self._groups = range(len(layout.groups))

    # Counting and finding

    def find(self, tokens: Any) -> Question[list[tuple[int, int]]]:
        """The suffix range in each shard; an empty one where a shard cannot be reached."""
        answers = yield self._all("find", tokens)
        nothing = {group: [(0, 0)] * n_shards for group, n_shards in enumerate(self._layout.groups)}
        return [found for group in self._groups for found in answers.get(group, nothing[group])]

    def count(self, tokens: Any) -> Question[int]:
        """Occurrences."""
        return sum((yield self._all("count", tokens)).values())

    def count_batch(self, queries: Sequence[Any]) -> Question[Int64Array]:
        """Occurrences of each query."""
        return reduce(add, (yield self._all("count_batch", queries)).values())

    def count_spans(self, tokens: Any, begins: Int64Array, ends: Int64Array) -> Question[Int64Array]:
        """Occurrences of each span."""
        return reduce(add, (yield self._all("count_spans", tokens, begins, ends)).values())

    def count_before(
        self, heads: Any, tokens: Any, begins: Int64Array, ends: Int64Array
    ) -> Question[tuple[Int64Array, Int64Array, Int64Array]]:
        """Which heads come right before which spans, and how often."""
        return merged_pairs((yield self._all("count_before", heads, tokens, begins, ends)).values())

    def document_count(self, tokens: Any) -> Question[int]:
        """Documents with an occurrence."""
        return sum((yield self._all("document_count", tokens)).values())

    # What comes next

    def next_tokens(self, context: Any, top_k: int | None = None) -> Question[Rows]:
        """What follows the whole context."""
        answers = yield self._all("next_tokens", context)
        return top_rows(merged_rows(answers.values()), top_k)

    def longest_suffix(self, context: Any, min_count: int) -> Question[tuple[int, int]]:
        """Length and count of the longest suffix."""
        if min_count == 1:
            found = (yield self._all("longest_suffix", context)).values()
            longest = max(length for length, _ in found)
            return longest, sum(count for length, count in found if length == longest)
        length = yield from self._longest(context, min_count)
        return length, (yield from self.count(_last(context, length)))

    def infgram(self, context: Any, min_count: int, top_k: int | None) -> Question[tuple[int, Rows]]:
        """Length of the longest suffix, and what follows it."""
        if min_count > 1:
            length = yield from self._longest(context, min_count)
            return length, (yield from self.next_tokens(_last(context, length), top_k))
        found = yield self._all("infgram", context)
        length = max(each.suffix_length for each in found.values())
        holders = {group: each.rows for group, each in found.items() if each.suffix_length == length}
        cut = [group for group, rows in holders.items() if rows is None]
        if cut:
            suffix = _last(context, length)
            holders |= yield {group: Ask("next_tokens", (suffix,)) for group in cut}
        return length, top_rows(merged_rows(rows for rows in holders.values() if rows is not None), top_k)

    def infgram_counts(self, context: Any, row: int, min_count: int) -> Question[tuple[int, int, int, bool]]:
        """Length of the longest suffix, its count, that of the row after it, whether one row alone follows."""
        if min_count > 1:
            context = _last(context, (yield from self._longest(context, min_count)))
        found = (yield self._all("continued", context, row)).values()
        length = max(each.suffix_length for each in found)
        holders = [each for each in found if each.suffix_length == length and each.context_count > 0]
        return (
            length,
            sum(each.context_count for each in holders),
            sum(each.continuation_count for each in holders),
            len({each.only_row for each in holders}) == 1 and holders[0].only_row is not None,
        )

    def score(self, tokens: Any, end: bool, min_count: int) -> Question[tuple[Int64Array, Int64Array, Int64Array]]:
        """Suffix lengths, context counts and continuation counts of each position."""
        if min_count == 1:
            answers = (yield self._all("score", tokens, end)).values()
            lengths, (contexts, continuations) = sum_of_longest([(each[0], each[1:]) for each in answers])
            return lengths, contexts, continuations
        stairs = yield self._all("score_stairs", tokens, end, min_count)
        lengths = np.zeros(len(tokens) + bool(end), dtype=np.int64)
        for position in range(len(lengths)):
            of_groups = [[(int(row[position]), int(n[position])) for row, n in steps] for steps in stairs.values()]
            lengths[position] = longest_by_sums(of_groups, min_count)
        answers = (yield self._all("score_at", tokens, end, lengths)).values()
        return lengths, reduce(add, (each[0] for each in answers)), reduce(add, (each[1] for each in answers))

    def longest_matches(self, tokens: Any) -> Question[tuple[Int64Array, Int64Array]]:
        """Length and count of the longest match that starts at each position."""
        answers = (yield self._all("longest_matches", tokens)).values()
        lengths, (counts,) = sum_of_longest([(each[0], each[1:]) for each in answers])
        return lengths, counts

    # Places and documents

    def locate(self, tokens: Any, limit: int) -> Question[list[tuple[int, int]]]:
        """Document and offset of the first occurrences in suffix order; as many rounds as their order takes."""
        answers = yield self._all("locate", tokens, limit)
        found = [Occurrence(group, place) for group in sorted(answers) for place in answers[group]]
        n_same, n_more = len(tokens), 8
        while tied := to_compare(found):
            places: dict[int, list[Occurrence]] = {}
            for occurrence in tied:
                places.setdefault(occurrence.group, []).append(occurrence)
            windows = yield {
                group: Ask("windows", ([(each.document, each.offset + n_same) for each in some], n_more))
                for group, some in places.items()
            }
            for group, some in places.items():
                for occurrence, window in zip(some, windows[group], strict=True):
                    occurrence.extend(window, n_more)
            n_same, n_more = n_same + n_more, 2 * n_more
        return [(each.document, each.offset) for each in found[:limit]]

    def locate_rank(self, shard: int, rank: int) -> Question[tuple[int, int]]:
        """Document and offset of a suffix."""
        group = self._layout.group_of_shard(shard)
        answer: tuple[int, int] = yield from self._answer_of(
            group, "locate_rank", shard - self._layout.first_shards[group], rank
        )
        return answer

    def sample_documents(self, tokens: Any, limit: int, seed: int, most_read: int) -> Question[list[tuple[int, int]]]:
        """Documents drawn at random, each with the offset of an occurrence."""
        counts = yield self._all("count", tokens)
        before, total = _frames(counts)
        answers = yield {
            group: Ask("sample_documents", (tokens, limit, seed, most_read, before[group], total)) for group in counts
        }
        found = [place for group in sorted(answers) for place in answers[group]]
        keys = order_of(np.array([document for document, _ in found], dtype=np.int64), seed)
        return [found[place] for place in np.argsort(keys)[:limit].tolist()]

    def document_tokens(self, document: int) -> Question[Int64Array]:
        """The token ids of a document."""
        group = self._layout.group_of_document(document)
        answer: Int64Array = yield from self._answer_of(group, "document_tokens", document)
        return answer

    def read_window(self, document: int, begin: int, end: int) -> Question[Int64Array]:
        """A part of them."""
        group = self._layout.group_of_document(document)
        answer: Int64Array = yield from self._answer_of(group, "read_window", document, begin, end)
        return answer

    def document_metadata(self, documents: Sequence[int]) -> Question[list[StoredMetadata]]:
        """The metadata of documents and where they come from."""
        groups: dict[int, list[int]] = {}
        for document in documents:
            groups.setdefault(self._layout.group_of_document(document), []).append(document)
        answers = yield {group: Ask("document_metadata", (some,)) for group, some in groups.items()}
        known = {
            document: metadata
            for group, some in groups.items()
            for document, metadata in zip(some, answers[group], strict=True)
        }
        return [known[document] for document in documents]

    # The AND of ORs

    def clause_counts(self, clauses: Any, distance: int | None) -> Question[dict[int, list[int]]]:
        """Occurrences of each clause in each group."""
        return (yield self._all("clause_counts", clauses, distance))

    def matching(
        self, clauses: Any, distance: int | None, groups: Sequence[int]
    ) -> Question[tuple[Int64Array, Int64Array, Int64Array]]:
        """Documents of some groups with an occurrence, how many each has, and ones."""
        return _in_order((yield dict.fromkeys(groups, Ask("matching", (clauses, distance)))))

    def matching_sample(
        self, clauses: Any, distance: int | None, size: int, seed: int, first_counts: dict[int, int]
    ) -> Question[tuple[Int64Array, Int64Array, Int64Array]]:
        """The same for a sample of the first clause's occurrences, of which each group has so many."""
        before, total = _frames(first_counts)
        return _in_order(
            (
                yield {
                    group: Ask("matching_sample", (clauses, distance, size, seed, before[group], total))
                    for group in first_counts
                }
            )
        )

    def matches(
        self, clauses: Any, distance: int | None, document: int, limit: int
    ) -> Question[tuple[int, list[tuple[int, int, int]]]]:
        """Occurrences in a document; clause, offset and length of those that are shown."""
        group = self._layout.group_of_document(document)
        answer: tuple[int, list[tuple[int, int, int]]] = yield from self._answer_of(
            group, "matches", clauses, distance, document, limit
        )
        return answer

    # How to ask

    def _all(self, question: str, *arguments: Any) -> Round:
        return ToAll(dict.fromkeys(self._groups, Ask(question, arguments)))

    def _answer_of(self, group: int, question: str, *arguments: Any) -> Question[Any]:
        return (yield {group: Ask(question, arguments)})[group]

    def _longest(self, context: Any, min_count: int) -> Question[int]:
        stairs = yield self._all("stairs", context, min_count)
        return longest_by_sums(list(stairs.values()), min_count)


def _last(tokens: Any, length: int) -> Any:
    return tokens[len(tokens) - length :]


def _frames(counts: dict[int, int]) -> tuple[dict[int, int], int]:
    """How many things the groups before each group have, and all of them."""
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
