"""FastAPI dependencies of the routes, as `Annotated` aliases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import Depends, Path, Request

from .indexes import ServedIndex
from .pipeline.job import Deadline, Job, running_job
from .runtime import Runtime, runtime_of

NamedIndex = Annotated[str, Path(description="The index's name.", examples=["language"])]


async def _job(request: Request, name: NamedIndex) -> AsyncIterator[Job]:
    runtime = runtime_of(request)
    async with running_job(runtime, name, Deadline(runtime.settings.timeout_s)) as job:
        yield job


async def _indexes(request: Request) -> Mapping[str, ServedIndex]:
    return runtime_of(request).indexes


async def _runtime(request: Request) -> Runtime:
    return runtime_of(request)


JobDep = Annotated[Job, Depends(_job, scope="function")]
"""Released when the answer is computed, not when it has been sent."""

IndexesDep = Annotated[Mapping[str, ServedIndex], Depends(_indexes)]
RuntimeDep = Annotated[Runtime, Depends(_runtime)]
