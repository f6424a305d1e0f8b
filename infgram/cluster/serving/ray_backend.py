"""Asks the owners of an index in a Ray cluster."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from infgram.cluster.ray_cluster import NAMESPACE, ray_module
from infgram.cluster.serving.backend import Ask
from infgram.cluster.serving.deployment import Deployment
from infgram.cluster.serving.layout import Layout
from infgram.cluster.serving.owner import Outcome
from infgram.errors import ServiceError, ShardUnavailableError

PATIENCE_S: Final = 10.0
"""How long an owner that died may take to come back."""

_PAUSE_S: Final = 0.05


class RayBackend:
    """A `Backend`. Groups are asked at once; one whose owner is gone is asked through another owner, or again.

    An owner that works answers in its own time; there is no limit to that here. Ray's connection does not survive a
    fork: a forked process is refused. One that was spawned connects anew when it unpickles an index.
    """

    def __init__(self, deployment: Deployment, layout: Layout, *, patience_s: float = PATIENCE_S) -> None:
        """Ask the owners of a deployment."""
        self.layout = layout
        self._deployment = deployment
        self._patience_s = patience_s
        self._ray = ray_module()
        self._actors: dict[tuple[int, int], Any] = {}
        self._pid = os.getpid()

    def ask(self, asks: Mapping[int, Sequence[Ask]], allow_missing: bool) -> dict[int, list[Any]]:
        """As the protocol says."""
        messages = {group: list(some) for group, some in asks.items()}
        outcomes = self._of_all(messages, lambda owner, group: owner.answer.remote(messages[group]), allow_missing)
        return {group: outcome.answers for group, outcome in outcomes.items()}

    def verify(self) -> None:
        """As the protocol says."""
        self._of_all(range(len(self.layout.groups)), lambda owner, group: owner.verify.remote(), allow_missing=False)

    def close(self) -> None:
        """Forget the owners, who stay."""
        self._actors.clear()

    def _of_all(self, groups: Any, send: Callable[[Any, int], Any], allow_missing: bool) -> dict[int, Outcome]:
        """What one owner of each group says; each is sent its message before any is waited for."""
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
            outcomes |= self._of_those_alive(waiting, replicas, send)
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

    def _of_those_alive(
        self, groups: Sequence[int], replicas: Mapping[int, int], send: Callable[[Any, int], Any]
    ) -> dict[int, Outcome]:
        errors = self._ray.exceptions
        sent = {}
        for group in groups:
            try:
                sent[group] = send(self._owner(group, replicas[group] % self._deployment.n_replicas), group)
            except (ValueError, errors.RayActorError):  # no such actor, now
                continue
        try:
            return dict(zip(sent, self._ray.get(list(sent.values())), strict=True))
        except errors.RayTaskError:  # what is not foreseen, as an owner without memory
            raise
        except errors.RayError:  # an owner or its node has died, before or after it answered
            return self._one_by_one(sent)

    def _one_by_one(self, sent: Mapping[int, Any]) -> dict[int, Outcome]:
        """The outcomes of those that have not died."""
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
            f"shards {', '.join(shards)} of {self._deployment.name!r} cannot be reached: nobody has answered for "
            f"{self._patience_s:g} s; try again, or ask for an answer without them with infgram.partial_answers()"
        )
