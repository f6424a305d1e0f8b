"""The indexes that are served, by name; each can be replaced while queries run."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import infgram

from .models import NextTokenModel
from .server import logs
from .settings import Location, location

Opener = Callable[[str], infgram.Index]
ModelLoader = Callable[[str, infgram.Index], NextTokenModel | None]


class OpenError(Exception):
    """Raised when an index cannot be opened.

    Attributes:
        name: the name of the index.
        reason: the error of the library or the file system.
    """

    def __init__(self, name: str, reason: Exception) -> None:
        super().__init__(f"index {name}: {reason}")
        self.name, self.reason = name, reason


@dataclass(eq=False)
class ServedIndex:
    """An open index and its name.

    Attributes:
        identity: changes when another index replaces it on disk.
        model: the neural model that is mixed with it, if one is configured.
        info: the result of `Index.info`.
        is_damaged: set once its files turn out to be damaged; it answers no more queries.
        damage: which file was changed, if that is what damaged it, without the folder of the index.
        n_holders: the running queries that use it.
        is_replaced: set once another index has its name; it is closed when no query uses it.
    """

    name: str
    index: infgram.Index
    identity: tuple[int, ...] = ()
    model: NextTokenModel | None = None
    info: Mapping[str, Any] = field(init=False)
    is_damaged: bool = False
    damage: str | None = None
    n_holders: int = 0
    is_replaced: bool = False
    _shown: dict[int, str | None] = field(default_factory=lambda: {infgram.END_OF_DOCUMENT: None})

    def __post_init__(self) -> None:
        self.info = self.index.info()
        if self.has_tokenizer:
            _ = self.index.tokenizer  # loaded now, so that the first query does not wait and damage shows at once

    def check_files(self) -> None:
        """Mark the index as damaged if one of its files was changed in place. A thread may call this."""
        if self.is_damaged:
            return
        try:
            self.index.check_files()
        except infgram.IndexDamagedError as error:
            detail = str(error)
            logs.write("index_changed", level="error", index=self.name, detail=detail)
            for path in self.index.paths:
                detail = detail.replace(f"{path}{os.sep}", "")
            self.damage, self.is_damaged = f"Index {self.name}: {detail}.", True

    @property
    def has_tokenizer(self) -> bool:
        """Whether queries may be text."""
        return self.info["tokenizer"] is not None

    def tokens(self, token_ids: Sequence[int]) -> list[str | None] | None:
        """Return the text of each token, with None for the end of a document; None without a tokenizer."""
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
    """The indexes by name. Used on one event loop; only `reopen` may run in a thread.

    Args:
        paths: the folder or URL of each index.
        opener: opens an index, by its name.
        model_loader: loads the neural model of an index, by its name.

    Raises:
        InfgramError: an index cannot be opened, or its model cannot be loaded.
    """

    def __init__(
        self,
        paths: Mapping[str, Location],
        opener: Opener,
        model_loader: ModelLoader = lambda name, index: None,
    ) -> None:
        self._paths, self._opener, self._model_loader = paths, opener, model_loader
        self._served: dict[str, ServedIndex] = {}
        try:
            self._served = self.reopen()
        except OpenError as error:
            raise error.reason from None

    def __getitem__(self, name: str) -> ServedIndex:
        return self._served[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._served)

    def __len__(self) -> int:
        return len(self._served)

    def acquire(self, name: str) -> ServedIndex:
        """Return the index now served under a name; it stays open until `release`, even if it is replaced.

        Raises:
            KeyError: no index has this name.
        """
        served = self._served[name]
        served.n_holders += 1
        return served

    def release(self, served: ServedIndex) -> None:
        """End the use of an index by one query."""
        served.n_holders -= 1
        _close_if_unused(served)

    def changed(self) -> dict[str, tuple[int, ...]]:
        """Return the identity on disk of each index in a folder where another state is than the one now served.

        A folder that is missing has none. One system call per index.
        """
        found = {name: _identity(path) for name, path in self._paths.items() if not isinstance(path, str)}
        return {name: identity for name, identity in found.items() if identity not in ((), self[name].identity)}

    def reopen(self, names: Collection[str] | None = None) -> dict[str, ServedIndex]:
        """Return the indexes as they are on disk: those that changed are opened, the others are the ones now served.

        Args:
            names: the indexes to look at; None for all.

        Raises:
            OpenError: an index cannot be opened, or its model cannot be loaded; nothing changes then.
        """
        with ExitStack() as opened:
            found = dict(self._served)
            for name, path in self._paths.items():
                if names is not None and name not in names:
                    continue
                identity, current = _identity(path), self._served.get(name)
                try:
                    if current is not None:
                        current.check_files()
                    if current is None or current.is_damaged or current.identity != identity:
                        index = opened.enter_context(self._opener(name))
                        current = ServedIndex(name, index, identity, self._model_loader(name, index))
                except Exception as error:  # whatever a file or a model may raise
                    raise OpenError(name, error) from error
                found[name] = current
            opened.pop_all()
        return found

    def replace(self, found: Mapping[str, ServedIndex]) -> list[str]:
        """Serve the result of `reopen` from the next query on; return the names of the indexes that changed."""
        replaced = [served for name, served in self._served.items() if found.get(name) is not served]
        self._served = dict(found)
        for served in replaced:
            served.is_replaced = True
            _close_if_unused(served)
        return [served.name for served in replaced]

    def close(self) -> None:
        """Close all indexes."""
        for served in self._served.values():
            served.index.close()


def _close_if_unused(served: ServedIndex) -> None:
    if served.is_replaced and served.n_holders == 0:
        served.index.close()


def _identity(path: Location) -> tuple[int, ...]:
    """Return what changes with the index: its manifest, or its folder if it has none. URLs always count as changed."""
    if isinstance(path, str):
        return (time.monotonic_ns(),)
    try:
        manifest = path / "manifest.json"
        status = (manifest if manifest.exists() else path).stat()
    except OSError:
        return ()  # opening it will report the error
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


def names_of(paths: Sequence[str | os.PathLike[str]]) -> dict[str, Location]:
    """Return a name for the address of each folder or URL: its own without `.infgram`, numbered if taken."""
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
