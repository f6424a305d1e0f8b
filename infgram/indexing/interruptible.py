"""Native work that does not look for Ctrl-C, so that Ctrl-C ends the wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

_POLL_S: Final = 0.1


def interruptible(work: Callable[[], T]) -> T:
    """Do the work on another thread; a signal is noticed at once.

    After Ctrl-C the work is left to itself; its thread does not keep the process from ending.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  # raised again below
            errors.append(error)

    thread = threading.Thread(target=run, name="infgram-train", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_POLL_S)
    if errors:
        raise errors[0]
    return results[0]
