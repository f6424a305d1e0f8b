"""The engine of an index whose shards are elsewhere: the same questions as the native core answers, exactly alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from infgram.cluster.serving.backend import Ask, Backend
from infgram.cluster.serving.batching import Combiner
from infgram.cluster.serving.part import Refused
from infgram.cluster.serving.questions import Question, Questions
from infgram.cluster.serving.rounds import ask_together
from infgram.engine import Poll, Rows
from infgram.errors import QueryError
from infgram.partial import PartialAnswers, asked_for
from infgram.provenance import StoredMetadata
from infgram.tokenizers.checks import valid_token_ids
from infgram.types import Int64Array

T = TypeVar("T")


class ClusterEngine:
    """An `Engine`. Safe for any thread.

    Attributes:
        questions: what can be asked, to be asked together with `ask_many`.
    """

    def __init__(self, backend: Backend) -> None:
        """Ask these groups."""
        manifest = backend.layout.manifest
        self._backend = backend
        self._combiner = Combiner(lambda questions: ask_together(questions, backend.ask, allow_missing=False))
        self.questions = Questions(backend.layout)
        self.n_tokens = manifest.n_tokens
        self.n_documents = manifest.n_documents
        self.n_shards = len(manifest.shards)
        self.vocab_size = manifest.vocab_size
        self.token_bits = manifest.token_width_bits

    def ask_many(self, questions: Sequence[Question[T]]) -> list[T]:
        """The answers to several questions, asked together: a message to each group a round, however many they are.

        Raises:
            QueryError: one of them cannot be asked.
            ShardUnavailableError: a group cannot be reached.
        """
        partial = asked_for()
        answers = self._combiner.ask(questions) if partial is None else self._ask_partly(questions, partial)
        for answer in answers:
            if isinstance(answer, Refused):
                raise QueryError(*answer.error.args)
        return answers

    def _ask_partly(self, questions: Sequence[Question[Any]], partial: PartialAnswers) -> list[Any]:
        def send(asks: dict[int, list[Ask]], allow_missing: bool) -> dict[int, list[Any]]:
            answers = self._backend.ask(asks, allow_missing)
            for group in asks.keys() - answers.keys():
                partial.miss(self._backend.layout.shards_of(group))
            return answers

        return ask_together(questions, send, allow_missing=True)

    def _ask(self, question: Question[T]) -> T:
        return self.ask_many([question])[0]

    def find(self, tokens: Any) -> list[tuple[int, int]]:
        """The suffix range in each shard."""
        return self._ask(self.questions.find(tokens))

    def count(self, tokens: Any) -> int:
        """Occurrences."""
        return self._ask(self.questions.count(tokens))

    def count_batch(self, queries: Sequence[Any]) -> Int64Array:
        """Occurrences of each query."""
        return self._ask(self.questions.count_batch(queries))

    def count_spans(self, tokens: Any, begins: Int64Array, ends: Int64Array) -> Int64Array:
        """Occurrences of each `tokens[begin:end]`."""
        return self._ask(self.questions.count_spans(tokens, begins, ends))

    def count_before(
        self, heads: Any, tokens: Any, begins: Int64Array, ends: Int64Array
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Which heads (tokens) come right before which `tokens[begin:end]`: numbers of spans and of heads, counts."""
        return self._ask(self.questions.count_before(heads, tokens, begins, ends))

    def document_count(self, tokens: Any) -> int:
        """Distinct documents with an occurrence."""
        return self._ask(self.questions.document_count(tokens))

    def next_tokens(self, context: Any, top_k: int | None = None) -> Rows:
        """What follows the whole context."""
        return self._ask(self.questions.next_tokens(context, top_k))

    def longest_suffix(self, context: Any, min_count: int) -> tuple[int, int]:
        """Length and count of the longest suffix that occurs `min_count` times."""
        return self._ask(self.questions.longest_suffix(context, min_count))

    def infgram(self, context: Any, min_count: int, top_k: int | None) -> tuple[int, Rows]:
        """Length of the longest suffix, and what follows it."""
        return self._ask(self.questions.infgram(context, min_count, top_k))

    def infgram_counts(self, context: Any, row: int, min_count: int) -> tuple[int, int, int, bool]:
        """Length of the longest suffix, its count, that of the row after it, whether one row alone follows."""
        return self._ask(self.questions.infgram_counts(context, row, min_count))

    def score(self, tokens: Any, end: bool, min_count: int) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Suffix lengths, context counts and continuation counts of each position."""
        return self._ask(self.questions.score(tokens, end, min_count))

    def longest_matches(self, tokens: Any) -> tuple[Int64Array, Int64Array]:
        """Length and count of the longest match that starts at each position."""
        return self._ask(self.questions.longest_matches(tokens))

    def locate(self, tokens: Any, limit: int) -> list[tuple[int, int]]:
        """Document and offset of the first occurrences in suffix order."""
        return self._ask(self.questions.locate(tokens, limit))

    def locate_rank(self, shard: int, rank: int) -> tuple[int, int]:
        """Document and offset of the suffix with this rank in a shard."""
        return self._ask(self.questions.locate_rank(shard, rank))

    def sample_documents(self, tokens: Any, limit: int, seed: int, most_read: int) -> list[tuple[int, int]]:
        """Documents drawn at random, each with the offset of an occurrence."""
        return self._ask(self.questions.sample_documents(tokens, limit, seed, most_read))

    def document_tokens(self, document: int) -> Int64Array:
        """The token ids of a document."""
        return self._ask(self.questions.document_tokens(document))

    def read_window(self, document: int, begin: int, end: int) -> Int64Array:
        """Those from one offset to another, or to the end."""
        return self._ask(self.questions.read_window(document, begin, end))

    def document_metadata(self, documents: Sequence[int]) -> list[StoredMetadata]:
        """The metadata of documents and where they come from."""
        return self._ask(self.questions.document_metadata(documents))

    def conjunction(self, clauses: Sequence[Sequence[Any]], max_distance: int | None) -> ClusterConjunction:
        """An AND of ORs of terms; None makes the document the scope."""
        return ClusterConjunction(self, clauses, max_distance)

    def session(self, context: Any, min_count: int) -> ClusterSession:
        """A session that begins with a context."""
        return ClusterSession(self, min_count, valid_token_ids(context, self.vocab_size).tolist())

    def verify(self, progress: Poll | None = None) -> None:
        """Check every byte of every shard, where they are; `progress` is told at the end."""
        self._backend.verify()
        if progress is not None:
            progress(self.n_tokens)

    def close(self) -> None:
        """Let go of the groups."""
        self._backend.close()

    def duplicates(self, *_: Any) -> Any:
        """No question for other machines.

        Raises:
            QueryError: always.
        """
        raise QueryError(
            "what stands more than once is looked for where the shards are; open the index itself, or "
            "its copy, on one machine: infgram.open(PATH)"
        )


class ClusterConjunction:
    """A `ConjunctionEngine`; its clauses are counted when it is made, which shows whether they can be asked.

    It keeps to the groups that were reached then.
    """

    def __init__(self, engine: ClusterEngine, clauses: Sequence[Sequence[Any]], max_distance: int | None) -> None:
        """Count."""
        self._engine, self._asked = engine, (clauses, max_distance)
        (self._counts,) = engine.ask_many([engine.questions.clause_counts(*self._asked)])

    def counts(self) -> list[int]:
        """Occurrences of each clause."""
        return [sum(counts) for counts in zip(*self._counts.values(), strict=True)]

    def documents(self, progress: Poll) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Documents with an occurrence, ascending, how many each has, and ones."""
        (found,) = self._engine.ask_many([self._engine.questions.matching(*self._asked, list(self._counts))])
        progress(sum(self.counts()))
        return found

    def sampled_documents(self, size: int, seed: int, progress: Poll) -> tuple[Int64Array, Int64Array, Int64Array]:
        """The same for a sample of the first clause's occurrences; the last says whether the first is among them."""
        first_counts = {group: counts[0] for group, counts in self._counts.items()}
        question = self._engine.questions.matching_sample(*self._asked, size, seed, first_counts)
        (found,) = self._engine.ask_many([question])
        progress(size)
        return found

    def matches(self, document: int, limit: int, progress: Poll) -> tuple[int, list[tuple[int, int, int]]]:
        """Occurrences in a document; clause, offset and length of those that are shown."""
        (found,) = self._engine.ask_many([self._engine.questions.matches(*self._asked, document, limit)])
        progress(found[0])
        return found


