"""Fuzz tests: altered inputs in worker processes with little memory, which may fail with the expected errors only.

A test gives a function of a random generator, and a number of executions or a time. `SEED` repeats a run. An execution
that ends its process, takes too long or raises another error is a failure, whose message has the seed that repeats it:
`SEED=123 pytest …`.
"""

from __future__ import annotations

import copy
import itertools
import json
import multiprocessing
import os
import random
import resource
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, Final, TypeAlias

Target: TypeAlias = Callable[[random.Random], object]

MEMORY_BYTES: Final = 6 << 30  # address space of a worker, of which pyarrow's pools reserve one
SECONDS: Final = 20.0  # for one execution
_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**31,
    2**32 - 1,
    2**63,
    "",
    "a",
    " ",
    "(a*)*b",
    "\ud800",
    [],
    {},
    [[]],
    "x" * 500,
)
_INTERESTING: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)


def fuzz(target: Target, expected: tuple[type[Exception], ...], *, n: int | None = None, seconds: float = 0) -> int:
    """Run a target with successive seeds, and return the number of executions.

    Args:
        target: the function under test.
        expected: the errors that it may raise.
        n: the number of executions; None for as many as fit into `seconds`.
        seconds: the time.
    """
    first = int(os.environ.get("SEED", "1"))
    ends_at = time.monotonic() + seconds if n is None else None
    seed, failures = first, list[str]()
    while not failures and (n is None or seed < first + n) and (ends_at is None or time.monotonic() < ends_at):
        seed = _run_worker(target, expected, seed, None if n is None else first + n, ends_at, failures)
    assert not failures, failures[0]
    return seed - first


def _run_worker(
    target: Target,
    expected: tuple[type[Exception], ...],
    seed: int,
    last: int | None,
    ends_at: float | None,
    failures: list[str],
) -> int:
    """Run seeds in one forked process; return the next seed."""
    fork = multiprocessing.get_context("fork")
    reading, writing = fork.Pipe(duplex=False)
    worker = fork.Process(target=_work, args=(target, expected, seed, last, ends_at, writing))
    worker.start()
    writing.close()
    try:
        while reading.poll(SECONDS):
            seed, failure = reading.recv()
            if failure:
                failures.append(f"seed {seed}: {failure}")
                return seed + 1
        failures.append(f"seed {seed}: more than {SECONDS:.0f} seconds")
    except EOFError:
        worker.join(SECONDS)
        if worker.exitcode != 0:
            failures.append(f"seed {seed}: the process ended with {worker.exitcode}")
    finally:
        worker.kill()
        worker.join()
        reading.close()
    return seed


def _work(
    target: Target,
    expected: tuple[type[Exception], ...],
    first: int,
    last: int | None,
    ends_at: float | None,
    answers: Connection,
) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["RUST_BACKTRACE"] = "0"
    for seed in itertools.count(first):
        answers.send((seed, ""))  # the next one to run, or the end
        if seed == last or (ends_at is not None and time.monotonic() > ends_at):
            break
        try:
            target(random.Random(seed))
        except expected:
            pass
        except BaseException:  # noqa: BLE001  # reported; a panic of Rust code is no `Exception`
            answers.send((seed, traceback.format_exc()))
            break
    answers.close()
    os._exit(0)


def altered(data: bytes, numbers: random.Random) -> bytes:
    """Return data with one to four changes: bytes, integers, pieces removed, repeated, moved, or cut off."""
    changed = bytearray(data)
    for _ in range(numbers.randint(1, 4)):
        size = len(changed)
        at = numbers.randrange(size + 1)
        length = min(size - at, int(2 ** numbers.uniform(0, 12)))
        kind = numbers.randrange(7)
        if kind == 0 and at < size:
            changed[at] ^= 1 << numbers.randrange(8)
        elif kind == 1:
            width = numbers.choice((1, 2, 4, 8))
            value = numbers.choice(_INTERESTING) & (1 << 8 * width) - 1
            changed[at : at + width] = value.to_bytes(width, numbers.choice(("little", "big")))
        elif kind == 2:
            del changed[at : at + length]
        elif kind == 3:
            changed[at:at] = changed[at : at + length]
        elif kind == 4:
            begin = numbers.randrange(size + 1)
            changed[begin : begin + length] = changed[at : at + length]
        elif kind == 5:
            changed[at : at + length] = numbers.randbytes(length)
        else:
            del changed[at:]
    return bytes(changed)


def altered_json(value: Any, numbers: random.Random) -> bytes:
    """Return JSON with one to three values of lists and objects removed or replaced, then often `altered`."""
    changed = copy.deepcopy(value)
    for _ in range(numbers.randint(1, 3)):
        found = list(_places(changed))
        if not found:
            break
        container, key = numbers.choice(found)
        if numbers.random() < 0.2:
            del container[key]
        else:
            container[key] = copy.deepcopy(numbers.choice(_VALUES))
    text = json.dumps(changed).encode()
    return altered(text, numbers) if numbers.random() < 0.3 else text


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place inside JSON: a list or an object, and the index or the key; of long ones only a part."""
    items = list(value.items())[:20] if isinstance(value, dict) else list(enumerate(value))[:20]
    for key, inner in items:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)
