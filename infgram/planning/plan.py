"""The plan of a build: machines, hours and cost, by closed formulas, and the latency of queries, by simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from infgram.errors import QueryError
from infgram.planning.costs import CostModel, ShardCost, measured
from infgram.planning.latency import Quantiles, Serving, ShardLatency, simulate_us
from infgram.planning.machine import Machine
from infgram.planning.workload import Workload

DEFAULT_HOURS: Final = 24.0
STORAGE_BYTES_PER_S: Final = 50e9  # total bandwidth of the object storage of one region: an assumption
TRANSFER_NS_PER_BYTE: Final = 1.5  # processor time of a transfer, for encryption and checksums: an assumption
REPLACE_S: Final = 300.0  # until a lost machine is replaced: an assumption
_VCPUS_PER_SHARD: Final = 4  # vCPUs per shard; more shards at a time leave fewer vCPUs idle and take more memory
_MEMORY_SHARE: Final = 0.85  # of a machine's memory; the rest is left to the system
_DISK_SHARE: Final = 0.90
_MAX_LOSSES: Final = 3.0  # expected losses of a machine during one stage of a shard


@dataclass(frozen=True)
class StagePlan:
    """A stage of the build.

    Attributes:
        name: `read` or `tokenize`, `sort`, `verify`.
        cpu_hours: hours of one vCPU of the machine.
        hours: machine hours, waiting for disk and network included.
    """

    name: str
    cpu_hours: float
    hours: float


@dataclass(frozen=True)
class QueryPlan:
    """Latency of one kind of query to all shards.

    Attributes:
        query: `count`, `next token` or `infgram`.
        state: `warm`, all of the index in memory; `cold`, its directories in memory and the rest on disk.
        parallel_shards: shards that a serving machine queries in parallel.
        p50_ms: median latency in milliseconds.
        p99_ms: 99th percentile in milliseconds.
    """

    query: str
    state: str
    parallel_shards: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Plan:
    """Cost of building an index, and of serving it.

    Attributes:
        workload: the corpus.
        machine: the kind of machine.
        n_shards: number of shards.
        n_machines: machines that build.
        shards_per_machine: shards that a machine builds in parallel.
        hours: from start to end of the build.
        stages: the stages in order.
        cpu_hours: vCPU hours of all stages.
        cpu_dollars: price of these hours, at a vCPU's share of the machine's price.
        dollars: price of all machines from start to end.
        n_repeated: expected number of tasks repeated because a machine was lost.
        index_bytes: size of the finished index.
        directory_bytes: the part of it that belongs in memory for serving.
        temporary_bytes: peak local disk of a building machine.
        memory_bytes: peak memory of a building machine, the text that it sorts included.
        download_bytes: read from object storage by the build.
        upload_bytes: written to object storage by the build.
        serving_machines: machines that hold the index on disk and its directories in memory.
        queries: latencies.
    """

    workload: Workload
    machine: Machine
    n_shards: int
    n_machines: int
    shards_per_machine: int
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
    """Plan a build on `n_machines`, or on the minimum number of machines that finish within `hours`.

    Args:
        workload: the corpus.
        machine: the kind of machine.
        n_machines: number of machines; None to derive it from `hours`.
        hours: maximum hours of the build; 24 if neither is given.
        seed: of the latency simulation.

    Raises:
        QueryError: both are given, a value is out of range, or the shards do not fit the machine or the hours.
    """
    if n_machines is not None and hours is not None:
        raise QueryError("pass either n_machines or hours, not both")
    n_shards = workload.n_shards
    shard = _shard_cost(workload)
    shards_per_machine = _shards_per_machine(workload, machine, shard)
    stages = _stages(workload, shard)
    if n_machines is None:
        n_machines = _min_machines(
            machine, shards_per_machine, stages, n_shards, DEFAULT_HOURS if hours is None else hours
        )
    elif n_machines < 1:
        raise QueryError(f"n_machines is {n_machines}; expected at least 1")
    stage_s = [_expected_s(stage, machine, n_machines, shards_per_machine) for stage in stages]
    elapsed_hours = sum(stage_s) * math.ceil(n_shards / (n_machines * shards_per_machine)) / 3600
    cpu_hours = [n_shards * stage.cpu_s / machine.speed / 3600 for stage in stages]
    index_bytes, directory_bytes = n_shards * shard.size_bytes, n_shards * shard.directory_bytes
    serving = _serving_machines(machine, index_bytes, directory_bytes)
    return Plan(
        workload=workload,
        machine=machine,
        n_shards=n_shards,
        n_machines=n_machines,
        shards_per_machine=shards_per_machine,
        hours=elapsed_hours,
        stages=tuple(
            StagePlan(stage.name, stage_cpu_hours, n_shards * seconds / shards_per_machine / 3600)
            for stage, stage_cpu_hours, seconds in zip(stages, cpu_hours, stage_s, strict=True)
        ),
        cpu_hours=sum(cpu_hours),
        cpu_dollars=sum(cpu_hours) / machine.vcpus * machine.dollars_per_hour,
        dollars=elapsed_hours * n_machines * machine.dollars_per_hour,
        n_repeated=round(
            n_shards * sum(_expected_losses(stage, machine, n_machines, shards_per_machine) for stage in stages)
        ),
        index_bytes=index_bytes,
        directory_bytes=directory_bytes,
        temporary_bytes=shards_per_machine * _local_bytes(workload, shard),
        memory_bytes=shards_per_machine * _resident_bytes(workload, machine, shards_per_machine),
        download_bytes=n_shards * sum(stage.download_bytes for stage in stages),
        upload_bytes=n_shards * sum(stage.upload_bytes for stage in stages),
        serving_machines=serving,
        queries=_query_plans(workload, serving, machine.vcpus, seed),
    )


@dataclass(frozen=True)
class _Stage:
    """A task of every shard, whose result is written to object storage.

    Attributes:
        name: as `StagePlan` has it.
        cpu_s: processor seconds of a vCPU of speed 1.
        download_bytes: read from object storage first.
        upload_bytes: written to it at the end.
        disk_bytes: read and written on the local disk.
    """

    name: str
    cpu_s: float
    download_bytes: float = 0.0
    upload_bytes: float = 0.0
    disk_bytes: float = 0.0


def _shard_cost(workload: Workload) -> ShardCost:
    n_tokens = workload.tokens_of_a_shard
    n_documents = math.ceil(n_tokens / workload.tokens_per_document)
    return _model().predict(n_tokens, n_documents, _VCPUS_PER_SHARD, workload.vocab_size, workload.token_width_bits)


def _model() -> CostModel:
    return CostModel.from_json(measured()["costs"])


def _stages(workload: Workload, shard: ShardCost) -> list[_Stage]:
    n_tokens = workload.tokens_of_a_shard
    text_bytes = n_tokens * workload.text_bytes_per_token
    token_bytes = n_tokens * workload.token_width_bits / 8
    documents_bytes = token_bytes + shard.n_documents * 8
    read_bytes = text_bytes or token_bytes
    sorted_bytes = shard.size_bytes - documents_bytes
    tokenize_cpu_s = text_bytes * measured()["tokenize_ns_per_byte"] / 1e9
    sort_cpu_s = shard.sort_cpu_s * (measured()["sort_factor_32_bits"] if workload.token_width_bits == 32 else 1.0)

    def transfer_s(n_bytes: float) -> float:
        return n_bytes * TRANSFER_NS_PER_BYTE / 1e9

    return [
        _Stage(
            "tokenize" if text_bytes else "read",
            shard.write_cpu_s + tokenize_cpu_s + transfer_s(read_bytes + documents_bytes),
            download_bytes=read_bytes,
            upload_bytes=documents_bytes,
            disk_bytes=read_bytes + documents_bytes,
        ),
        _Stage(
            "sort",
            sort_cpu_s + transfer_s(sorted_bytes),
            upload_bytes=sorted_bytes,
            disk_bytes=documents_bytes + sorted_bytes,
        ),
        _Stage("verify", shard.verify_cpu_s, disk_bytes=shard.size_bytes),
    ]


def _undisturbed_s(stage: _Stage, machine: Machine, n_machines: int, shards_per_machine: int) -> float:
    """Seconds of a stage of one shard; the shards of a machine share its vCPUs, disk and network evenly."""
    network = min(machine.network_bytes_per_s, STORAGE_BYTES_PER_S / n_machines)
    computing = stage.cpu_s / (machine.speed * machine.vcpus)
    disk = stage.disk_bytes / machine.disk_bytes_per_s
    return shards_per_machine * (max(computing, disk) + (stage.download_bytes + stage.upload_bytes) / network)


def _expected_losses(stage: _Stage, machine: Machine, n_machines: int, shards_per_machine: int) -> float:
    """Expected number of times that a stage of one shard is restarted: exp(λt) - 1, with losses at the rate λ."""
    return math.expm1(_undisturbed_s(stage, machine, n_machines, shards_per_machine) * machine.losses_per_hour / 3600)


def _expected_s(stage: _Stage, machine: Machine, n_machines: int, shards_per_machine: int) -> float:
    """Expected seconds of a stage of one shard that restarts after each loss: (exp(λt) - 1)(1/λ + R).

    Losses are a Poisson process, and R is `REPLACE_S`: A. Duda, "The effects of checkpointing on program execution
    time", Information Processing Letters 16 (1983).
    """
    seconds = _undisturbed_s(stage, machine, n_machines, shards_per_machine)
    per_s = machine.losses_per_hour / 3600
    if seconds * per_s > _MAX_LOSSES:
        raise QueryError(
            f"stage {stage.name} of a shard takes {seconds / 3600:.2g} hours, during which {machine.name} is lost more "
            f"than {_MAX_LOSSES:g} times on average; use smaller shards or a machine that is lost less often"
        )
    return math.expm1(seconds * per_s) * (1 / per_s + REPLACE_S) if per_s else seconds


def _min_machines(machine: Machine, shards_per_machine: int, stages: list[_Stage], n_shards: int, hours: float) -> int:
    """Return the minimum number of machines that finish in time.

    The time per shard determines how many machines are required. It never decreases with the number of machines, which
    share the object storage, so this iteration from one machine on reaches the smallest sufficient number.
    """
    if not 0 < hours < math.inf:
        raise QueryError(f"hours is {hours}; expected a number above 0")
    n_machines = 1
    while True:
        shard_hours = sum(_expected_s(stage, machine, n_machines, shards_per_machine) for stage in stages) / 3600
        rounds = math.floor(hours / shard_hours)
        if not rounds:
            raise QueryError(
                f"no number of machines finishes in {hours:g} hours: one shard takes {shard_hours:.2g} hours; "
                "use more hours or smaller shards"
            )
        required = math.ceil(n_shards / (shards_per_machine * rounds))
        if required <= n_machines:
            return n_machines
        n_machines = required


def _shards_per_machine(workload: Workload, machine: Machine, shard: ShardCost) -> int:
    """Shards in parallel: one per four vCPUs, fewer if memory or disk is too small."""
    for shards_per_machine in range(min(max(1, machine.vcpus // _VCPUS_PER_SHARD), workload.n_shards), 0, -1):
        memory = shards_per_machine * _resident_bytes(workload, machine, shards_per_machine)
        disk = shards_per_machine * _local_bytes(workload, shard)
        if memory <= _MEMORY_SHARE * machine.memory_bytes and disk <= _DISK_SHARE * machine.disk_bytes:
            return shards_per_machine
    raise QueryError(
        f"building a shard of {workload.tokens_of_a_shard:,} tokens takes "
        f"{_resident_bytes(workload, machine, 1) / 1e9:.1f} GB of memory and "
        f"{_local_bytes(workload, shard) / 1e9:.1f} GB of disk, more than {machine.name} has to spare; "
        "use smaller shards (--shard-tokens) or a larger machine"
    )


def _resident_bytes(workload: Workload, machine: Machine, shards_per_machine: int) -> float:
    """Memory of sorting a shard, and of its text, which is read repeatedly."""
    n_tokens = workload.tokens_of_a_shard
    return (
        _model().memory_bytes(n_tokens, machine.vcpus // shards_per_machine or 1)
        + n_tokens * workload.token_width_bits / 8
    )


def _local_bytes(workload: Workload, shard: ShardCost) -> float:
    """Local disk of building a shard: its input and the index."""
    n_tokens = workload.tokens_of_a_shard
    return n_tokens * (workload.text_bytes_per_token or workload.token_width_bits / 8) + shard.size_bytes


def _serving_machines(machine: Machine, index_bytes: float, directory_bytes: float) -> int:
    by_disk = index_bytes / (_DISK_SHARE * machine.disk_bytes)
    by_memory = directory_bytes / (_MEMORY_SHARE * machine.memory_bytes)
    return max(1, math.ceil(max(by_disk, by_memory)))


def _query_plans(workload: Workload, n_owners: int, vcpus: int, seed: int) -> tuple[QueryPlan, ...]:
    """Each kind of query, warm and cold, with one lane per serving machine and with one per vCPU."""
    call_us, each_further_us = Quantiles(**measured()["call_us"]), measured()["each_further_us"]
    plans = []
    for entry in measured()["latencies"]:
        latency = ShardLatency.from_json(entry["latency"])
        for parallel_shards in (1, vcpus):
            serving = Serving(
                workload.n_shards, workload.tokens_of_a_shard, n_owners, parallel_shards, call_us, each_further_us
            )
            milliseconds = simulate_us(latency, serving, seed) / 1e3
            p50_ms, p99_ms = (float(value) for value in np.quantile(milliseconds, (0.5, 0.99)))
            plans.append(QueryPlan(entry["asked"], entry["state"], parallel_shards, p50_ms, p99_ms))
    return tuple(plans)
