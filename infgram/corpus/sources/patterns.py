"""Glob patterns: `*`, `?` and `[…]` within a name, `**` for any number of folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

_MAGIC: Final = re.compile(r"[*?[]")


def has_magic(path: str) -> bool:
    """Whether a path is a pattern."""
    return _MAGIC.search(path) is not None


class Pattern:
    """A pattern, split into the folder before its first wildcard and what is looked for below it.

    Attributes:
        folder: the part without wildcards; empty for the current folder.
    """

    def __init__(self, pattern: str) -> None:
        parts = pattern.split("/")
        first = next(i for i, part in enumerate(parts) if has_magic(part))
        self.folder = "/".join(parts[:first])
        if first and self.folder in ("", parts[0] + "/"):  # `/*` and `memory://*`
            self.folder += "/"
        self._parts = [part for part in parts[first:] if part]

    def matches(self, name: str) -> bool:
        """Whether the pattern fits a file, by its path below `folder`."""
        return _fits(name.split("/"), self._parts)

    def may_enter(self, folder: str) -> bool:
        """Whether a file below a folder can match, by the folder's path below `self.folder`."""
        return _may_fit(folder.split("/"), self._parts)


def fits(name: str, pattern: str) -> bool:
    """Whether a pattern fits a file: its base name, or its path if the pattern holds a `/`."""
    if "/" not in pattern:
        return fnmatchcase(name.rpartition("/")[2], pattern)
    return _fits(name.split("/"), pattern.removeprefix("./").split("/"))


def _fits(names: Sequence[str], parts: Sequence[str]) -> bool:
    if not parts or not names:
        return not parts and not names
    if parts[0] == "**":
        return len(parts) == 1 or any(_fits(names[skipped:], parts[1:]) for skipped in range(len(names)))
    return fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])


def _may_fit(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether more names can follow these so that all fit."""
    if not parts or not names:
        return bool(parts)
    return parts[0] == "**" or (fnmatchcase(names[0], parts[0]) and _may_fit(names[1:], parts[1:]))
