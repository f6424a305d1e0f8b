"""Plans, their workloads, and the latencies in them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from infgram.errors import QueryError
from infgram.planning import DEFAULT_MACHINE, MACHINES, Plan, Workload, make_plan

MACHINE = MACHINES[DEFAULT_MACHINE]
LARGE = Workload(5 * 10**12, 4 * 10**9)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(LARGE, MACHINE)


def test_the_parts_of_a_plan_add_up(plan: Plan) -> None:
    assert plan.n_shards == 1250
    assert plan.cpu_hours == pytest.approx(sum(stage.cpu_hours for stage in plan.stages))
    assert plan.cpu_dollars == pytest.approx(plan.cpu_hours / MACHINE.vcpus * MACHINE.dollars_per_hour)
    assert plan.dollars == pytest.approx(plan.hours * plan.n_machines * MACHINE.dollars_per_hour)
    assert plan.dollars >= plan.cpu_dollars
    assert plan.hours <= 24
    assert plan.memory_bytes <= MACHINE.memory_bytes
    assert plan.temporary_bytes <= MACHINE.disk_bytes
    assert plan.index_bytes / plan.serving_machines <= MACHINE.disk_bytes
    assert plan.directory_bytes / plan.serving_machines <= MACHINE.memory_bytes
    assert [stage.name for stage in plan.stages] == ["read", "sort", "verify"]


def test_plans_are_deterministic(plan: Plan) -> None:
    assert make_plan(LARGE, MACHINE) == plan


def test_queries_of_every_kind(plan: Plan) -> None:
    assert {(query.query, query.state) for query in plan.queries} == {
        (query, state) for query in ("count", "next token", "infgram") for state in ("warm", "cold")
    }
    assert all(0 < query.p50_ms <= query.p99_ms for query in plan.queries)


def test_twice_the_corpus_takes_twice_the_time(plan: Plan) -> None:
    twice = make_plan(replace(LARGE, n_tokens=2 * LARGE.n_tokens), MACHINE, n_machines=plan.n_machines)
    assert twice.cpu_hours == pytest.approx(2 * plan.cpu_hours)
    assert twice.hours == pytest.approx(2 * plan.hours, rel=0.15)


def test_fewer_hours_take_more_machines(plan: Plan) -> None:
    fast = make_plan(LARGE, MACHINE, hours=3)
    assert fast.n_machines > plan.n_machines
    assert fast.hours <= 3


def test_text_is_tokenized_first(plan: Plan) -> None:
    text = make_plan(replace(LARGE, text_bytes_per_token=4.2), MACHINE)
    assert text.stages[0].name == "tokenize"
    assert text.cpu_hours > plan.cpu_hours
    assert text.download_bytes == pytest.approx(4.2 * LARGE.n_tokens)


def test_wide_tokens_take_more(plan: Plan) -> None:
    wide = make_plan(replace(LARGE, vocab_size=200_000, shard_tokens=10**9), MACHINE)
    assert wide.index_bytes > plan.index_bytes + 1.7 * LARGE.n_tokens


def test_a_machine_twice_as_fast_takes_half_the_processor_time(plan: Plan) -> None:
    assert make_plan(LARGE, replace(MACHINE, speed=2.0)).cpu_hours == pytest.approx(plan.cpu_hours / 2)


def test_a_small_corpus_takes_one_machine() -> None:
    small = make_plan(Workload(10**6, 4 * 10**9), MACHINE)
    assert (small.n_shards, small.n_machines, small.shards_per_machine, small.serving_machines) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    "options", [{"n_machines": 2, "hours": 3.0}, {"n_machines": 0}, {"hours": 0.0}, {"hours": -1.0}]
)
def test_impossible_options(options: dict[str, float]) -> None:
    with pytest.raises(QueryError):
        make_plan(LARGE, MACHINE, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("hours", [0.5, 3.0, 24.0])
def test_fewer_machines_take_longer_than_the_hours(hours: float) -> None:
    found = make_plan(LARGE, MACHINE, hours=hours)
    assert make_plan(LARGE, MACHINE, n_machines=found.n_machines).hours == found.hours <= hours
    if found.n_machines > 1:
        assert make_plan(LARGE, MACHINE, n_machines=found.n_machines - 1).hours > hours


def test_shards_that_do_not_divide_evenly_leave_machines_idle() -> None:
    even, uneven = (make_plan(Workload(n * 4 * 10**9, 4 * 10**9), MACHINE, n_machines=2) for n in (12, 13))
    assert even.shards_per_machine == 3
    assert uneven.hours == pytest.approx(even.hours * 3 / 2)


def test_lost_machines_cost_time(plan: Plan) -> None:
    """Tasks of t hours at λ losses an hour are repeated exp(λt) - 1 times on average."""
    lossy = make_plan(LARGE, replace(MACHINE, losses_per_hour=0.5), n_machines=2)
    safe = make_plan(LARGE, replace(MACHINE, losses_per_hour=0.0), n_machines=2)
    task_hours = [stage.hours * lossy.shards_per_machine / lossy.n_shards for stage in safe.stages]
    assert lossy.n_repeated == pytest.approx(lossy.n_shards * sum(math.expm1(0.5 * t) for t in task_hours), abs=1)
    assert lossy.hours > plan.hours > safe.hours
    assert safe.n_repeated == 0


def test_a_machine_lost_before_a_stage_ends_is_refused() -> None:
    with pytest.raises(QueryError, match="smaller shards"):
        make_plan(LARGE, replace(MACHINE, losses_per_hour=100.0), n_machines=2)


def test_a_slow_object_storage_limits_many_machines() -> None:
    """The storage is shared, so beyond its bandwidth a further machine makes each shard slower."""
    few, many = (make_plan(LARGE, MACHINE, n_machines=n) for n in (30, 400))
    assert sum(stage.hours for stage in many.stages) > 2 * sum(stage.hours for stage in few.stages)


def test_unreachable_hours() -> None:
    with pytest.raises(QueryError, match="smaller shards"):
        make_plan(LARGE, MACHINE, hours=0.01)


def test_a_shard_that_fits_no_machine() -> None:
    with pytest.raises(QueryError, match="smaller shards"):
        make_plan(Workload(10**12, 10**11), MACHINE)


@pytest.mark.parametrize(
    ("n_tokens", "shard_tokens", "n_shards", "each"),
    [(1, 1, 1, 1), (10, 5, 2, 5), (11, 5, 3, 4), (5, 10, 1, 5), (5 * 10**12, 4 * 10**9, 1250, 4 * 10**9)],
)
def test_shards_are_of_one_size(n_tokens: int, shard_tokens: int, n_shards: int, each: int) -> None:
    workload = Workload(n_tokens, shard_tokens)
    assert (workload.n_shards, workload.tokens_of_a_shard) == (n_shards, each)


@pytest.mark.parametrize(("vocab_size", "bits"), [(255, 8), (256, 16), (65_535, 16), (65_536, 32), (2**32 - 1, 32)])
def test_the_vocabulary_decides_the_width(vocab_size: int, bits: int) -> None:
    assert Workload(100, 10, vocab_size=vocab_size).token_width_bits == bits


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_tokens": 0},
        {"n_tokens": 10**19},
        {"n_tokens": True},
        {"shard_tokens": 0},
        {"shard_tokens": 2**41},
        {"tokens_per_document": 0.5},
        {"vocab_size": 2**32},
        {"text_bytes_per_token": -1},
        {"text_bytes_per_token": float("nan")},
        {"n_tokens": 10**12, "shard_tokens": 10**5},
    ],
)
def test_numbers_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="expected"):
        Workload(**{"n_tokens": 10**6, "shard_tokens": 10**5, **wrong})
