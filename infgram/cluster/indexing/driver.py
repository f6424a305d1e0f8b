"""The stages of a build by plan: each leaves out what is finished, hands out the rest, and waits for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from infgram import _core
from infgram.cluster.executor import Executor, Needs
from infgram.cluster.indexing.boundaries import Slice, cut_into_shards
from infgram.cluster.indexing.kept import files_of_shard, kept_shards, kept_splits
from infgram.cluster.indexing.output import Places
from infgram.cluster.indexing.parts import MOST_PART_BYTES, documents_of, part_file_name
from infgram.cluster.indexing.plan import Plan
from infgram.cluster.indexing.records import (
    TOKENIZER_RECORD,
    ShardRecord,
    SplitRecord,
    read_tokenizer_record,
    write_record,
)
from infgram.cluster.indexing.scratch import task_folder
from infgram.cluster.indexing.shard import ShardTask, build_shard
from infgram.cluster.indexing.summary import StageSummary
from infgram.cluster.indexing.tasks import TOKENIZER_FOLDER, Done, Site, fetch_tokenizer
from infgram.cluster.indexing.tokenize import TokeniseTask, tokenise_split
from infgram.corpus import Corpus, Skipped
from infgram.corpus.reading import InputTotals
from infgram.errors import IndexDamagedError
from infgram.files import manifest
from infgram.files.manifest import Manifest
from infgram.indexing.disk_space import Sources, index_bytes
from infgram.indexing.tokenizer_choice import SAMPLE_BYTES, TokenizerChoice, entry_of, save
from infgram.tokenizers import Tokenizer
from infgram.types import BuildProgress, Int64Array

Progress = Callable[[BuildProgress], None]
Task = TypeVar("Task", TokeniseTask, ShardTask)
Record = TypeVar("Record", SplitRecord, ShardRecord)


_logger = logging.getLogger("infgram.corpus")


@dataclass
class Driver:
    """One run of a plan.

    Attributes:
        plan: what is built.
        places: where.
        site: the same for the tasks, with what each may take.
        executor: runs them.
        report: told how far it is.
        stages: what was done, in order.
    """

    plan: Plan
    places: Places
    site: Site
    executor: Executor
    report: Progress
    stages: list[StageSummary] = field(default_factory=list)

    def run(self, corpus: Corpus, choice: TokenizerChoice) -> Manifest:
        """All stages.

        Raises:
            InfgramError: whatever a stage raises; what is finished stays in storage.
        """
        tokenizer = self._train(corpus, choice)
        splits = self._tokenise(tokenizer)
        skipped = [*self.plan.not_listed, *(entry for split in splits for entry in split.skipped)]
        totals = sum((split.found for split in splits), InputTotals())
        corpus.check_totals(totals, [Skipped(entry.source, entry.line, entry.reason) for entry in skipped])
        _logger.info("%s", corpus.summary(totals))
        shards = self._sort(splits, tokenizer.vocab_size)
        result = Manifest(
            builder_version=_core.__version__,
            vocab_size=tokenizer.vocab_size,
            token_width_bits=_core.token_bits_for(tokenizer.vocab_size),
            tokenizer=entry_of(tokenizer),
            shards=tuple(record.shard for record in shards),
            skipped=tuple(skipped),
        )
        self._publish(result, shards)
        return result

    def _train(self, corpus: Corpus, choice: TokenizerChoice) -> Tokenizer:
        """The tokenizer, which is in the output then."""
        began, n_bytes = time.monotonic(), corpus.n_bytes if choice.given is None else 0
        with task_folder(self.site.scratch) as folder:
            entry = read_tokenizer_record(self.places.partial, self.plan.id)
            if entry is not None:
                self._count("train", [], 1, began)
                return fetch_tokenizer(self.places.output.location, entry, folder)
            if choice.given is None:
                self.report(BuildProgress("train", 0, n_bytes, "bytes"))
            tokenizer = choice.given or choice.of_texts(list(corpus.sample_texts(SAMPLE_BYTES)))
            save(tokenizer, folder / TOKENIZER_FOLDER)
            for path in sorted((folder / TOKENIZER_FOLDER).rglob("*")):
                if path.is_file():
                    self.places.output.upload(path, path.relative_to(folder).as_posix())
            write_record(self.places.partial, TOKENIZER_RECORD, self.plan.id, entry_of(tokenizer))
        self._count("train", [Done(None, time.monotonic() - began, n_bytes, 0)], 0, began)
        return tokenizer

    def _tokenise(self, tokenizer: Tokenizer) -> list[SplitRecord]:
        plan, files, entry = self.plan, self.plan.files(), entry_of(tokenizer)
        tasks = [
            TokeniseTask(self.site, number, split, plan.text_field, plan.on_error, entry, plan.input_format)
            for number, split in enumerate(files)
        ]
        sizes = [sum(file.size_bytes for file in split) for split in files]
        kept = kept_splits(self.places.partial, len(files), plan.id)
        return self._stage("tokenise", tokenise_split, tasks, kept, sizes, "bytes", MOST_PART_BYTES)

    def _sort(self, splits: list[SplitRecord], vocab_size: int) -> list[ShardRecord]:
        @cache
        def lengths(split: int, part: int) -> Int64Array:
            return self._lengths(splits[split], part)

        cut = cut_into_shards([split.parts for split in splits], self.plan.shard_tokens, lengths)
        width_bits = _core.token_bits_for(vocab_size)
        tasks = [
            ShardTask(self.site, number, slices, vocab_size, width_bits, _disk_bytes(slices, vocab_size, width_bits))
            for number, slices in enumerate(cut)
        ]
        kept = kept_shards(self.places.partial, self.places.output, len(tasks), self.plan.id)
        most_disk = max(task.disk_bytes for task in tasks)
        return self._stage("sort", build_shard, tasks, kept, [task.n_tokens for task in tasks], "tokens", most_disk)

    def _stage(
        self,
        stage: str,
        work: Callable[[Task], Done[Record]],
        tasks: list[Task],
        kept: dict[int, Record],
        sizes: list[int],
        unit: str,
        disk_bytes: int,
    ) -> list[Record]:
        """The records of all tasks, in order; those that are kept are not done again."""
        began, done, records = time.monotonic(), [], dict(kept)
        total, n_done = sum(sizes), sum(sizes[number] for number in kept)
        self.report(BuildProgress(stage, n_done, total, unit))
        needs = Needs(self.site.threads, self.site.memory_bytes, disk_bytes)
        with closing(self.executor.run(work, [task for task in tasks if task.number not in kept], needs)) as results:
            for result in results:
                done.append(result)
                records[result.record.number] = result.record
                n_done += sizes[result.record.number]
                self.report(BuildProgress(stage, n_done, total, unit))
        self._count(stage, done, len(kept), began)
        return [records[task.number] for task in tasks]

    def _lengths(self, split: SplitRecord, part: int) -> Int64Array:
        """The tokens of each document of a part."""
        name = part_file_name(split.number, part, "documents")
        return documents_of(self.places.partial.read(name))[:, 0]

    def _publish(self, result: Manifest, shards: list[ShardRecord]) -> None:
        """Write the manifest, when nothing lacks and nothing else is there."""
        output = self.places.output
        expected = {name: size for shard in shards for name, size in files_of_shard(shard).items()}
        found = output.sizes()
        for name, size in expected.items():
            if found.get(name) != size:
                raise IndexDamagedError(
                    f"{output.location}/{name} holds {found.get(name, 'no')} bytes, expected {size}; is another build "
                    "writing there? run the same command again"
                )
        for name in found.keys() - expected.keys():
            if not name.startswith(f"{TOKENIZER_FOLDER}/"):
                output.remove(name)
        with task_folder(self.site.scratch) as folder:
            result.write(folder)
            output.write(manifest.FILE_NAME, (folder / manifest.FILE_NAME).read_bytes())

    def _count(self, stage: str, done: list[Done[Any]], n_kept: int, began: float) -> None:
        cpus = 1 if stage == "train" else self.site.threads
        self.stages.append(StageSummary.of(stage, done, n_kept, time.monotonic() - began, cpus))


def _disk_bytes(slices: list[Slice], vocab_size: int, width_bits: int) -> int:
    """About what a shard and one of its parts take."""
    n_tokens = sum(piece.n_tokens for piece in slices)
    n_documents = sum(piece.last - piece.first for piece in slices)
    metadata = sum(piece.entry.files["metadata"].size_bytes for piece in slices)
    names = sum(piece.entry.files["sources"].size_bytes for piece in slices)
    largest = max(sum(file.size_bytes for file in piece.entry.files.values()) for piece in slices)
    sources = Sources(n_documents, names)  # a run a document, which is the most
    return largest + index_bytes(n_tokens, n_documents, metadata, vocab_size, width_bits, max(1, n_tokens), sources)
