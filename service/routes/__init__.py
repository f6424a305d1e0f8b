"""The routes: one file a resource."""

from __future__ import annotations

from fastapi import APIRouter

from ..dependencies import OneSlot
from . import count, documents, health, indexes, infgram, next_token, page, score, search

questions = APIRouter(prefix="/v1/indexes/{name}", dependencies=[OneSlot])
for _resource in (count, next_token, infgram, score, search, documents):
    questions.include_router(_resource.router)

ROUTERS = (indexes.router, questions, health.router, page.router)

__all__ = ["ROUTERS"]
