"""Operation of the service: liveness, readiness, metrics, reload."""

from __future__ import annotations

from datetime import datetime, timezone

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from ..dependencies import RuntimeDep
from ..problems import KINDS, ProblemError, refusals
from ..runtime import ReloadError
from ..schemas.responses import Health, ReloadFailure, ReloadResponse

router = APIRouter(prefix="/v1/admin", tags=["admin"])
health_router = APIRouter(tags=["health"])


@health_router.get("/healthz", operation_id="healthz", summary="Liveness", response_model_exclude_none=True)
async def healthz() -> Health:
    """Return 200 whenever the process can answer at all."""
    return Health(status="ok")


@health_router.get(
    "/readyz",
    operation_id="readyz",
    summary="Readiness",
    responses=refusals(503),
    response_model_exclude_none=True,
)
async def readyz(runtime: RuntimeDep) -> Health:
    """Return 200 if every index is open, none is damaged and the server is not shutting down.

    After a failed reload the service is still ready, since the old indexes answer; `reload_failed` reports it.
    """
    if runtime.is_draining:
        raise ProblemError("shutting_down")
    damaged = {name: served.damage for name, served in runtime.indexes.items() if served.is_damaged}
    if damaged:
        causes = [cause for cause in damaged.values() if cause] or [KINDS["index_damaged"].detail]
        raise ProblemError("index_damaged", " ".join([*causes, f"Damaged: {', '.join(damaged)}."]))
    failed = runtime.metrics.failed_reload()
    if failed is None:
        return Health(status="ready")
    when = datetime.fromtimestamp(failed.time, timezone.utc).isoformat(timespec="seconds")
    return Health(status="ready", reload_failed=ReloadFailure(time=when, error=failed.error))


@health_router.get(
    "/metrics",
    operation_id="metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **refusals(401, 429)},
)
def metrics(runtime: RuntimeDep) -> Response:
    """Requests, times, page faults, jobs and indexes, summed over all workers."""
    return Response(runtime.metrics.text(runtime.indexes, runtime.jobs.totals()), media_type=CONTENT_TYPE_LATEST)


@router.post(
    "/reload",
    operation_id="reload",
    summary="Reload replaced indexes",
    responses=refusals(401, 403, 429, 503),
)
async def reload(runtime: RuntimeDep) -> ReloadResponse:
    """Reopen the indexes whose folders were replaced, and reread the key file. Running queries are not disturbed.

    If an index cannot be opened, nothing changes, and the answer to an admin key gives the reason. With several
    workers, the others reload as well.
    """
    try:
        replaced = await runtime.reload()
    except ReloadError as error:
        # Only an admin key gets here if there are keys. Without keys, paths of this machine are not shown to anybody.
        reason = f"Reason: {error}." if runtime.keys is not None else "The log of the service has the reason."
        raise ProblemError("not_loaded", f"{KINDS['not_loaded'].detail} {reason}") from error
    runtime.worker.notify_others()
    return ReloadResponse(reloaded=replaced, unchanged=[name for name in runtime.indexes if name not in replaced])
