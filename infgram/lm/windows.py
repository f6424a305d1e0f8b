"""Windows over documents, for models that see only so many tokens at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from infgram.types import Int64Array


class Window(NamedTuple):
    """The tokens `[begin, end)` of a document go in; those of `[first_scored, end + 1)` are predicted.

    Attributes:
        document: its number.
        begin: offset of the first input token; −1 is the token that stands before every document.
        end: offset behind the last one.
        first_scored: offset of the first token that is predicted here and in no earlier window.
    """

    document: int
    begin: int
    end: int
    first_scored: int

    @property
    def n_inputs(self) -> int:
        """Tokens that go in."""
        return self.end - self.begin

    @property
    def n_scored(self) -> int:
        """Tokens that are predicted."""
        return self.end + 1 - self.first_scored


def windows_over(lengths: Sequence[int], *, context_length: int, stride: int, begin: int) -> list[Window]:
    """Overlapping windows that predict every token but each document's first once.

    A token is predicted in the first window that reaches it: from all tokens before it if they fit, else from at
    least `context_length - stride`.

    Args:
        lengths: tokens of each document.
        context_length: tokens of a window, at least 1.
        stride: from one window to the next, 1 to `context_length`.
        begin: −1 where a token stands before every document, else 0.
    """
    windows = []
    for document, length in enumerate(lengths):
        first, scored = begin, 1
        while scored < length:
            end = min(first + context_length, length - 1)
            if end >= scored:  # with the smallest windows, the first may hold the token before the document alone
                windows.append(Window(document, first, end, scored))
                scored = end + 1
            first += stride
    return windows


def longest_first(windows: Sequence[Window]) -> list[Window]:
    """In an order in which neighbours make good batches: much alike, and the largest first."""
    return sorted(windows, key=lambda window: (window.n_scored, window.n_inputs), reverse=True)


def tokens_of(window: Window, documents: Sequence[Int64Array], begin_token: int | None) -> list[int]:
    """What goes in."""
    tokens: list[int] = documents[window.document][max(window.begin, 0) : window.end].tolist()
    return [begin_token, *tokens] if window.begin < 0 and begin_token is not None else tokens
