"""Is the process alive, and can it answer?"""

from __future__ import annotations

from datetime import datetime, timezone

from fastapi import APIRouter

from ..answers import Health, ReloadFailure
from ..dependencies import AppRuntime
from ..problems import ProblemError, refusals

router = APIRouter(tags=["health"])


@router.get("/healthz", operation_id="healthz", summary="Liveness", response_model_exclude_none=True)
async def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Readiness",
    responses=refusals(503),
    response_model_exclude_none=True,
)
async def readyz(runtime: AppRuntime) -> Health:
    """Every index is open, none has turned out damaged, and the server has not been told to stop.

    A reload that failed leaves it ready, since the old index answers; `reload_failed` says so.
    """
    if runtime.is_draining:
        raise ProblemError("shutting_down")
    if any(served.is_damaged for served in runtime.indexes.values()):
        raise ProblemError("index_damaged")
    failed = runtime.metrics.failed_reload()
    if failed is None:
        return Health(status="ready")
    when = datetime.fromtimestamp(failed.time, timezone.utc).isoformat(timespec="seconds")
    return Health(status="ready", reload_failed=ReloadFailure(time=when, error=failed.error))
