"""The simulated build, compared with what can be computed by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infgram.errors import QueryError
from infgram.planning import Fleet, Machine, Stage, simulate

MACHINE = Machine("eight", 8, 64e9, 1e12, 1e9, 1e9, 1.0, losses_per_hour=0.0)


def fleet(n_machines: int = 1, slots: int = 1, machine: Machine = MACHINE, storage: float = 1e12) -> Fleet:
    return Fleet(machine, n_machines, slots, storage)


@pytest.mark.parametrize(
    ("stage", "slots", "expected"),
    [
        (Stage("sort", 800.0), 1, 100.0),
        (Stage("sort", 800.0), 4, 400.0),
        (Stage("sort", 8.0, disk_bytes=5e9), 1, 5.0),
        (Stage("sort", 8.0, download_bytes=1e9, upload_bytes=2e9), 1, 4.0),
        (Stage("sort", 8.0, download_bytes=1e9, upload_bytes=2e9), 2, 8.0),
    ],
)
def test_a_stage_takes_its_part_of_a_machine(stage: Stage, slots: int, expected: float) -> None:
    assert fleet(slots=slots).seconds(stage) == pytest.approx(expected)


def test_a_faster_machine_and_a_slow_storage() -> None:
    assert fleet(machine=replace(MACHINE, speed=2.0)).seconds(Stage("sort", 800.0)) == pytest.approx(50)
    assert fleet(10, storage=1e9).seconds(Stage("up", 0.0, upload_bytes=1e9)) == pytest.approx(10)


def test_many_equal_tasks_take_as_long_as_their_sum() -> None:
    stages = [Stage("tokenise", 80.0), Stage("sort", 720.0)]
    run = simulate(fleet(4, 2), stages, 4000)
    ideal = 4000 * 800 / (4 * 8)
    assert run.elapsed_s == pytest.approx(ideal, rel=0.12)
    assert sum(run.stage_s.values()) == pytest.approx(ideal * 8, rel=0.05)
    assert run.stage_s["sort"] == pytest.approx(9 * run.stage_s["tokenise"], rel=0.05)
    assert run.n_repeated == 0


def test_the_last_shards_leave_machines_idle() -> None:
    run = simulate(fleet(10), [Stage("sort", 800.0)], 11)
    assert run.elapsed_s == pytest.approx(200, rel=0.3)


def test_a_lost_machine_costs_the_tasks_in_hand() -> None:
    stages = [Stage("sort", 800.0 * 36)]  # an hour
    without = simulate(fleet(10), stages, 100)
    lossy = simulate(fleet(10, machine=replace(MACHINE, losses_per_hour=0.2)), stages, 100)
    assert lossy.n_repeated == pytest.approx(100 * (2.718**0.2 - 1), rel=0.6)
    assert lossy.elapsed_s > without.elapsed_s


def test_a_stage_that_no_machine_survives_is_refused() -> None:
    with pytest.raises(QueryError, match="smaller shards"):
        simulate(fleet(machine=replace(MACHINE, losses_per_hour=10.0)), [Stage("sort", 800.0 * 36)], 10)


def test_the_seed_decides() -> None:
    stages = [Stage("sort", 800.0)]
    assert simulate(fleet(3), stages, 50, seed=1) == simulate(fleet(3), stages, 50, seed=1)
    assert simulate(fleet(3), stages, 50, seed=1) != simulate(fleet(3), stages, 50, seed=2)
