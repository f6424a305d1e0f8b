"""The executor protocol for the tasks of a build, and the executor of this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from infgram.arguments import checked_threads

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Needs:
    """The resources of one task.

    Attributes:
        cpus: the number of threads.
        memory_bytes: anonymous and shared memory; None for no limit of its own.
        disk_bytes: scratch disk space.
    """

    cpus: int
    memory_bytes: int | None
    disk_bytes: int = 0


class Executor(Protocol):
    """Runs tasks. A task may run twice, or be interrupted and run again."""

    def share(self) -> Needs:
        """Return the default resources of a task."""

    def run(self, work: Callable[[Item], Result], items: Sequence[Item], needs: Needs) -> Generator[Result, None, None]:
        """Call `work` for each item, and yield the results in order of completion.

        Closing the iterator stops the running tasks.

        Args:
            work: a module-level function, which workers import by name.
            items: small values, which are copied to the workers.
            needs: the resources of each task.

        Raises:
            QueryError: no machine has the resources.
            ServiceError: a task was started several times and never finished.
            InfgramError: raised by `work`.
        """


class LocalExecutor:
    """Runs one task after another in this process."""

    def share(self) -> Needs:
        """Return all cores, and no limit of memory."""
        return Needs(checked_threads(None), None)

    def run(self, work: Callable[[Item], Result], items: Sequence[Item], needs: Needs) -> Generator[Result, None, None]:
        """See `Executor.run`; results are in the order of the items."""
        for item in items:
            yield work(item)
