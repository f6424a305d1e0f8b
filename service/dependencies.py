"""What the routes depend on: the index that an address names, held while it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Path, Request

import infgram

from .indexes import ServedIndex
from .problems import ProblemError
from .runtime import Runtime, runtime_of
from .settings import Limits, Settings
from .work import Work


@dataclass(frozen=True)
class Asked:
    """What answers a question: the index, the settings and the limits, and the time there is."""

    served: ServedIndex
    settings: Settings
    limits: Limits
    work: Work

    def for_stream(self) -> Asked:
        """The same, for an answer that is sent line by line and so may be long."""
        return replace(self, limits=self.limits.of_streams())


@dataclass(frozen=True)
class Held:
    """A place to answer in and an index, until they are released."""

    runtime: Runtime
    asked: Asked

    def release(self, error: BaseException | None = None) -> None:
        """The answer is made, or ended in an error; an index that turned out damaged answers nothing more."""
        if isinstance(error, infgram.IndexDamagedError):
            self.asked.served.is_damaged = True
        self.runtime.indexes.let_go(self.asked.served)
        self.runtime.slots.give_back()


def sound(runtime: Runtime, name: str) -> ServedIndex:
    """The index of this name as it is now.

    Raises:
        ProblemError: there is none, or it is damaged.
    """
    served = runtime.indexes.get(name)
    if served is None:
        raise ProblemError("unknown_index")
    if served.is_damaged:
        raise ProblemError("index_damaged")
    return served


async def hold(request: Request, name: str, work: Work) -> Held:
    """A place to answer in, and the index of this name as it is now; `release` must follow.

    Raises:
        ProblemError: all places are taken; there is no such index; it is damaged.
    """
    runtime = runtime_of(request)
    sound(runtime, name)
    await runtime.slots.take()
    served = runtime.indexes.hold(name)
    return Held(runtime, Asked(served, runtime.settings, runtime.settings.limits, work))


@asynccontextmanager
async def held(request: Request, name: str, work: Work) -> AsyncIterator[Asked]:
    """`hold`, until the end of a `with` block."""
    taken = await hold(request, name, work)
    try:
        yield taken.asked
    except BaseException as error:
        taken.release(error)
        raise
    taken.release()


NamedIndex = Annotated[str, Path(description="The index's name.", examples=["language"])]


async def _asked(request: Request, name: NamedIndex) -> AsyncIterator[Asked]:
    async with held(request, name, Work(runtime_of(request).settings.timeout_s)) as asked:
        yield asked


async def _indexes(request: Request) -> Mapping[str, ServedIndex]:
    return runtime_of(request).indexes


async def _runtime(request: Request) -> Runtime:
    return runtime_of(request)


AskedIndex = Annotated[Asked, Depends(_asked, scope="function")]
"""Held until the answer is made, not until it is sent."""

Indexes = Annotated[Mapping[str, ServedIndex], Depends(_indexes)]
AppRuntime = Annotated[Runtime, Depends(_runtime)]
