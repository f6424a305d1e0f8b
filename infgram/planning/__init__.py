"""What an index of a given size takes: a cost model, and simulations of its build and of its questions.

Pure Python and NumPy. The model's constants were measured (`constants`); docs/scale.md says how well they hold.
"""

from __future__ import annotations

from infgram.planning.costs import StageCosts, StagePoint, fitted
from infgram.planning.distribution import Distribution
from infgram.planning.fan_out import Calls, FanOut, Serving, ShardLatency, fan_out, simulated_us
from infgram.planning.machine import DEFAULT_MACHINE, MACHINES, Machine, machine_of
from infgram.planning.plan import Plan, QueryPlan, StagePlan, make_plan
from infgram.planning.simulation import BuildRun, Fleet, Stage, simulate
from infgram.planning.workload import Workload

__all__ = [
    "DEFAULT_MACHINE",
    "MACHINES",
    "BuildRun",
    "Calls",
    "Distribution",
    "FanOut",
    "Fleet",
    "Machine",
    "Plan",
    "QueryPlan",
    "Serving",
    "ShardLatency",
    "Stage",
    "StageCosts",
    "StagePlan",
    "StagePoint",
    "Workload",
    "fan_out",
    "fitted",
    "machine_of",
    "make_plan",
    "simulate",
    "simulated_us",
]
