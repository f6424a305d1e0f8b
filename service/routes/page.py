"""The page, and the names of the indexes for programs that ask at `/`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from ..assets import ASSETS, wants_html
from ..dependencies import Indexes
from ..problems import ProblemError, refusals

router = APIRouter(tags=["page"])


@router.get(
    "/",
    operation_id="root",
    summary="The names of the indexes, or the page",
    response_model=list[str],
    responses={200: {"content": {"application/json": {"example": ["language"]}, "text/html": {}}}},
)
async def root(request: Request, indexes: Indexes) -> Response:
    """The names of the indexes; the page for those whose `Accept` names `text/html`."""
    if wants_html(request.headers.get("accept", "")):
        return ASSETS["index.html"].response(request, vary="Accept")
    return JSONResponse(list(indexes), headers={"Vary": "Accept"})


@router.get(
    "/web/{file}",
    operation_id="web",
    summary="The files of the page",
    response_class=Response,
    responses=refusals(404, 422),
)
async def web(request: Request, file: str) -> Response:
    """Script, style and icon of the page."""
    if file not in ASSETS:
        raise ProblemError("unknown_path")
    return ASSETS[file].response(request)
