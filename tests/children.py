"""Run functions in forked processes, and pickle objects for another process."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")


def round_trip(value: T) -> T:
    """Return the value that another process receives."""
    copy: T = pickle.loads(pickle.dumps(value))  # noqa: S301  # written a moment ago
    return copy


def in_children(work: Callable[[int], Any], n_children: int) -> list[Any]:
    """Return the results of `work` for each number, each in its own forked process, concurrently."""

    def run(number: int, pipe: Connection) -> None:
        try:
            pipe.send(work(number))
        except BaseException as error:
            pipe.send(repr(error))
            raise

    fork = multiprocessing.get_context("fork")
    pipes = [fork.Pipe(duplex=False) for _ in range(n_children)]
    children = [fork.Process(target=run, args=(number, pipes[number][1])) for number in range(n_children)]
    for child in children:
        child.start()
    answers = [reading.recv() for reading, _ in pipes]
    for child in children:
        child.join()
    for reading, writing in pipes:
        reading.close()
        writing.close()
    return answers
