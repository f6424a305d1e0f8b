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


_MAX_BYTES: Final = 1 << 62  # more than any machine has


def size_bytes(size: int | str) -> int:
    """Parse a size: a number of bytes, or a string such as `"2GiB"` or `"1.5 GB"`.

    Raises:
        QueryError: the size is malformed or not positive.
    """
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if match is not None and match[2] in _UNITS:
        size = int(float(match[1]) * _UNITS[match[2]])
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise QueryError(f"memory is {size!r}; expected a number of bytes, or a size such as '2GiB' or '500MB'")
    return min(size, _MAX_BYTES)


def available_bytes() -> int:
    """Return the memory available to this process: that of the machine, within the limits of its control groups."""
    left = [_field(Path("/proc/meminfo"), "MemAvailable")]
    for limit_file, used_file in _control_groups():
        limit, used = _number(limit_file), _number(used_file)
        if limit is not None and used is not None:
            cache = _field(limit_file.with_name("memory.stat"), "inactive_file", unit=1)  # reclaimable
            left.append(max(0, limit - used + cache))
    return min(left)


def used_bytes() -> int:
    """Return the anonymous and shared memory of this process."""
    status = Path("/proc/self/status")
    return _field(status, "RssAnon") + _field(status, "RssShmem")


def give_back() -> None:
    """Return memory that was freed, but kept by the C library, to the operating system."""
    with suppress(AttributeError):  # only glibc has the function
        ctypes.CDLL(None).malloc_trim(0)


def _control_groups() -> Iterator[tuple[Path, Path]]:
    """Yield the limit file and the usage file of each control group of this process, version 1 and 2."""
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
    """Return a field of a file with lines such as `MemAvailable:  123 kB`; 0 if it is missing."""
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
    """Return the number in a file; None if there is no number, as for `max`."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


MIB: Final = 1 << 20

_TRAINING: Final = 192 * MIB  # the sample, and the tables of the trainer
_ENCODER: Final = 112 * MIB  # the tables of an encoder, without the texts
_WRITING: Final = 48 * MIB  # the tables of the open shard, and the minimum for sorting
_MIN_IN_FLIGHT: Final = 16 * MIB
_THREAD: Final = 16 * MIB  # memory of one encoding thread


class Budget:
    """The memory limit of a build, divided among its stages.

    The limit is for anonymous and shared memory of the whole process. Pages of mapped files are not counted, since the
    operating system can reclaim them.

    Attributes:
        total_bytes: the maximum of anonymous and shared memory.
        least_bytes: the minimum that this build needs.
    """

    def __init__(self, memory: int | str | None, *, trains: bool, kind: str | None) -> None:
        """Use the given limit, or half of the available memory.

        Args:
            memory: bytes, or a string such as `"2GiB"`; None for half of the available memory.
            trains: whether a tokenizer is trained.
            kind: the kind of the tokenizer that encodes; None if nothing is encoded.

        Raises:
            QueryError: `memory` is malformed or too small; names the minimum.
        """
        self._encoder = 0 if kind in (None, BytesTokenizer.kind) else _ENCODER
        encoding = 0 if kind is None else self._encoder + 2 * _MIN_IN_FLIGHT
        least = used_bytes() + _WRITING + max(encoding, _TRAINING * trains)
        self.least_bytes = least + -least % (16 * MIB)
        if memory is None:
            self.total_bytes = max(self.least_bytes, available_bytes() // 2)
            return
        self.total_bytes = size_bytes(memory)
        if self.total_bytes < self.least_bytes:
            given, minimum = self.total_bytes / MIB, self.least_bytes / MIB
            raise QueryError(f"memory is {given:.0f}MiB; this build takes at least {minimum:.0f}MiB")

    def tokenizing(self, threads: int) -> tuple[int, int]:
        """Return the number of threads and the bytes of texts and token ids for `tokenize`."""
        available = self.left_bytes() - _WRITING - self._encoder
        n_threads = max(1, min(threads, available // (2 * _THREAD)))
        return n_threads, max(_MIN_IN_FLIGHT, min(IN_FLIGHT_BYTES, (available - n_threads * _THREAD) // 2))

    def left_bytes(self) -> int:
        """Return the memory that is not in use; at least 1."""
        give_back()
        return max(1, self.total_bytes - used_bytes())
