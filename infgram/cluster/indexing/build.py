"""`build`: build an index with tasks, on one machine or many, from storage to storage."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias, get_args

from infgram.arguments import (
    callback,
    checked_shard_tokens,
    checked_threads,
    choice as one_of,
    path as checked_path,
    real,
)
from infgram.cluster.executor import Executor, LocalExecutor, Needs
from infgram.cluster.indexing.driver import Driver
from infgram.cluster.indexing.output import BuildStorage
from infgram.cluster.indexing.plan import Plan
from infgram.cluster.indexing.summary import DOLLARS_PER_CPU_HOUR, BuildSummary, StageSummary
from infgram.cluster.indexing.tasks import Site
from infgram.corpus import Corpus, FormatName, Inputs, OnError
from infgram.indexing.build import DEFAULT_SHARD_TOKENS
from infgram.indexing.memory import size_bytes
from infgram.indexing.tokenizer_choice import TokenizerChoice
from infgram.tokenizers import Tokenizer
from infgram.types import BuildProgress
from infgram.watch import Progress

ExecutorName: TypeAlias = Literal["local", "ray"]

DEFAULT_SPLIT_BYTES: Final = 2 << 30


def build(
    source: Inputs,
    output: str | os.PathLike[str],
    *,
    tokenizer: str | os.PathLike[str] | Tokenizer = "bpe",
    text_field: str = "text",
    shard_tokens: float = DEFAULT_SHARD_TOKENS,
    on_error: OnError = "fail",
    format: FormatName = "auto",
    include: str | Iterable[str] = (),
    exclude: str | Iterable[str] = (),
    follow_links: bool = False,
    engine: ExecutorName = "ray",
    threads: int | None = None,
    memory: int | str | None = None,
    scratch: str | os.PathLike[str] | None = None,
    split_bytes: int | str = DEFAULT_SPLIT_BYTES,
    dollars_per_cpu_hour: float = DOLLARS_PER_CPU_HOUR,
    progress: Progress | None = None,
) -> BuildSummary:
    """Index a corpus with many tasks. Lost tasks run again, and finished tasks do not.

    The index equals, byte for byte, that of `infgram.build` with the same `shard_tokens`. Finished tasks are stored in
    `OUTPUT.partial`; the same call resumes from there.

    Args:
        source: as for `infgram.build`, except standard input; all machines must reach it under the same names.
        output: a folder that all machines share, or an fsspec URL such as `s3://bucket/index`; it must not exist.
        tokenizer: as for `infgram.build`. This process trains a tokenizer if necessary, and reads all of the input to
            draw a sample; for a large corpus, use an existing tokenizer.
        text_field: as for `infgram.build`.
        shard_tokens: as for `infgram.build`.
        on_error: as for `infgram.build`.
        format: as for `infgram.build`.
        include: as for `infgram.build`.
        exclude: as for `infgram.build`.
        follow_links: as for `infgram.build`.
        engine: `"ray"` runs the tasks on the Ray cluster that this process is connected to, or else on the one that
            `RAY_ADDRESS` names or that runs on this machine. If there is none, one is started on this machine and
            stops after the build. `"local"` runs one task after another in this process.
        threads: threads of each task; None for at most four CPUs of a Ray node, or for all CPUs of this machine.
        memory: memory of each task, as for `infgram.build`; None for the share that corresponds to the CPUs.
        scratch: a folder on each machine for temporary files; None for the default temporary folder.
        split_bytes: the approximate number of bytes, as stored, that one task reads; a file is never split.
        dollars_per_cpu_hour: the price of a CPU hour, for the summary.
        progress: called on this thread when a task is finished.

    Returns:
        A summary of the index and of the resources used.

    Raises:
        InputError: the input cannot be read, contains no document, or changes during the build.
        TokenizerError: the tokenizer does not exist or cannot be trained.
        QueryError: an argument is out of range, or exceeds the resources of every machine.
        IndexExistsError: `output` exists.
        StorageError: the storage or an operating system reported an error.
        ShardUnavailableError: no Ray cluster can be reached.
        ServiceError: a task was lost several times.
        MissingExtraError: a package is not installed; the message names the extra.
    """
    began = time.monotonic()
    n_shard_tokens = checked_shard_tokens(shard_tokens)
    n_threads = None if threads is None else checked_threads(threads)
    memory_bytes = None if memory is None else size_bytes(memory)
    corpus = Corpus(
        source,
        text_field=text_field,
        on_error=on_error,
        format=format,
        include=include,
        exclude=exclude,
        follow_links=follow_links,
    )
    storage = BuildStorage.of(checked_path(output, "output"))
    callback(progress, "progress")
    one_of(engine, "engine", get_args(ExecutorName))
    scratch_folder = None if scratch is None else os.path.abspath(checked_path(scratch, "scratch"))
    price = real(dollars_per_cpu_hour, "dollars_per_cpu_hour", low=0)
    choice = TokenizerChoice.of(tokenizer)
    plan = Plan.of(
        corpus,
        choice.plan,
        shard_tokens=n_shard_tokens,
        text_field=text_field,
        on_error=on_error,
        input_format=format,
        split_bytes=size_bytes(split_bytes),
    )
    stages: tuple[StageSummary, ...] = ()
    with _executor(engine) as executor:
        if storage.begin(plan):
            manifest = storage.manifest()
        else:
            needs = _needs(executor, n_threads, memory_bytes)
            site = Site(
                plan.id,
                storage.output.location,
                storage.partial.location,
                scratch_folder,
                needs.cpus,
                needs.memory_bytes,
            )
            driver = Driver(plan, storage, site, executor, progress or _ignore)
            manifest, stages = driver.run(corpus, choice), tuple(driver.stages)
    storage.clean()
    elapsed_s = time.monotonic() - began
    return BuildSummary.of(storage.output.location, manifest, stages, elapsed_s, price)


@contextmanager
def _executor(engine: ExecutorName) -> Iterator[Executor]:
    if engine == "local":
        yield LocalExecutor()
        return
    from infgram.cluster.ray_cluster import connection
    from infgram.cluster.ray_executor import RayExecutor

    with connection():
        yield RayExecutor()


def _needs(executor: Executor, threads: int | None, memory_bytes: int | None) -> Needs:
    share = executor.share()
    cpus = threads or share.cpus
    if memory_bytes is None and share.memory_bytes is not None:
        memory_bytes = share.memory_bytes * cpus // share.cpus
    return Needs(cpus, memory_bytes)


def _ignore(progress: BuildProgress) -> None:
    """Do nothing: the default of `progress`."""
