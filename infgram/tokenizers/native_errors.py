"""The errors of native packages, their panics included, as errors of this one."""

from __future__ import annotations

from types import TracebackType

_PANIC = "PanicException"  # of pyo3: a panic of Rust code, which is not a subclass of `Exception`


class NativeErrors:
    """A context in which every `Exception`, and every panic of Rust code, is raised as another error.

    Interrupts are raised unchanged. A context can be entered any number of times, by any thread.
    """

    def __init__(self, error: type[Exception], what: str) -> None:
        """Raise `error` with the message `<what>: <message of the native error>`."""
        self._error, self._what = error, what

    def __enter__(self) -> None:
        """Enter the context."""

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, _: TracebackType | None) -> None:
        """Convert the error, if there is one."""
        if kind is not None and (issubclass(kind, Exception) or kind.__name__ == _PANIC):
            name = "" if kind is Exception else f"{kind.__name__}: "
            raise self._error(f"{self._what}: {name}{raised}") from raised
