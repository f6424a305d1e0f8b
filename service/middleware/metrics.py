"""The counters of all workers, and their Prometheus exposition.

Each worker counts in its own row of a shared memory map, so that any worker can report the sums, and a replacement
continues the row of a dead worker. The multiprocess mode of prometheus_client would not make this smaller: it is
switched on by a variable that must be set before its import, takes a lock and several lookups for each count, which
is a good part of the time of a quick question, and does not carry what workers tell each other about reloads.
"""

from __future__ import annotations

import mmap
import os
import resource
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from time import time
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ..indexes import ServedIndex

BOUNDS_S: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01),
    *(0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
STATUSES: Final = (0, 200, 202, 304, 400, 401, 403, 404, 405, 409, 413, 422, 429, 431, 499, 500, 503)
"""0 counts any other status, and answers that were cut off."""

_CELL_BYTES: Final = 8
_PROCESS, _IN_FLIGHT, _NOT_RELOADED, _REASON, _FIRST = range(5)
_REASONS: Final = (
    *("InfgramError", "IndexNotFoundError", "IndexDamagedError", "IndexVersionError", "StorageError"),
    *("TokenizerError", "InputError", "QueryError", "MissingExtraError", "ShardUnavailableError", "other"),
)
"""Kinds of errors, stored by their position. `other` is any error that is not of the library."""


class FailedReload(NamedTuple):
    """A failed reload that no later one has succeeded.

    Attributes:
        time: in seconds since 1970.
        error: the class of the error if it is of the library, else `other`.
    """

    time: float
    error: str


class Metrics:
    """The counters of one worker, and the sums of all.

    Args:
        operations: the ids of all operations; the last one counts any other.
        shared: a file of `size_bytes`, mapped by all workers; None for a single process.
        worker: the number of this worker's row.
        n_workers: the number of rows.
    """

    def __init__(
        self, operations: Sequence[str], shared: Path | None = None, worker: int = 0, n_workers: int = 1
    ) -> None:
        self._operations = {name: number for number, name in enumerate(operations)}
        self._n_cells = cells_of(len(operations))
        n_bytes = n_workers * self._n_cells * _CELL_BYTES
        if shared is None:
            self._map = mmap.mmap(-1, n_bytes)
        else:
            with shared.open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), n_bytes)
        cells = memoryview(self._map).cast("d")
        self._rows = [cells[row * self._n_cells : (row + 1) * self._n_cells] for row in range(n_workers)]
        self._row = self._rows[worker]
        self._row[_PROCESS], self._row[_IN_FLIGHT] = os.getpid(), 0
        self.reload_succeeded()

    def begin(self) -> None:
        """Count the beginning of a request."""
        self._row[_IN_FLIGHT] += 1

    def end(self, operation: str, status: int, elapsed_s: float) -> None:
        """Count an answered request."""
        first = self._first(self._operations.get(operation, len(self._operations) - 1))
        row = self._row
        row[_IN_FLIGHT] -= 1
        row[first + _STATUS_OFFSETS.get(status, 0)] += 1
        row[first + _BUCKETS + bisect_left(BOUNDS_S, elapsed_s)] += 1
        row[first + _SUM] += elapsed_s

    def reload_failed(self, error: Exception) -> None:
        """Record that this worker still serves the old indexes."""
        name = type(error).__name__
        self._row[_REASON] = _REASONS.index(name) if name in _REASONS else len(_REASONS) - 1
        self._row[_NOT_RELOADED] = time()

    def reload_succeeded(self) -> None:
        """Record that this worker serves the indexes on disk."""
        self._row[_NOT_RELOADED] = 0

    def failed_reload(self) -> FailedReload | None:
        """Return the latest failure among the workers whose last reload failed."""
        failed = [FailedReload(row[_NOT_RELOADED], _REASONS[int(row[_REASON])]) for row in self._rows]
        return max((each for each in failed if each.time), default=None)

    def text(self, indexes: Mapping[str, ServedIndex], jobs: Iterable[tuple[str, str, str, int]] = ()) -> bytes:
        """Return all metrics in Prometheus' text format; reads `/proc` of each worker.

        Args:
            indexes: the indexes.
            jobs: the number of jobs that have ended, by index, kind and status.
        """
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Scrape([*self.families(indexes), _of_jobs(jobs)]))
        return generate_latest(registry)

    def families(self, indexes: Mapping[str, ServedIndex]) -> Iterator[Metric]:
        """Yield the sums over all workers."""
        requests = CounterMetricFamily("infgram_requests", "Requests answered.", labels=["operation", "status"])
        seconds = HistogramMetricFamily("infgram_request_seconds", "Time to answer.", labels=["operation"])
        for name, number in self._operations.items():
            first = self._first(number)
            for status, offset in _STATUS_OFFSETS.items():
                if n := self._sum(first + offset):
                    requests.add_metric([name, str(status or "other")], n)
            buckets = [self._sum(first + _BUCKETS + n) for n in range(len(BOUNDS_S) + 1)]
            if any(buckets):
                below = [sum(buckets[: n + 1]) for n in range(len(buckets))]
                names = [*map(str, BOUNDS_S), "+Inf"]
                seconds.add_metric([name], list(zip(names, below, strict=True)), self._sum(first + _SUM))
        yield requests
        yield seconds
        yield GaugeMetricFamily("infgram_in_flight", "Requests in flight.", self._sum(_IN_FLIGHT))
        n_failed = sum(row[_NOT_RELOADED] > 0 for row in self._rows)
        yield GaugeMetricFamily("infgram_reload_failed", "Workers whose last reload failed.", n_failed)
        yield from _of_processes([int(row[_PROCESS]) for row in self._rows if row[_PROCESS]])
        yield from _of_indexes(indexes)

    def _first(self, operation: int) -> int:
        return _FIRST + operation * _CELLS_OF_OPERATION

    def _sum(self, cell: int) -> float:
        return sum(row[cell] for row in self._rows)


