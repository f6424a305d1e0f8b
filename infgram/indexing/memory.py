"""How much memory a build may take: what was asked for, or half of what the machine has left.

A budget is a promise about the anonymous and shared memory of the whole process; the pages of mapped files are the
operating system's and not counted.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from infgram.errors import QueryError

_UNITS: Final = {
    "": 1,
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate(("k", "M", "G", "T"), start=1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate(("K", "M", "G", "T"), start=1)},
}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")
_CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")


_MOST: Final = 1 << 62  # bytes; more than any machine has


def size_bytes(size: int | str) -> int:
    """A size in bytes: a number of them, or a string such as `"2GiB"` or `"1.5 GB"`.

    Raises:
        QueryError: it is neither, or not positive.
    """
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if match is not None and match[2] in _UNITS:
        size = int(float(match[1]) * _UNITS[match[2]])
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise QueryError(f"memory is {size!r}; expected a number of bytes, or a size as '2GiB', '500MB'")
    return min(size, _MOST)


def available_bytes() -> int:
    """The memory that this process can still take: the machine's, or what is left of its control groups' limits."""
    left = [_field(Path("/proc/meminfo"), "MemAvailable")]
    for limit_file, used_file in _control_groups():
        limit, used = _number(limit_file), _number(used_file)
        if limit is not None and used is not None:
            cache = _field(limit_file.with_name("memory.stat"), "inactive_file", unit=1)  # given up when needed
            left.append(max(0, limit - used + cache))
    return min(left)


def used_bytes() -> int:
    """The anonymous and shared memory that this process has now."""
    status = Path("/proc/self/status")
    return _field(status, "RssAnon") + _field(status, "RssShmem")


def give_back() -> None:
    """Let the operating system have what the C library keeps of memory that was freed."""
    with suppress(AttributeError):  # other C libraries have no such function, and keep less
        ctypes.CDLL(None).malloc_trim(0)


def _control_groups() -> Iterator[tuple[Path, Path]]:
    """The files of the limit and the use of this process's control groups, of either version."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, inner = line.split(":", 2)
        for group in (Path(inner), *Path(inner).parents):
            if controllers == "":
                folder = _CONTROL_GROUPS / group.relative_to("/")
                yield folder / "memory.max", folder / "memory.current"
            elif "memory" in controllers.split(","):
                folder = _CONTROL_GROUPS / "memory" / group.relative_to("/")
                yield folder / "memory.limit_in_bytes", folder / "memory.usage_in_bytes"


def _field(path: Path, name: str, *, unit: int = 1024) -> int:
    """A field of a file of lines such as `MemAvailable:  123 kB`; 0 if it has none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    for line in lines:
        words = line.replace(":", " ").split()
        if words[:1] == [name]:
            return int(words[1]) * unit
    return 0


def _number(path: Path) -> int | None:
    """The number in a file; None if there is none ("max")."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
