"""The summary of a build: the index and the resources used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from infgram.cluster.indexing.tasks import Done
from infgram.files.manifest import Manifest, SkippedEntry
from infgram.reprs import ShortRepr

DOLLARS_PER_CPU_HOUR: Final = 1.8984 / 32  # of the default machine of `infgram plan`


@dataclass(frozen=True)
class StageSummary(ShortRepr):
    """One stage of a build.

    Attributes:
        stage: `train`, `tokenize` or `sort`.
        n_tasks: the number of tasks that ran in this build.
        n_kept: the number of tasks that an earlier build had finished.
        elapsed_s: seconds from the first to the last task of this build.
        cpu_hours: CPU hours that the tasks reserved, whether busy or idle.
        bytes_read: bytes read from the input or from storage.
        bytes_written: bytes written to storage.
    """

    stage: str
    n_tasks: int
    n_kept: int
    elapsed_s: float
    cpu_hours: float
    bytes_read: int
    bytes_written: int

    @classmethod
    def of(cls, stage: str, done: list[Done[Any]], n_kept: int, elapsed_s: float, cpus: int) -> StageSummary:
        """Sum over the finished tasks, each with `cpus` CPUs."""
        return cls(
            stage,
            len(done),
            n_kept,
            round(elapsed_s, 3),
            cpus * sum(task.elapsed_s for task in done) / 3600,
            sum(task.bytes_read for task in done),
            sum(task.bytes_written for task in done),
        )


@dataclass(frozen=True)
class BuildSummary(ShortRepr):
    """A finished build.

    Attributes:
        location: the path or URL of the index.
        n_documents: the number of documents.
        n_tokens: the number of tokens.
        n_shards: the number of shards.
        size_bytes: the size of all shards.
        skipped: input that was skipped because it could not be read.
        stages: the stages in order; tasks of an earlier run with the same plan count only in `n_kept`.
        elapsed_s: the duration of this run in seconds.
        dollars_per_cpu_hour: the price for `dollars`.
    """

    location: str
    n_documents: int
    n_tokens: int
    n_shards: int
    size_bytes: int
    skipped: tuple[SkippedEntry, ...]
    stages: tuple[StageSummary, ...]
    elapsed_s: float
    dollars_per_cpu_hour: float

    @classmethod
    def of(
        cls, location: str, manifest: Manifest, stages: tuple[StageSummary, ...], elapsed_s: float, price: float
    ) -> BuildSummary:
        """Return the summary of a run that wrote this manifest."""
        size_bytes = sum(shard.size_bytes for shard in manifest.shards)
        return cls(
            location,
            manifest.n_documents,
            manifest.n_tokens,
            len(manifest.shards),
            size_bytes,
            manifest.skipped,
            stages,
            round(elapsed_s, 3),
            price,
        )

    @property
    def cpu_hours(self) -> float:
        """CPU hours of all stages."""
        return sum(stage.cpu_hours for stage in self.stages)

    @property
    def dollars(self) -> float:
        """The cost of the CPU hours at `dollars_per_cpu_hour`."""
        return self.cpu_hours * self.dollars_per_cpu_hour