_STATUS_OFFSETS: Final = {status: offset for offset, status in enumerate(STATUSES)}
_BUCKETS: Final = len(STATUSES)
_SUM: Final = _BUCKETS + len(BOUNDS_S) + 1
_CELLS_OF_OPERATION: Final = _SUM + 1


def cells_of(n_operations: int) -> int:
    """Return the number of cells in the row of one worker."""
    return _FIRST + n_operations * _CELLS_OF_OPERATION


def size_bytes(n_operations: int, n_workers: int) -> int:
    """Return the size of the file that the workers share."""
    return cells_of(n_operations) * n_workers * _CELL_BYTES


class _Scrape(Collector):
    """One scrape by Prometheus."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def _of_jobs(jobs: Iterable[tuple[str, str, str, int]]) -> Metric:
    ended = CounterMetricFamily("infgram_jobs", "Jobs that have ended.", labels=["index", "kind", "status"])
    for *labels, n in jobs:
        ended.add_metric(labels, n)
    return ended


def _of_processes(processes: Sequence[int]) -> Iterator[Metric]:
    minor = major = resident = 0
    for process in processes:
        try:
            fields = Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just died
        minor, major, resident = minor + int(fields[7]), major + int(fields[9]), resident + int(fields[21])
    faults = CounterMetricFamily("infgram_page_faults", "Page faults of all workers.", labels=["kind"])
    faults.add_metric(["minor"], minor)
    faults.add_metric(["major"], major)
    yield faults
    yield GaugeMetricFamily("infgram_workers", "Worker processes.", len(processes))
    yield GaugeMetricFamily(
        "infgram_resident_bytes", "Memory of all workers, mapped files included.", resident * resource.getpagesize()
    )


def _of_indexes(indexes: Mapping[str, ServedIndex]) -> Iterator[Metric]:
    tokens = GaugeMetricFamily("infgram_index_tokens", "Tokens of an index.", labels=["index"])
    size = GaugeMetricFamily("infgram_index_bytes", "Size of an index.", labels=["index"])
    resident = GaugeMetricFamily(
        "infgram_index_resident_bytes", "Bytes of an index that this worker has mapped to memory.", labels=["index"]
    )
    damaged = GaugeMetricFamily("infgram_index_damaged", "1 if an index is damaged.", labels=["index"])
    mapped = _mapped_bytes()
    for name, served in indexes.items():
        folders = [f"{path.resolve()}{os.sep}" for path in served.index.paths]
        tokens.add_metric([name], served.info["n_tokens"])
        size.add_metric([name], served.info["size_bytes"])
        resident.add_metric([name], sum(n for path, n in mapped.items() if path.startswith(tuple(folders))))
        damaged.add_metric([name], float(served.is_damaged))
    yield from (tokens, size, resident, damaged)


def _mapped_bytes() -> dict[str, int]:
    """Return the resident bytes of each file that this process maps."""
    found: dict[str, int] = {}
    path = ""
    try:
        lines = Path("/proc/self/smaps").read_text(errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        words = line.split(maxsplit=5)
        if not words[0].endswith(":"):
            path = words[5] if len(words) > 5 else ""
        elif words[0] == "Rss:" and path.startswith("/"):
            found[path] = found.get(path, 0) + int(words[1]) * 1024
    return found
