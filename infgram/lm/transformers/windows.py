"""Overlapping windows over documents, for models with a limited context length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from infgram.types import Int64Array


class Window(NamedTuple):
    """A window of a document: the input is its tokens `[begin, end)`, and `[first_scored, end + 1)` are predicted.

    Attributes:
        document: number of the document.
        begin: offset of the first input token; −1 is the begin token before the document.
        end: offset after the last input token.
        first_scored: offset of the first predicted token; earlier windows predict the tokens before it.
    """

    document: int
    begin: int
    end: int
    first_scored: int

    @property
    def n_inputs(self) -> int:
        """Number of input tokens."""
        return self.end - self.begin

    @property
    def n_scored(self) -> int:
        """Number of predicted tokens."""
        return self.end + 1 - self.first_scored


def windows_over(lengths: Sequence[int], *, context_length: int, stride: int, begin: int) -> list[Window]:
    """Return overlapping windows that together predict every token but each document's first exactly once.

    A token is predicted in the first window that reaches it: from all preceding tokens if they fit, otherwise from at
    least `context_length - stride` of them.

    Args:
        lengths: number of tokens of each document.
        context_length: number of tokens of a window, at least 1.
        stride: distance between windows in tokens, 1 to `context_length`.
        begin: −1 if a begin token precedes every document, else 0.
    """
    windows = []
    for document, length in enumerate(lengths):
        first, scored = begin, 1
        while scored < length:
            end = min(first + context_length, length - 1)
            if end >= scored:  # the smallest first window may contain the begin token alone
                windows.append(Window(document, first, end, scored))
                scored = end + 1
            first += stride
    return windows


def longest_first(windows: Sequence[Window]) -> list[Window]:
    """Sort windows for batching: the largest first, and windows of similar size together."""
    return sorted(windows, key=lambda window: (window.n_scored, window.n_inputs), reverse=True)


def input_tokens(window: Window, documents: Sequence[Int64Array], begin_token: int | None) -> list[int]:
    """Return the input tokens of a window."""
    tokens: list[int] = documents[window.document][max(window.begin, 0) : window.end].tolist()
    return [begin_token, *tokens] if window.begin < 0 and begin_token is not None else tokens
