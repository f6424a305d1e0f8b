"""A plan: how many machines, how long, how dear, and how fast the index answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from infgram.errors import QueryError
from infgram.planning.constants import CALLS, COSTS, LATENCIES, TOKENISE_NS_PER_BYTE, WIDE_TIMES
from infgram.planning.costs import StagePoint
from infgram.planning.fan_out import Serving, fan_out
from infgram.planning.machine import Machine
from infgram.planning.simulation import BuildRun, Fleet, Stage, simulate
from infgram.planning.workload import Workload

DEFAULT_HOURS: Final = 24.0
STORAGE_BYTES_PER_S: Final = 50e9  # of an object storage in one region, in all: an assumption
TRANSFER_NS_PER_BYTE: Final = 1.5  # of processor time, encryption and checksum: an assumption
_TASK_THREADS: Final = 4  # a shard's; more shards at a time leave fewer idle, and take more memory
_MEMORY_SHARE: Final = 0.85  # of a machine that may be planned with; the rest is the system's
_DISK_SHARE: Final = 0.90
_RUNS: Final = 5  # simulated builds, an odd number
_MOST_TRIALS: Final = 60
_STEP: Final = 1.04  # machines more, where the simulation took longer than wanted


@dataclass(frozen=True)
class StagePlan:
    """A stage of the build.

    Attributes:
        name: tokenise, sort or verify.
        cpu_hours: of a vCPU of the machine.
        hours: of all machines together, by the simulation, waiting for disk and network included.
    """

    name: str
    cpu_hours: float
    hours: float


@dataclass(frozen=True)
class QueryPlan:
    """A question asked of all shards.

    Attributes:
        asked: count, next token or infgram.
        state: warm, the index in memory; cold, its directories in memory and the rest on disk.
        lanes: shards that an owner asks at a time.
        p50_ms: the median.
        p99_ms: the 99th percentile.
    """

    asked: str
    state: str
    lanes: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Plan:
    """What it takes to build an index, and to serve it.

    Attributes:
        workload: what was planned for.
        machine: likewise.
        n_shards: shards.
        n_machines: that build.
        slots: shards that a machine works at.
        hours: from begin to end, by the simulation.
        stages: one by one.
        cpu_hours: of all stages.
        cpu_dollars: these hours at a vCPU's share of the price.
        dollars: all machines, held from begin to end.
        n_repeated: tasks done again since a machine was lost.
        index_bytes: of the finished index.
        directory_bytes: that serving keeps in memory.
        temporary_bytes: of local disk that a building machine needs at most.
        memory_bytes: that a building machine needs at most, the text that is sorted included.
        download_bytes: from object storage while building.
        upload_bytes: to it.
        serving_machines: that hold the index on their disks and its directories in memory.
        queries: latencies.
    """

    workload: Workload
    machine: Machine
    n_shards: int
    n_machines: int
    slots: int
    hours: float
    stages: tuple[StagePlan, ...]
    cpu_hours: float
    cpu_dollars: float
    dollars: float
    n_repeated: int
    index_bytes: float
    directory_bytes: float
    temporary_bytes: float
    memory_bytes: float
    download_bytes: float
    upload_bytes: float
    serving_machines: int
    queries: tuple[QueryPlan, ...]


def make_plan(
    workload: Workload, machine: Machine, *, n_machines: int | None = None, hours: float | None = None, seed: int = 0
) -> Plan:
    """Plan a build on so many machines, or on the fewest that are done in so many hours.

    Args:
        workload: what is to be indexed.
        machine: on which.
        n_machines: how many; None for as many as `hours` needs.
        hours: at most; 24 if neither is given.
        seed: of the simulations.

    Raises:
        QueryError: both are given or one is out of range, or the shards do not fit the machine or the hours.
    """
    if n_machines is not None and hours is not None:
        raise QueryError("both a number of machines and of hours; the one follows from the other")
    shard = shard_costs(workload)
    slots = _slots(workload, machine, shard)
    stages = build_stages(workload, shard)
    if n_machines is None:
        fleet, run = _fewest(machine, slots, stages, workload.n_shards, DEFAULT_HOURS if hours is None else hours, seed)
    else:
        if n_machines < 1:
            raise QueryError(f"machines is {n_machines}; expected at least 1")
        fleet = Fleet(machine, n_machines, slots, STORAGE_BYTES_PER_S)
        run = _median_run(fleet, stages, workload.n_shards, seed)
    n_shards = workload.n_shards
    cpu_hours = {stage.name: n_shards * stage.cpu_s / machine.speed / 3600 for stage in stages}
    held_hours = run.elapsed_s / 3600 * fleet.n_machines
    index_bytes, directory_bytes = n_shards * shard.size_bytes, n_shards * shard.directory_bytes
    serving = _serving_machines(machine, index_bytes, directory_bytes)
    return Plan(
        workload=workload,
        machine=machine,
        n_shards=n_shards,
        n_machines=fleet.n_machines,
        slots=slots,
        hours=run.elapsed_s / 3600,
        stages=tuple(
            StagePlan(stage.name, cpu_hours[stage.name], run.stage_s[stage.name] / slots / 3600) for stage in stages
        ),
        cpu_hours=sum(cpu_hours.values()),
        cpu_dollars=sum(cpu_hours.values()) * machine.dollars_per_hour / machine.vcpus,
        dollars=held_hours * machine.dollars_per_hour,
        n_repeated=run.n_repeated,
        index_bytes=index_bytes,
        directory_bytes=directory_bytes,
        temporary_bytes=slots * _local_bytes(workload, shard),
        memory_bytes=slots * _resident_bytes(workload, machine, slots),
        download_bytes=n_shards * sum(stage.download_bytes for stage in stages),
        upload_bytes=n_shards * sum(stage.upload_bytes for stage in stages),
        serving_machines=serving,
        queries=query_plans(workload, serving, machine.vcpus, seed),
    )


def shard_costs(workload: Workload) -> StagePoint:
    """What a shard takes, from token ids on; processor seconds of a vCPU of speed 1."""
    n_tokens = workload.tokens_of_a_shard
    n_documents = math.ceil(n_tokens / workload.tokens_per_document)
    return COSTS.predicted(n_tokens, n_documents, _TASK_THREADS, workload.vocab_size, workload.token_width_bits)


def build_stages(workload: Workload, shard: StagePoint) -> list[Stage]:
    """The tasks of a shard, each of which ends when its result is in object storage."""
    n_tokens = workload.tokens_of_a_shard
    text_bytes = n_tokens * workload.text_bytes_per_token
    token_bytes = n_tokens * workload.token_width_bits / 8
    documents_bytes = token_bytes + shard.n_documents * 8
    wide = WIDE_TIMES if workload.token_width_bits == 32 else 1.0
    read_bytes = text_bytes or token_bytes
    sorted_bytes = shard.size_bytes - documents_bytes

    def seconds(cpu_s: float, moved_bytes: float) -> float:
        return cpu_s + moved_bytes * TRANSFER_NS_PER_BYTE / 1e9

    return [
        Stage(
            "tokenise" if text_bytes else "read",
            seconds(shard.write_cpu_s + text_bytes * TOKENISE_NS_PER_BYTE / 1e9, read_bytes + documents_bytes),
            read_bytes,
            documents_bytes,
            read_bytes + documents_bytes,
        ),
        Stage(
            "sort", seconds(shard.sort_cpu_s * wide, sorted_bytes), 0.0, sorted_bytes, documents_bytes + sorted_bytes
        ),
        Stage("verify", shard.verify_cpu_s, 0.0, 0.0, shard.size_bytes),
    ]


def query_plans(workload: Workload, n_owners: int, vcpus: int, seed: int = 0) -> tuple[QueryPlan, ...]:
    """Each question, warm and cold, an owner asking its shards in a row and over its cores."""
    plans = []
    for (asked, state), latency in LATENCIES.items():
        for lanes in (1, vcpus):
            serving = Serving(workload.n_shards, workload.tokens_of_a_shard, n_owners, lanes, CALLS)
            found = fan_out(latency, serving, seed)
            plans.append(QueryPlan(asked, state, lanes, found.p50_us / 1e3, found.p99_us / 1e3))
    return tuple(plans)


def _slots(workload: Workload, machine: Machine, shard: StagePoint) -> int:
    """Shards at a time: one for each four vCPUs, fewer where memory or disk holds no more."""
    wanted = max(1, machine.vcpus // _TASK_THREADS)
    for slots in range(min(wanted, workload.n_shards), 0, -1):
        memory = slots * _resident_bytes(workload, machine, slots)
        disk = slots * _local_bytes(workload, shard)
        if memory <= _MEMORY_SHARE * machine.memory_bytes and disk <= _DISK_SHARE * machine.disk_bytes:
            return slots
    raise QueryError(
        f"a shard of {workload.tokens_of_a_shard:,} tokens takes {_resident_bytes(workload, machine, 1) / 1e9:.1f} GB "
        f"of memory and {_local_bytes(workload, shard) / 1e9:.1f} GB of disk while it is built, more than "
        f"{machine.name} has to spare; expected smaller shards (--shard-tokens) or a larger machine"
    )


def _resident_bytes(workload: Workload, machine: Machine, slots: int) -> float:
    """Memory of a shard's sort, and its text, which is read again and again."""
    n_tokens = workload.tokens_of_a_shard
    return COSTS.memory_bytes(n_tokens, machine.vcpus // slots or 1) + n_tokens * workload.token_width_bits / 8


def _local_bytes(workload: Workload, shard: StagePoint) -> float:
    """Local disk while a shard is built: what comes in, and the index."""
    n_tokens = workload.tokens_of_a_shard
    return n_tokens * (workload.text_bytes_per_token or workload.token_width_bits / 8) + shard.size_bytes


def _fewest(
    machine: Machine, slots: int, stages: list[Stage], n_shards: int, hours: float, seed: int
) -> tuple[Fleet, BuildRun]:
    """The fewest machines whose simulated build is done in time, or nearly the fewest."""
    if not 0 < hours < math.inf:
        raise QueryError(f"hours is {hours}; expected a number above 0")
    n_machines = 1
    most = math.ceil(n_shards / slots)
    for _ in range(_MOST_TRIALS):
        fleet = Fleet(machine, n_machines, slots, STORAGE_BYTES_PER_S)
        ideal = sum(map(fleet.seconds, stages)) * n_shards / slots / n_machines / 3600
        if ideal > hours:
            n_machines = max(n_machines + 1, math.ceil(n_machines * ideal / hours))
        else:
            run = _median_run(fleet, stages, n_shards, seed)
            if run.elapsed_s <= hours * 3600:
                return fleet, run
            n_machines = max(n_machines + 1, math.floor(n_machines * _STEP))
        if n_machines > most:
            break
    one_hours = sum(map(Fleet(machine, most, slots, STORAGE_BYTES_PER_S).seconds, stages)) / 3600
    raise QueryError(
        f"not done in {hours:g} hours on any number of machines: a single shard takes {one_hours:.2g} hours on "
        "its part of one; expected more hours or smaller shards"
    )


def _median_run(fleet: Fleet, stages: list[Stage], n_shards: int, seed: int) -> BuildRun:
    """Of some simulated builds the one that takes neither longest nor shortest: losses are rare and costly."""
    runs = [simulate(fleet, stages, n_shards, seed * _RUNS + number) for number in range(_RUNS)]
    return sorted(runs, key=lambda run: run.elapsed_s)[_RUNS // 2]


def _serving_machines(machine: Machine, index_bytes: float, directory_bytes: float) -> int:
    by_disk = index_bytes / (_DISK_SHARE * machine.disk_bytes)
    by_memory = directory_bytes / (_MEMORY_SHARE * machine.memory_bytes)
    return max(1, math.ceil(max(by_disk, by_memory)))
