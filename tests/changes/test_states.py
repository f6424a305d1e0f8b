"""Random sequences of changes: each state answers every question as a list of the documents that are left."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import infgram
from infgram.cluster.serving.backend import LocalBackend
from infgram.cluster.serving.index import Index as ClusterIndex
from infgram.cluster.serving.layout import Layout as Groups
from infgram.files.manifest import Manifest
from tests.building import build_tokens, temporary_folder
from tests.changes.fresh import check_no_other_files, sections_of
from tests.index.test_oracle import (
    check_counts,
    check_documents,
    check_find,
    check_locate,
    check_longest_suffix,
    check_next_token_distribution,
    check_questions,
    check_score,
)
from tests.reference import ReferenceIndex
from tests.strategies import Layout, TokenCorpus, Tokens, usual_queries

LETTERS = (0, 1, 254)
VOCABULARY = 255

words = st.one_of(
    st.lists(st.integers(0, 2), max_size=12),
    st.builds(lambda letter, n: [letter] * n, st.integers(0, 2), st.integers(0, 20)),
    st.builds(lambda word, n: (word * 12)[:n], st.lists(st.integers(0, 2), min_size=1, max_size=3), st.integers(0, 20)),
)
some_documents = st.lists(words, min_size=1, max_size=5)
shard_tokens = st.sampled_from([1, 8, 25, 10**9])


class Changes(RuleBasedStateMachine):
    """An index on disk, and the list of its documents: None for a deleted one."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.folder = self._stack.enter_context(temporary_folder(0)) / "x"
        self.documents: list[Tokens | None] = []

    def teardown(self) -> None:
        """Ask every question about the last state, also in groups of shards as on a cluster."""
        with self._stack:
            if not self.documents:
                return
            corpus, reference = self._live()
            queries = [[], *usual_queries(corpus)[-5:]]
            check_questions(self.index, corpus, reference, queries)
            manifest = Manifest.read(self.folder)
            groups = Groups(manifest, (1,) * len(manifest.shards))
            with ClusterIndex(LocalBackend(groups, self.folder), self.folder) as distributed:
                check_counts(distributed, reference, queries)
                check_locate(distributed, reference, queries)
                check_documents(distributed, reference)
                check_next_token_distribution(distributed, reference, queries)
                check_longest_suffix(distributed, reference, queries)
                check_score(distributed, reference, queries[-2:])

    @initialize(width=st.sampled_from([8, 16, 32]), documents=some_documents, shards=st.integers(1, 3))
    def build(self, width: int, documents: list[Tokens], shards: int) -> None:
        self.width = width
        new = self._spelt(documents)
        layout = Layout(width, shards, 1)
        self.index = build_tokens(new, self.folder, vocab_size=VOCABULARY, layout=layout)
        self._stack.callback(lambda: self.index.close())
        self.documents += new
        self.generation = 0

    @rule(documents=some_documents, shard_tokens=shard_tokens)
    def add(self, documents: list[Tokens], shard_tokens: int) -> None:
        new = self._spelt(documents)
        added = infgram.add_from_tokens(self.folder, new, shard_tokens=shard_tokens, threads=1)
        assert (added.first_document, added.n_documents) == (len(self.documents), len(new))
        assert added.n_tokens == sum(map(len, new))
        self.documents += new
        self._changed(added.generation)

    @precondition(lambda self: any(document is not None for document in self.documents))
    @rule(data=st.data(), purge=st.sampled_from([False, False, True]), most=st.sampled_from([1, 2, 3, 1000]))
    def delete(self, data: st.DataObject, purge: bool, most: int) -> None:
        live = [number for number, document in enumerate(self.documents) if document is not None]
        chosen = data.draw(st.lists(st.sampled_from(live), min_size=1, max_size=min(most, len(live)), unique=True))
        untouched = self._other_shards(chosen)
        deleted = infgram.delete(self.folder, documents=[*chosen, 10**6], purge=purge, threads=1)
        assert deleted.n_documents == len(chosen)
        assert deleted.n_tokens == sum(len(self.documents[number] or ()) for number in chosen)
        assert deleted.not_found == (10**6,)
        for number in chosen:
            self.documents[number] = None
        self._changed(deleted.generation)
        assert untouched <= {shard.folder for shard in Manifest.read(self.folder).shards}

    @rule(shard_tokens=shard_tokens)
    def compact(self, shard_tokens: int) -> None:
        live = [document for document in self.documents if document is not None]
        expected = self._files_of_a_build(live, shard_tokens) if live else None
        has_work = sections_of(self.folder) != expected
        compacted = infgram.compact(self.folder, shard_tokens=shard_tokens, threads=1)
        assert compacted.n_documents == len(live)
        if compacted.is_changed:
            self._changed(compacted.generation)
        else:
            assert (compacted.generation, compacted.freed_bytes) == (self.generation, 0)
        if live:
            assert compacted.is_changed == has_work
            assert sections_of(self.folder) == expected
        else:
            assert [(shard.n_documents, shard.n_tokens) for shard in Manifest.read(self.folder).shards] == [(1, 0)]

    @rule()
    def reopen(self) -> None:
        self.index.close()
        self.index = infgram.open(self.folder)

    @invariant()
    def answers_are_those_of_the_live_documents(self) -> None:
        if self.documents:
            corpus, reference = self._live()
            queries = usual_queries(corpus)[::2]
            check_documents(self.index, reference)
            check_counts(self.index, reference, queries)
            check_find(self.index, reference, queries[:2])
            check_locate(self.index, reference, queries[:3])
            check_next_token_distribution(self.index, reference, queries[:4])
            check_score(self.index, reference, queries[-2:])
            self.index.verify()

    @invariant()
    def no_file_is_left_over(self) -> None:
        if self.documents:
            check_no_other_files(self.folder)

    def _changed(self, generation: int) -> None:
        assert generation == self.generation + 1
        self.generation = generation
        assert self.index.reload()
        assert not self.index.reload()
        assert self.index.info()["generation"] == generation

    def _other_shards(self, numbers: list[int]) -> set[str]:
        """Return the folders of the shards without these documents."""
        shards = Manifest.read(self.folder).shards
        touched = {
            max(shard.first_document for shard in shards if shard.first_document <= number) for number in numbers
        }
        return {shard.folder for shard in shards if shard.first_document not in touched}

    def _files_of_a_build(self, documents: list[Tokens], shard_tokens: int) -> list[dict[str, bytes]]:
        with tempfile.TemporaryDirectory(dir=self.folder.parent) as fresh:
            infgram.build_from_tokens(
                documents,
                f"{fresh}/y",
                vocab_size=VOCABULARY,
                token_width_bits=self.width,
                shard_tokens=shard_tokens,
            ).close()
            return sections_of(Path(fresh) / "y")

    def _live(self) -> tuple[TokenCorpus, ReferenceIndex]:
        """Return the documents that are left, and the answers of an index of them."""
        live = {number: document for number, document in enumerate(self.documents) if document is not None}
        documents = list(live.values())
        corpus = TokenCorpus(documents, VOCABULARY, LETTERS)
        return corpus, ReferenceIndex(documents, VOCABULARY, list(live))

    def _spelt(self, documents: list[Tokens]) -> list[Tokens]:
        return [[LETTERS[letter] for letter in document] for document in documents]


Changes.TestCase.settings = settings(
    stateful_step_count=10, phases=[Phase.generate]
)  # a sequence of changes is short; shrinking one takes minutes
TestChanges = Changes.TestCase
