"""The backend that queries the owners of an index in a Ray cluster."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from infgram.cluster.ray_cluster import NAMESPACE, ray_module
from infgram.cluster.serving.backend import GroupQuery
from infgram.cluster.serving.deployment import Deployment
from infgram.cluster.serving.layout import Layout
from infgram.cluster.serving.owner import Outcome
from infgram.errors import ServiceError, ShardUnavailableError

PATIENCE_S: Final = 10.0
"""The time limit for a lost owner to restart, in seconds."""

_PAUSE_S: Final = 0.05


class RayBackend:
    """A `Backend`. All groups are queried at once. If an owner is lost, another replica is queried, or it again.

    There is no time limit for an owner that is running. Ray's connection does not survive a fork, so queries in a
    forked process raise an error. A spawned process connects when it unpickles an index.
    """

    def __init__(self, deployment: Deployment, layout: Layout, *, patience_s: float = PATIENCE_S) -> None:
        """Query the owners of a deployment."""
        self.layout = layout
        self._deployment = deployment
        self._patience_s = patience_s
        self._ray = ray_module()
        self._actors: dict[tuple[int, int], Any] = {}
        self._pid = os.getpid()

    def run(self, queries: Mapping[int, Sequence[GroupQuery]], allow_missing: bool) -> dict[int, list[Any]]:
        """See `Backend.run`."""
        messages = {group: list(some) for group, some in queries.items()}
        outcomes = self._query_groups(
            messages, lambda owner, group: owner.answer.remote(messages[group]), allow_missing
        )
        return {group: outcome.answers for group, outcome in outcomes.items()}

    def verify(self) -> None:
        """See `Backend.verify`."""
        self._query_groups(
            range(len(self.layout.groups)), lambda owner, group: owner.verify.remote(), allow_missing=False
        )

    def close(self) -> None:
        """Forget the owners, which keep running."""
        self._actors.clear()

    def _query_groups(self, groups: Any, send: Callable[[Any, int], Any], allow_missing: bool) -> dict[int, Outcome]:
        """Send all messages, then wait for the response of one owner of each group."""
        if self._pid != os.getpid():
            raise ServiceError(
                f"{self._deployment.name!r} was opened before this process was forked, and Ray's connection does not "
                "survive a fork; start processes with spawn or forkserver, or open the index in the new process only"
            )
        outcomes: dict[int, Outcome] = {}
        waiting = list(groups)
        replicas = {group: random.randrange(self._deployment.n_replicas) for group in waiting}
        ends = time.monotonic() + self._patience_s
        while True:
            outcomes |= self._query_owners(waiting, replicas, send)
            waiting = [group for group in waiting if group not in outcomes]
            if not waiting:
                break
            if time.monotonic() > ends:
                if allow_missing and outcomes:
                    break
                raise self._unavailable(waiting)
            replicas = {group: replica + 1 for group, replica in replicas.items()}
            time.sleep(_PAUSE_S)
        for outcome in outcomes.values():
            if outcome.error is not None:
                raise outcome.error
        return outcomes

    def _query_owners(
        self, groups: Sequence[int], replicas: Mapping[int, int], send: Callable[[Any, int], Any]
    ) -> dict[int, Outcome]:
        errors = self._ray.exceptions
        sent = {}
        for group in groups:
            try:
                sent[group] = send(self._owner(group, replicas[group] % self._deployment.n_replicas), group)
            except (ValueError, errors.RayActorError):  # the actor does not exist at the moment
                continue
        try:
            return dict(zip(sent, self._ray.get(list(sent.values())), strict=True))
        except errors.RayTaskError:  # an unexpected error, such as an owner out of memory
            raise
        except errors.RayError:  # an owner or its node died, before or after its response
            return self._one_by_one(sent)

    def _one_by_one(self, sent: Mapping[int, Any]) -> dict[int, Outcome]:
        """Return the responses of the owners that are still running."""
        outcomes = {}
        for group, reference in sent.items():
            try:
                outcomes[group] = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError:
                raise
            except self._ray.exceptions.RayError:
                self._actors = {key: actor for key, actor in self._actors.items() if key[0] != group}
        return outcomes

    def _owner(self, group: int, replica: int) -> Any:
        key = group, replica
        if key not in self._actors:
            name = self._deployment.owner_name(group, replica)
            self._actors[key] = self._ray.get_actor(name, namespace=NAMESPACE)
        return self._actors[key]

    def _unavailable(self, groups: Sequence[int]) -> ShardUnavailableError:
        shards = [str(shard) for group in groups for shard in self.layout.shards_of(group)]
        return ShardUnavailableError(
            f"shards {', '.join(shards)} of {self._deployment.name!r} cannot be reached: no response for "
            f"{self._patience_s:g} s; try again, or allow answers without them with infgram.partial_answers()"
        )
