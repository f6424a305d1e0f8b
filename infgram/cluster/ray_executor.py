"""The executor on a Ray cluster, which retries tasks whose worker or node is lost."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, cast

from infgram.cluster.executor import Item, Needs, Result
from infgram.cluster.ray_cluster import connected
from infgram.errors import InfgramError, QueryError, ServiceError, StorageError

_RETRIES: Final = 3
_IN_FLIGHT: Final = 2  # submitted tasks per task that the cluster can run at once
_POLL_S: Final = 1.0
_SHARE: Final = 0.8  # of a node's memory per CPU; the rest is reserved for the node
_MOST_CPUS: Final = 4
_DISK: Final = "disk"  # a custom resource in bytes, where nodes declare one


class RayExecutor:
    """An `Executor`. Only paths and small values pass through Ray."""

    def __init__(self) -> None:
        """Use the cluster that this process is connected to, that `RAY_ADDRESS` names, or that runs on this machine.

        Raises:
            MissingExtraError: Ray is not installed.
            ShardUnavailableError: no cluster can be reached.
        """
        self._ray = connected()

    def share(self) -> Needs:
        """Return some CPUs of the smallest node, and their share of the memory."""
        nodes = [node for node in self._nodes() if node.get("CPU", 0) >= 1]
        if not nodes:
            raise ServiceError("the Ray cluster has no node with a CPU; add a node that has one")
        smallest = min(nodes, key=lambda node: node["CPU"])
        cpus = min(_MOST_CPUS, int(smallest["CPU"]))
        memory = min(node["memory"] * cpus / max(1.0, node["CPU"]) for node in nodes)
        return Needs(cpus, int(memory * _SHARE))

    def run(self, work: Callable[[Item], Result], items: Sequence[Item], needs: Needs) -> Generator[Result, None, None]:
        """See `Executor.run`; the number of submitted tasks is bounded."""
        task = self._task(work, needs)
        waiting: list[Item] = list(reversed(items))
        running: list[Any] = []
        try:
            while waiting or running:
                most = _IN_FLIGHT * max(1, int(self._ray.cluster_resources().get("CPU", 1)) // needs.cpus)
                while waiting and len(running) < most:
                    running.append(task.remote(waiting.pop()))
                done, running = self._ray.wait(running, timeout=_POLL_S)
                for reference in done:
                    yield cast(Result, self._result(reference))
        finally:
            for reference in running:
                self._ray.cancel(reference, force=True)

    def _task(self, work: Callable[..., Any], needs: Needs) -> Any:
        resources = self._ray.cluster_resources()
        wanted: dict[str, float] = {"CPU": needs.cpus, "memory": needs.memory_bytes or 0}
        if _DISK in resources:
            wanted[_DISK] = needs.disk_bytes
        nodes = self._nodes()
        if not any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in nodes):
            there = "; ".join(_in_words({name: node.get(name, 0) for name in wanted}) for node in nodes)
            raise QueryError(
                f"a task needs {_in_words(wanted)}; no node of the Ray cluster has that (the nodes have {there}); "
                "reduce threads=… or memory=… (--threads, --memory)"
            )
        return self._ray.remote(
            num_cpus=needs.cpus,
            memory=needs.memory_bytes,
            resources={_DISK: needs.disk_bytes} if needs.disk_bytes and _DISK in resources else None,
            max_retries=_RETRIES,
            retry_exceptions=[StorageError],
        )(work)

    def _result(self, reference: Any) -> Any:
        errors = importlib.import_module("ray.exceptions")
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, InfgramError):
                raise cause from None
            raise
        except errors.RayError as error:
            raise ServiceError(
                f"a task was started {1 + _RETRIES} times on the Ray cluster and never finished: {error}; run the same "
                "command again, with less --memory if workers were killed for lack of memory"
            ) from error

    def _nodes(self) -> list[dict[str, float]]:
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]


def _in_words(resources: dict[str, float]) -> str:
    return ", ".join(f"{amount:,.0f} {name}" for name, amount in resources.items())
