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
    """Return the results of `work` for each number, each in a forked process, concurrently. Fail if one is killed."""

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
    for _, writing in pipes:
        writing.close()  # or the parent waits for a child that was killed
    answers = []
    for child, (reading, _) in zip(children, pipes, strict=True):
        try:
            answers.append(reading.recv())
        except EOFError:
            child.join()
            raise AssertionError(f"the process was killed; its exit code is {child.exitcode}") from None
        finally:
            reading.close()
    for child in children:
        child.join()
    return answers
