"""The stages of a build: each skips its finished tasks, runs the others, and waits for them."""

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
from infgram.cluster.indexing.finished import files_of_shard, finished_shards, finished_splits
from infgram.cluster.indexing.output import BuildStorage
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
from infgram.cluster.indexing.tokenize import TokenizeTask, tokenize_split
from infgram.corpus import Corpus, Skipped
from infgram.corpus.reading import InputTotals
from infgram.errors import IndexDamagedError
from infgram.files import manifest
from infgram.files.manifest import Manifest
from infgram.files.sizes import Sources
from infgram.indexing.disk_space import index_bytes
from infgram.indexing.tokenizer_choice import SAMPLE_BYTES, TokenizerChoice, entry_of, save
from infgram.tokenizers import Tokenizer
from infgram.types import BuildProgress, Int64Array
from infgram.watch import Progress

Task = TypeVar("Task", TokenizeTask, ShardTask)
Record = TypeVar("Record", SplitRecord, ShardRecord)


_logger = logging.getLogger("infgram.corpus")


@dataclass
class Driver:
    """One run of a plan.

    Attributes:
        plan: the plan of the build.
        storage: the output and the folder for unfinished builds.
        site: locations and resources of the tasks.
        executor: runs the tasks.
        report: the progress callback.
        stages: summaries of the finished stages, in order.
    """

    plan: Plan
    storage: BuildStorage
    site: Site
    executor: Executor
    report: Progress
    stages: list[StageSummary] = field(default_factory=list)

    def run(self, corpus: Corpus, choice: TokenizerChoice) -> Manifest:
        """Run all stages.

        Raises:
            InfgramError: raised by a stage; finished tasks stay in storage.
        """
        tokenizer = self._train(corpus, choice)
        splits = self._tokenize(tokenizer)
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
        """Return the tokenizer, after training it if necessary and storing it in the output."""
        began, n_bytes = time.monotonic(), corpus.n_bytes if choice.given is None else 0
        with task_folder(self.site.scratch) as folder:
            entry = read_tokenizer_record(self.storage.partial, self.plan.id)
            if entry is not None:
                self._count("train", [], 1, began)
                return fetch_tokenizer(self.storage.output.location, entry, folder)
            if choice.given is None:
                self.report(BuildProgress("train", 0, n_bytes, "bytes"))
            tokenizer = choice.given or choice.of_texts(list(corpus.sample_texts(SAMPLE_BYTES)))
            save(tokenizer, folder / TOKENIZER_FOLDER)
            for path in sorted((folder / TOKENIZER_FOLDER).rglob("*")):
                if path.is_file():
                    self.storage.output.upload(path, path.relative_to(folder).as_posix())
            write_record(self.storage.partial, TOKENIZER_RECORD, self.plan.id, entry_of(tokenizer))
        self._count("train", [Done(None, time.monotonic() - began, n_bytes, 0)], 0, began)
        return tokenizer

    def _tokenize(self, tokenizer: Tokenizer) -> list[SplitRecord]:
        plan, files, entry = self.plan, self.plan.files(), entry_of(tokenizer)
        tasks = [
            TokenizeTask(self.site, number, split, plan.text_field, plan.on_error, entry, plan.input_format)
            for number, split in enumerate(files)
        ]
        sizes = [sum(file.size_bytes for file in split) for split in files]
        finished = finished_splits(self.storage.partial, len(files), plan.id)
        return self._stage("tokenize", tokenize_split, tasks, finished, sizes, "bytes", MOST_PART_BYTES)

    def _sort(self, splits: list[SplitRecord], vocab_size: int) -> list[ShardRecord]:
        @cache
        def lengths(split: int, part: int) -> Int64Array:
            return self._lengths(splits[split], part)

        shards = cut_into_shards([split.parts for split in splits], self.plan.shard_tokens, lengths)
        width_bits = _core.token_bits_for(vocab_size)
        tasks = [
            ShardTask(self.site, number, slices, vocab_size, width_bits, _disk_bytes(slices, vocab_size, width_bits))
            for number, slices in enumerate(shards)
        ]
        finished = finished_shards(self.storage.partial, self.storage.output, len(tasks), self.plan.id)
        most_disk = max(task.disk_bytes for task in tasks)
        return self._stage("sort", build_shard, tasks, finished, [task.n_tokens for task in tasks], "tokens", most_disk)

    def _stage(
        self,
        stage: str,
        work: Callable[[Task], Done[Record]],
        tasks: list[Task],
        finished: dict[int, Record],
        sizes: list[int],
        unit: str,
        disk_bytes: int,
    ) -> list[Record]:
        """Run the unfinished tasks of a stage, and return the records of all tasks in order."""
        began, done, records = time.monotonic(), [], dict(finished)
        total, n_done = sum(sizes), sum(sizes[number] for number in finished)
        self.report(BuildProgress(stage, n_done, total, unit))
        needs = Needs(self.site.threads, self.site.memory_bytes, disk_bytes)
        with closing(
            self.executor.run(work, [task for task in tasks if task.number not in finished], needs)
        ) as results:
            for result in results:
                done.append(result)
                records[result.record.number] = result.record
                n_done += sizes[result.record.number]
                self.report(BuildProgress(stage, n_done, total, unit))
        self._count(stage, done, len(finished), began)
        return [records[task.number] for task in tasks]

    def _lengths(self, split: SplitRecord, part: int) -> Int64Array:
        """Return the length in tokens of each document of a part."""
        name = part_file_name(split.number, part, "documents")
        return documents_of(self.storage.partial.read(name))[:, 0]

    def _publish(self, result: Manifest, shards: list[ShardRecord]) -> None:
        """Check that the output has all files, remove all others, and write the manifest."""
        output = self.storage.output
        expected = {name: size for shard in shards for name, size in files_of_shard(shard).items()}
        found = output.sizes()
        for name, size in expected.items():
            if found.get(name) != size:
                raise IndexDamagedError(
                    f"{output.location}/{name} has {found.get(name, 'no')} bytes, expected {size}; run the same "
                    "command again, and make sure that no other build writes to this output"
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
    """Estimate the size of a shard and of the largest of its parts."""
    n_tokens = sum(piece.n_tokens for piece in slices)
    n_documents = sum(piece.last - piece.first for piece in slices)
    metadata = sum(piece.entry.files["metadata"].size_bytes for piece in slices)
    names = sum(piece.entry.files["sources"].size_bytes for piece in slices)
    largest = max(sum(file.size_bytes for file in piece.entry.files.values()) for piece in slices)
    sources = Sources(n_documents, names)  # the maximum: one run per document
    return largest + index_bytes(n_tokens, n_documents, metadata, vocab_size, width_bits, max(1, n_tokens), sources)
