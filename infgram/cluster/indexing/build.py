"""`build`: an index made by tasks, on this machine or on many, from storage to storage."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias, get_args

from infgram.arguments import callback, checked_shard_tokens, checked_threads, real
from infgram.arguments import choice as one_of
from infgram.arguments import path as checked_path
from infgram.cluster.executor import Executor, LocalExecutor, Needs
from infgram.cluster.indexing.driver import Driver, Progress
from infgram.cluster.indexing.output import Places
from infgram.cluster.indexing.plan import Plan
from infgram.cluster.indexing.summary import DOLLARS_PER_CPU_HOUR, BuildSummary, StageSummary
from infgram.cluster.indexing.tasks import Site
from infgram.corpus import Corpus, FormatName, Inputs, OnError
from infgram.indexing.build import DEFAULT_SHARD_TOKENS
from infgram.indexing.memory import size_bytes
from infgram.indexing.tokenizer_choice import TokenizerChoice
from infgram.tokenizers import Tokenizer
from infgram.types import BuildProgress

Engine: TypeAlias = Literal["local", "ray"]

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
    engine: Engine = "ray",
    threads: int | None = None,
    memory: int | str | None = None,
    scratch: str | os.PathLike[str] | None = None,
    split_bytes: int | str = DEFAULT_SPLIT_BYTES,
    dollars_per_cpu_hour: float = DOLLARS_PER_CPU_HOUR,
    progress: Progress | None = None,
) -> BuildSummary:
    """Index a corpus by many tasks, each of which is done again where it is lost, and none when it is finished.

    The index is that of `infgram.build` with the same `shard_tokens`, to the byte. What is finished is kept in
    `OUTPUT.partial`; the same call goes on from there.

    Args:
        source: as for `infgram.build`, but for standard input; all machines must reach it by the same names.
        output: a folder that all machines share, or an fsspec URL such as `s3://bucket/index`; it must not be there.
        tokenizer: as for `infgram.build`. One to be trained is trained by this process, which reads all of the
            input for its sample; with much of it, give a tokenizer.
        text_field: as for `infgram.build`.
        shard_tokens: as for `infgram.build`.
        on_error: as for `infgram.build`.
        format: as for `infgram.build`.
        include: as for `infgram.build`.
        exclude: as for `infgram.build`.
        engine: `"ray"` hands the tasks to the Ray cluster that this process is connected to, or else to the one
            that `RAY_ADDRESS` names or that runs on this machine. If none is named and none runs, one is started on
            this machine and ends with the build. `"local"` does one task after the other here.
        threads: of each task; None for what the engine gives, at most four of a Ray node's CPUs or all of this
            machine.
        memory: of each task, as for `infgram.build`; None for what goes with the CPUs.
        scratch: a folder on each machine for files under way; None for the place of temporary files.
        split_bytes: files of about so many bytes, as stored, are read by one task; a file is never split.
        dollars_per_cpu_hour: the price for the summary.
        progress: called on this thread when a task is finished.

    Returns:
        What was made, and what it took.

    Raises:
        InputError: the input cannot be read, holds no document, or changes meanwhile.
        TokenizerError: there is no such tokenizer, or it cannot be trained.
        QueryError: an argument is out of range, or is more than any machine has.
        IndexExistsError: `output` is taken.
        StorageError: the storage or an operating system refused.
        ShardUnavailableError: there is no Ray cluster.
        ServiceError: a task was lost again and again.
        MissingExtraError: a package is not installed: names the extra.
    """
    began = time.monotonic()
    n_shard_tokens = checked_shard_tokens(shard_tokens)
    n_threads = None if threads is None else checked_threads(threads)
    memory_bytes = None if memory is None else size_bytes(memory)
    corpus = Corpus(source, text_field=text_field, on_error=on_error, format=format, include=include, exclude=exclude)
    places = Places.of(checked_path(output, "output"))
    callback(progress, "progress")
    one_of(engine, "engine", get_args(Engine))
    place = None if scratch is None else os.path.abspath(checked_path(scratch, "scratch"))
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
        if places.begin(plan):
            manifest = places.manifest()
        else:
            needs = _needs(executor, n_threads, memory_bytes)
            site = Site(plan.id, places.output.location, places.partial.location, place, needs.cpus, needs.memory_bytes)
            driver = Driver(plan, places, site, executor, progress or _ignore)
            manifest, stages = driver.run(corpus, choice), tuple(driver.stages)
    places.clean()
    elapsed_s = time.monotonic() - began
    return BuildSummary.of(places.output.location, manifest, stages, elapsed_s, price)


@contextmanager
def _executor(engine: Engine) -> Iterator[Executor]:
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
    """Progress that nobody asked for."""
