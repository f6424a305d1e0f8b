"""What the routes depend on, as annotated types."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Path, Request

import infgram

from .indexes import ServedIndex
from .problems import ProblemError
from .settings import Limits
from .slots import slot


async def indexes(request: Request) -> dict[str, ServedIndex]:
    """All open indexes."""
    opened: dict[str, ServedIndex] = request.app.state.indexes
    return opened


Indexes = Annotated[dict[str, ServedIndex], Depends(indexes)]


async def served_index(
    served: Indexes, name: Annotated[str, Path(description="The index's name.", examples=["language"])]
) -> AsyncIterator[ServedIndex]:
    """The index that the address names; should an answer find it damaged, it answers nothing more."""
    if name not in served:
        raise ProblemError("unknown_index")
    if served[name].is_damaged:
        raise ProblemError("index_damaged")
    try:
        yield served[name]
    except infgram.IndexDamagedError:
        served[name].is_damaged = True
        raise


async def limits(request: Request) -> Limits:
    """The most that one request may ask for."""
    allowed: Limits = request.app.state.settings.limits
    return allowed


NamedIndex = Annotated[ServedIndex, Depends(served_index, scope="function")]
RequestLimits = Annotated[Limits, Depends(limits)]
OneSlot = Depends(slot, scope="function")
"""Held until the answer is made, not until it is sent."""
