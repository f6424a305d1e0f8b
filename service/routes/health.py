"""Is the process alive, and can it answer?"""

from __future__ import annotations

from fastapi import APIRouter

from ..answers import Health
from ..dependencies import AppRuntime
from ..problems import ProblemError, refusals

router = APIRouter(tags=["health"])


@router.get("/healthz", operation_id="healthz", summary="Liveness")
async def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", operation_id="readyz", summary="Readiness", responses=refusals(503))
async def readyz(runtime: AppRuntime) -> Health:
    """Every index is open, none has turned out damaged, and the server has not been told to stop."""
    if runtime.is_draining:
        raise ProblemError("shutting_down")
    if any(served.is_damaged for served in runtime.indexes.values()):
        raise ProblemError("index_damaged")
    return Health(status="ready")
