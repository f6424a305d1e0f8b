"""The indexes that are served: opened once, under their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import infgram


@dataclass
class ServedIndex:
    """An open index and its name.

    Attributes:
        info: what `Index.info` says.
        is_damaged: set for good when its files contradict themselves; it answers nothing more.
    """

    name: str
    index: infgram.Index
    info: Mapping[str, Any] = field(init=False)
    is_damaged: bool = False

    def __post_init__(self) -> None:
        self.info = self.index.info()
        if self.has_tokenizer:
            _ = self.index.tokenizer  # read now, so that the first question does not wait and damage shows at once

    @property
    def has_tokenizer(self) -> bool:
        """Whether it can be asked with text."""
        return self.info["tokenizer"] is not None

    def tokens(self, token_ids: Sequence[int]) -> list[str | None] | None:
        """Each token as text to show, None for the end of a document; None altogether without a tokenizer."""
        if not self.has_tokenizer:
            return None
        shown = iter(self.index.tokenizer.tokens([i for i in token_ids if i != infgram.END_OF_DOCUMENT]))
        return [None if token_id == infgram.END_OF_DOCUMENT else next(shown) for token_id in token_ids]


@contextmanager
def opened(paths: Mapping[str, Path]) -> Iterator[dict[str, ServedIndex]]:
    """All indexes, open as long as the `with` block lasts.

    Raises:
        IndexNotFoundError, IndexDamagedError, IndexVersionError, TokenizerError: one cannot be opened.
    """
    with ExitStack() as stack:
        yield {name: ServedIndex(name, stack.enter_context(infgram.open(path))) for name, path in paths.items()}


def names_of(paths: Sequence[Path]) -> dict[str, Path]:
    """A name for each folder, to stand in addresses: its own name without `.infgram`, made unique by a number."""
    named: dict[str, Path] = {}
    for path in paths:
        stem = (
            re.sub(r"[^A-Za-z0-9._-]+", "-", path.resolve().name.removesuffix(".infgram")).strip("-._")[:56] or "index"
        )
        name, number = stem, 1
        while name in named:
            number += 1
            name = f"{stem}-{number}"
        named[name] = path
    return named
