"""Plan a large index: machines, hours, cost and query latency, from a cost model with measured constants.

Pure Python and NumPy. docs/scale.md has the formulas and how well they matched measurements.
"""

from __future__ import annotations

from infgram.planning.machine import DEFAULT_MACHINE, MACHINES, Machine, machine_of
from infgram.planning.plan import Plan, QueryPlan, StagePlan, make_plan
from infgram.planning.workload import Workload

__all__ = [
    "DEFAULT_MACHINE",
    "MACHINES",
    "Machine",
    "Plan",
    "QueryPlan",
    "StagePlan",
    "Workload",
    "machine_of",
    "make_plan",
]
