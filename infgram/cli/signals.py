"""SIGINT and SIGTERM end every command in the same way: it cleans up, and its exit code is 128 + the signal."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Final, NoReturn

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
_received: list[int] = []


class Interrupted(KeyboardInterrupt):
    """Raised in the main thread by a signal, so that everything that cleans up after Ctrl-C does so after SIGTERM."""


def handle_signals() -> None:
    """Raise `Interrupted` at both signals, except one that this process was told to ignore, as by `nohup`."""
    for number in _STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def exit_code() -> int:
    """Return the exit code after an interrupt: 128 + the number of the first signal."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def exit_if_received() -> None:
    """Exit with the code of the signal, if there was one, as after a service that a signal has stopped."""
    if _received:
        sys.exit(exit_code())


def _interrupt(number: int, _: FrameType | None) -> NoReturn:
    _received.append(number)
    raise Interrupted
