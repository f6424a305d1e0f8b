"""The web page, the names of the indexes for programs that request `/`, and the OpenAPI document."""

from __future__ import annotations

import asyncio
import json

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response

from .. import assets
from ..assets import ASSETS, wants_html
from ..dependencies import IndexesDep, RuntimeDep
from ..problems import ProblemError, refusals

router = APIRouter(tags=["page"])


@router.get(
    "/",
    operation_id="root",
    summary="The names of the indexes, or the web page",
    response_model=list[str],
    responses={200: {"content": {"application/json": {"example": ["language"]}, "text/html": {}}}},
)
async def root(request: Request, indexes: IndexesDep) -> Response:
    """The names of the indexes, or the web page if the `Accept` header names `text/html`."""
    if wants_html(request.headers.get("accept", "")):
        return ASSETS["index.html"].response(request, vary="Accept, Accept-Encoding")
    return JSONResponse(list(indexes), headers={"Vary": "Accept"})


@router.get(
    "/web/{version}/{file}",
    operation_id="web",
    summary="The files of the web page",
    response_class=Response,
    responses=refusals(404, 422),
)
async def web(request: Request, version: str, file: str) -> Response:
    """Scripts, styles and icon of the web page; for any other version than the current one, the current files."""
    if file not in ASSETS:
        raise ProblemError("unknown_path")
    return ASSETS[file].response(request, is_final=version == assets.version())


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request, runtime: RuntimeDep) -> Response:
    """The OpenAPI document, computed in a thread at the first request and cached."""
    if runtime.openapi is None:
        runtime.openapi = await asyncio.to_thread(_document, request.app)
    return Response(runtime.openapi, media_type="application/json")


def _document(app: FastAPI) -> bytes:
    return json.dumps(app.openapi(), ensure_ascii=False).encode()