class ClusterSession:
    """A `SessionEngine`: its state is the longest suffix, a handful of tokens that travel with each question.

    So nothing is lost with a process that holds shards, and a copy costs nothing there. One thread at a time.
    """

    def __init__(self, engine: ClusterEngine, min_count: int, context: list[int], n_tokens: int | None = None) -> None:
        """Begin with a context."""
        self._engine, self._min_count, self._context = engine, min_count, context
        self._n_tokens = len(context) if n_tokens is None else n_tokens

    def append(self, tokens: Any) -> None:
        """Append tokens; they are looked for when there is a question."""
        added = valid_token_ids(tokens, self._engine.vocab_size).tolist()
        self._context = [*self._context, *added]
        self._n_tokens += len(added)

    def distribution(self, top_k: int | None) -> tuple[int, Rows]:
        """Suffix length, and what follows."""
        length, rows = self._engine.infgram(self._context, self._min_count, top_k)
        self._keep(length)
        return length, rows

    def state(self) -> tuple[int, int, int]:
        """Suffix length, its count, tokens appended."""
        length, count = self._engine.longest_suffix(self._context, self._min_count)
        self._keep(length)
        return length, count, self._n_tokens

    def suffix(self) -> Int64Array:
        """The tokens of the suffix, and those before it that were not yet looked for."""
        return np.array(self._context, dtype=np.int64)

    def copy(self) -> ClusterSession:
        """An independent session in the same state."""
        return ClusterSession(self._engine, self._min_count, self._context, self._n_tokens)

    def _keep(self, length: int) -> None:
        """What is longer will never occur, whatever follows; unless shards that know better cannot be reached."""
        if asked_for() is None:
            self._context = self._context[len(self._context) - length :]
