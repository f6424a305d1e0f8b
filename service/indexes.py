"""The indexes that are served, under their names; each can be replaced while it is asked."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import infgram

from .locations import Location, location
from .models import NextTokenModel

Opener = Callable[[Location], infgram.Index]
Modeller = Callable[[str, infgram.Index], NextTokenModel | None]


class NotOpenedError(Exception):
    """An index cannot be opened.

    Attributes:
        name: of the index.
        reason: the error.
    """

    def __init__(self, name: str, reason: Exception) -> None:
        super().__init__(f"the index {name}: {reason}")
        self.name, self.reason = name, reason


@dataclass(eq=False)
class ServedIndex:
    """An open index and its name.

    Attributes:
        identity: changes when another index takes its place on the disk.
        model: a neural model mixed with it, where one is configured.
        info: what `Index.info` says.
        is_damaged: set for good when its files contradict themselves; it answers nothing more.
        n_holders: the answers under way that use it.
        is_replaced: set when another one has its name; it is closed when nobody holds it.
    """

    name: str
    index: infgram.Index
    identity: tuple[int, ...] = ()
    model: NextTokenModel | None = None
    info: Mapping[str, Any] = field(init=False)
    is_damaged: bool = False
    n_holders: int = 0
    is_replaced: bool = False
    _shown: dict[int, str | None] = field(default_factory=lambda: {infgram.END_OF_DOCUMENT: None})

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
        known = self._shown
        try:
            return [known[token_id] for token_id in token_ids]
        except KeyError:
            new = [token_id for token_id in set(token_ids) if token_id not in known]
            known.update(zip(new, self.index.tokenizer.tokens(new), strict=True))
            return [known[token_id] for token_id in token_ids]


class ServedIndexes(Mapping[str, ServedIndex]):
    """The indexes by name. Asked and changed on one event loop; only `opened_anew` may run on a thread.

    Args:
        paths: the folder or URL of each.
        opener: opens a folder.
        modeller: loads the model of an index, by its name.

    Raises:
        InfgramError: one cannot be opened, or its model cannot be loaded.
    """

    def __init__(
        self,
        paths: Mapping[str, Location],
        opener: Opener = infgram.open,
        modeller: Modeller = lambda name, index: None,
    ) -> None:
        self._paths, self._opener, self._modeller = paths, opener, modeller
        self._served: dict[str, ServedIndex] = {}
        try:
            self._served = self.opened_anew()
        except NotOpenedError as error:
            raise error.reason from None

    def __getitem__(self, name: str) -> ServedIndex:
        return self._served[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._served)

    def __len__(self) -> int:
        return len(self._served)

    def hold(self, name: str) -> ServedIndex:
        """The index of this name now; it stays open until `let_go`, whatever is put in its place.

        Raises:
            KeyError: there is none.
        """
        served = self._served[name]
        served.n_holders += 1
        return served

    def let_go(self, served: ServedIndex) -> None:
        """An answer that held an index is made."""
        served.n_holders -= 1
        _close_if_unused(served)

    def opened_anew(self) -> dict[str, ServedIndex]:
        """What stands on the disk now: those that are new or have changed are opened, the others are those served.

        Raises:
            NotOpenedError: one cannot be opened, or its model cannot be loaded; all stays as it is then.
        """
        with ExitStack() as opened:
            found = {}
            for name, path in self._paths.items():
                identity, current = _identity(path), self._served.get(name)
                if current is None or current.is_damaged or current.identity != identity:
                    try:
                        index = opened.enter_context(self._opener(path))
                        current = ServedIndex(name, index, identity, self._modeller(name, index))
                    except Exception as error:  # whatever a file or a model may raise
                        raise NotOpenedError(name, error) from error
                found[name] = current
            opened.pop_all()
        return found

    def replace(self, found: Mapping[str, ServedIndex]) -> list[str]:
        """Answer from what `opened_anew` found, from the next question on; the names of those that changed."""
        replaced = [served for name, served in self._served.items() if found.get(name) is not served]
        self._served = dict(found)
        for served in replaced:
            served.is_replaced = True
            _close_if_unused(served)
        return [served.name for served in replaced]

    def close(self) -> None:
        """Close all of them."""
        for served in self._served.values():
            served.index.close()


def _close_if_unused(served: ServedIndex) -> None:
    if served.is_replaced and served.n_holders == 0:
        served.index.close()


def _identity(path: Location) -> tuple[int, ...]:
    """A build puts a new folder in the old one's place, so the manifest is another file. URLs are opened each time."""
    if isinstance(path, str):
        return (time.monotonic_ns(),)
    try:
        status = (path / "manifest.json").stat()
    except OSError:
        return ()  # opening it will say what is wrong
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


def names_of(paths: Sequence[str | os.PathLike[str]]) -> dict[str, Location]:
    """A name for each folder or URL, to stand in addresses: its own without `.infgram`, made unique by a number."""
    named: dict[str, Location] = {}
    for path in map(location, paths):
        own = path.rstrip("/").rpartition("/")[2] if isinstance(path, str) else path.resolve().name
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", own.removesuffix(".infgram")).strip("-._")[:56] or "index"
        name, number = stem, 1
        while name in named:
            number += 1
            name = f"{stem}-{number}"
        named[name] = path
    return named
