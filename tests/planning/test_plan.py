"""Plans: the same for the same question, larger for more, and refused where they cannot be."""

from __future__ import annotations

from dataclasses import replace

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


def test_a_plan_is_the_same_again(plan: Plan) -> None:
    assert make_plan(LARGE, MACHINE) == plan


def test_questions_of_every_kind(plan: Plan) -> None:
    assert {(query.asked, query.state) for query in plan.queries} == {
        (asked, state) for asked in ("count", "next token", "infgram") for state in ("warm", "cold")
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


def test_text_is_tokenised_first(plan: Plan) -> None:
    text = make_plan(replace(LARGE, text_bytes_per_token=4.2), MACHINE)
    assert text.stages[0].name == "tokenise"
    assert text.cpu_hours > plan.cpu_hours
    assert text.download_bytes == pytest.approx(4.2 * LARGE.n_tokens)


def test_wide_tokens_take_more(plan: Plan) -> None:
    wide = make_plan(replace(LARGE, vocab_size=200_000, shard_tokens=10**9), MACHINE)
    assert wide.index_bytes > plan.index_bytes + 1.7 * LARGE.n_tokens


def test_a_machine_twice_as_fast_takes_half_the_processor_time(plan: Plan) -> None:
    assert make_plan(LARGE, replace(MACHINE, speed=2.0)).cpu_hours == pytest.approx(plan.cpu_hours / 2)


def test_a_small_corpus_takes_one_machine() -> None:
    small = make_plan(Workload(10**6, 4 * 10**9), MACHINE)
    assert (small.n_shards, small.n_machines, small.slots, small.serving_machines) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    "options", [{"n_machines": 2, "hours": 3.0}, {"n_machines": 0}, {"hours": 0.0}, {"hours": -1.0}]
)
def test_options_that_cannot_be(options: dict[str, float]) -> None:
    with pytest.raises(QueryError):
        make_plan(LARGE, MACHINE, **options)  # type: ignore[arg-type]


def test_hours_that_no_number_of_machines_keeps() -> None:
    with pytest.raises(QueryError, match="smaller shards"):
        make_plan(LARGE, MACHINE, hours=0.01)


def test_a_shard_that_no_machine_holds() -> None:
    with pytest.raises(QueryError, match="smaller shards"):
        make_plan(Workload(10**12, 10**11), MACHINE)
