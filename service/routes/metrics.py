"""What Prometheus reads."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from ..dependencies import AppRuntime
from ..problems import refusals

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **refusals(401, 429)},
)
def metrics(runtime: AppRuntime) -> Response:
    """Requests, times, page faults and indexes, summed over all workers."""
    return Response(runtime.metrics.text(runtime.indexes), media_type=CONTENT_TYPE_LATEST)
