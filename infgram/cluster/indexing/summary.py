"""What a build has made, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from infgram.cluster.indexing.tasks import Done
from infgram.files.manifest import Manifest, SkippedEntry
from infgram.reprs import ShortRepr

DOLLARS_PER_CPU_HOUR: Final = 1.8984 / 32  # of the default machine of `infgram plan`


@dataclass(frozen=True)
class StageSummary(ShortRepr):
    """One stage.

    Attributes:
        stage: `train`, `tokenise` or `sort`.
        n_tasks: those that ran now.
        n_kept: those that an earlier build had finished.
        elapsed_s: from the first to the last of those that ran now.
        cpu_hours: what they held of CPUs, working or not.
        bytes_read: from the input or from storage.
        bytes_written: to storage.
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
        """The sum over its tasks, of so many CPUs each."""
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
        location: of the index.
        n_documents: of all shards.
        n_tokens: likewise.
        n_shards: how many.
        size_bytes: of all shards.
        skipped: what was left out because it could not be read.
        stages: in order; those of an earlier run by the same plan count only as kept.
        elapsed_s: of this run.
        dollars_per_cpu_hour: the price that `dollars` is for.
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
        """The summary of a run that ended with this manifest."""
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
        """Of all stages."""
        return sum(stage.cpu_hours for stage in self.stages)

    @property
    def dollars(self) -> float:
        """What the CPUs cost at that price."""
        return self.cpu_hours * self.dollars_per_cpu_hour
