"""The memory budget of a build, and the memory of the machine and the process."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from infgram.errors import QueryError
from infgram.indexing.tokenize import IN_FLIGHT_BYTES
from infgram.tokenizers import BytesTokenizer

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


MIB: Final = 1 << 20

_TRAINING: Final = 192 * MIB  # the sample, and what the trainer makes of it
_ENCODER: Final = 112 * MIB  # tables of an encoder, besides the texts
_WRITING: Final = 48 * MIB  # tables of the open shard, and the least that sorting takes
_LEAST_IN_FLIGHT: Final = 16 * MIB
_THREAD: Final = 16 * MIB  # a thread's own, while it encodes


class Budget:
    """What a build may take in all.

    Attributes:
        total_bytes: anonymous and shared memory of the process at its peak.
        least_bytes: what this build takes at least.
    """

    def __init__(self, memory: int | str | None, *, trains: bool, kind: str | None) -> None:
        """Take what was asked for, or half of what the machine has left.

        Args:
            memory: bytes, or a string such as `"2GiB"`; None to choose.
            trains: whether a tokenizer is trained.
            kind: the kind of the tokenizer that encodes; None when nothing is encoded.

        Raises:
            QueryError: it is no size, or too small; names the least that will do.
        """
        self._encoder = 0 if kind in (None, BytesTokenizer.kind) else _ENCODER
        encoding = 0 if kind is None else self._encoder + 2 * _LEAST_IN_FLIGHT
        least = used_bytes() + _WRITING + max(encoding, _TRAINING * trains)
        self.least_bytes = least + -least % (16 * MIB)
        if memory is None:
            self.total_bytes = max(self.least_bytes, available_bytes() // 2)
            return
        self.total_bytes = size_bytes(memory)
        if self.total_bytes < self.least_bytes:
            found, expected = self.total_bytes / MIB, self.least_bytes / MIB
            raise QueryError(f"memory is {found:.0f}MiB; this build takes at least {expected:.0f}MiB")

    def tokenising(self, threads: int) -> tuple[int, int]:
        """How many threads `tokenise` may use, and how many bytes of texts and ids it may hold."""
        room = self.left_bytes() - _WRITING - self._encoder
        n_threads = max(1, min(threads, room // (2 * _THREAD)))
        return n_threads, max(_LEAST_IN_FLIGHT, min(IN_FLIGHT_BYTES, (room - n_threads * _THREAD) // 2))

    def left_bytes(self) -> int:
        """What is not yet taken; at least 1."""
        give_back()
        return max(1, self.total_bytes - used_bytes())
