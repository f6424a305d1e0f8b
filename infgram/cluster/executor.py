"""Who runs the tasks of a build: this process, or whatever fulfils the protocol."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from infgram.arguments import checked_threads

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Needs:
    """What one task takes.

    Attributes:
        cpus: threads.
        memory_bytes: anonymous and shared memory; None for what is there.
        disk_bytes: of scratch space.
    """

    cpus: int
    memory_bytes: int | None
    disk_bytes: int = 0


class Executor(Protocol):
    """Runs tasks that may each be run twice, or be cut short and run again."""

    def share(self) -> Needs:
        """What a task is given when nobody says it."""

    def run(self, work: Callable[[Item], Result], items: Sequence[Item], needs: Needs) -> Generator[Result, None, None]:
        """What `work` makes of each item, as one after the other is finished, in whatever order.

        Closing the iterator stops the tasks that are under way.

        Args:
            work: a function at the top of a module, which is found by its name wherever it runs.
            items: small values, which are copied there.
            needs: of each of these tasks.

        Raises:
            QueryError: nobody can ever give as much as is needed.
            ServiceError: a task was begun several times and never ended.
            InfgramError: whatever `work` raised.
        """


class LocalExecutor:
    """Runs one task after the other, in this process."""

    def share(self) -> Needs:
        """All cores, and the memory that a build without limits takes."""
        return Needs(checked_threads(None), None)

    def run(self, work: Callable[[Item], Result], items: Sequence[Item], needs: Needs) -> Generator[Result, None, None]:
        """As `Executor.run`, in the order of the items."""
        for item in items:
            yield work(item)
