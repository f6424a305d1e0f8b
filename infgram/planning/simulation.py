"""A build on many machines, event by event: shards are tasks, machines differ, are slow now and then, and are lost."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.errors import QueryError
from infgram.planning.machine import Machine

REPLACE_S: Final = 300.0  # until a lost machine is replaced
_MACHINE_SPREAD: Final = 0.05  # standard deviation of the logarithm of a machine's time
_TASK_SPREAD: Final = 0.10  # and of a task's
_MOST_LOSSES: Final = 3.0  # of a machine in the time of one stage
_LOSSES_DRAWN: Final = 64  # of a machine, at a time


@dataclass(frozen=True)
class Stage:
    """A task of every shard; when it ends, storage holds its result.

    Attributes:
        name: tokenise, sort or verify.
        cpu_s: processor seconds of one vCPU of speed 1.
        download_bytes: from object storage, before.
        upload_bytes: to object storage, after.
        disk_bytes: read and written on the local disk meanwhile.
    """

    name: str
    cpu_s: float
    download_bytes: float = 0.0
    upload_bytes: float = 0.0
    disk_bytes: float = 0.0


@dataclass(frozen=True)
class Fleet:
    """Equal machines, each of which works at some shards at a time.

    Attributes:
        machine: each of them.
        n_machines: how many.
        slots: shards that a machine works at; they share its vCPUs, disk and network evenly.
        storage_bytes_per_s: that the object storage gives and takes in all.
    """

    machine: Machine
    n_machines: int
    slots: int
    storage_bytes_per_s: float

    def seconds(self, stage: Stage) -> float:
        """A stage of one shard, when nothing goes wrong."""
        n_slots = self.n_machines * self.slots
        network = min(self.machine.network_bytes_per_s / self.slots, self.storage_bytes_per_s / n_slots)
        working = stage.cpu_s / (self.machine.speed * self.machine.vcpus / self.slots)
        disk = stage.disk_bytes / (self.machine.disk_bytes_per_s / self.slots)
        return max(working, disk) + (stage.download_bytes + stage.upload_bytes) / network


@dataclass(frozen=True)
class BuildRun:
    """What a simulated build took.

    Attributes:
        elapsed_s: from the first task to the last.
        stage_s: of each stage, in all slots together, repeats included.
        n_repeated: stages that were lost with a machine and done again.
    """

    elapsed_s: float
    stage_s: dict[str, float]
    n_repeated: int


def simulate(fleet: Fleet, stages: Sequence[Stage], n_shards: int, seed: int = 0) -> BuildRun:
    """Build all shards: a slot that is free takes the next shard and does its stages, one after the other.

    Raises:
        QueryError: a stage takes so long that a machine is hardly ever not lost meanwhile.
    """
    usual = [fleet.seconds(stage) for stage in stages]
    if max(usual) / 3600 * fleet.machine.losses_per_hour > _MOST_LOSSES:
        raise QueryError(
            f"a stage of a shard takes {max(usual) / 3600:.2g} hours, in which {fleet.machine.name} is lost more than "
            f"{_MOST_LOSSES:g} times; expected smaller shards or a machine that is lost less often"
        )
    random = np.random.default_rng(seed)
    machines = [_MachineLife(fleet.machine, random) for _ in range(fleet.n_machines)]
    stage_s = dict.fromkeys((stage.name for stage in stages), 0.0)
    free = [(0.0, slot % fleet.n_machines, slot) for slot in range(fleet.n_machines * fleet.slots)]
    heapq.heapify(free)
    last = 0.0
    for _ in range(n_shards):
        now, number, slot = heapq.heappop(free)
        for stage, seconds in zip(stages, usual, strict=True):
            end = machines[number].end_of(now, seconds * random.lognormal(0.0, _TASK_SPREAD))
            stage_s[stage.name] += end - now
            now = end
        heapq.heappush(free, (now, number, slot))
        last = max(last, now)
    return BuildRun(last, stage_s, sum(life.n_repeated for life in machines))


class _MachineLife:
    """A machine's speed, and when it is lost."""

    def __init__(self, machine: Machine, random: np.random.Generator) -> None:
        self.n_repeated = 0
        self._random = random
        self._factor = random.lognormal(0.0, _MACHINE_SPREAD)
        self._mean_s = 3600 / machine.losses_per_hour if machine.losses_per_hour else 0.0
        self._losses = np.empty(0)

    def end_of(self, begin: float, seconds: float) -> float:
        """When a stage that begins then is done; a loss meanwhile makes it begin anew on another machine."""
        seconds *= self._factor
        while (loss := self._next_loss(begin)) < begin + seconds:
            self.n_repeated += 1
            begin = loss + REPLACE_S
        return begin + seconds

    def _next_loss(self, after: float) -> float:
        if not self._mean_s:
            return np.inf
        while not len(self._losses) or self._losses[-1] < after:
            last = self._losses[-1] if len(self._losses) else 0.0
            steps = self._random.exponential(self._mean_s, _LOSSES_DRAWN)
            self._losses = np.append(self._losses, last + np.cumsum(steps))
        return float(self._losses[np.searchsorted(self._losses, after)])
