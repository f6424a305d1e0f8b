"""Spreads an index over a Ray cluster, where it stays until it is taken down."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from infgram.arguments import at_least, choice, refusal, text, text_or_none
from infgram.arguments import path as checked_path
from infgram.cluster.ray_cluster import NAMESPACE, connected, ray_module
from infgram.cluster.serving.layout import Layout, spread
from infgram.cluster.serving.owner import Owner
from infgram.cluster.storage.cache import Cache, default_cache_folder
from infgram.errors import IndexExistsError, IndexNotFoundError, ShardUnavailableError
from infgram.files.manifest import Manifest
from infgram.types import Load

READY_S: Final = 3600.0
"""Seconds that the owners have to bring their shards and open them."""

_ANSWER_S: Final = 60.0
_OWNER_BYTES: Final = 256 << 20  # of an owner besides its shards' directories
_QUESTIONS_AT_A_TIME: Final = 8


@dataclass(frozen=True)
class Deployment:
    """Where the groups of an index are.

    Attributes:
        name: of the index in the cluster.
        generation: different for each deployment.
        location: of the index.
        fingerprint: of its manifest, by which an index that was built anew in its place is told from it.
        groups: how many shards each group has.
        n_replicas: owners of each group.
    """

    name: str
    generation: str
    location: str
    fingerprint: str
    groups: tuple[int, ...]
    n_replicas: int

    def owner_name(self, group: int, replica: int) -> str:
        """The name of an actor."""
        return f"infgram/{self.name}/{self.generation}/{group}/{replica}"


class Register:
    """Tells where the groups of an index are; Ray makes an actor of it, which has the name of the index."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def deployment(self) -> Deployment:
        """What it was made with."""
        return self._deployment


def deploy(
    location: str,
    name: str,
    *,
    address: str | None = None,
    groups: int | None = None,
    replicas: int = 1,
    load: Load = "map",
    cache: str | None = None,
) -> None:
    """Spread an index over a Ray cluster; `infgram.open(f"ray:///{name}")` asks it from any machine of the cluster.

    Shards go in groups of neighbours, by size, to the cluster's nodes, by their memory. Each group has an owner: a
    detached actor without a claim on a CPU, which brings its shards to its node and opens them, and which Ray starts
    again where it dies, there or, if the node is gone, elsewhere.

    Args:
        location: a folder that all nodes see under this path, or a URL that fsspec knows.
        name: for the index in the cluster.
        address: of the cluster; None for the one that this machine belongs to. If there is none, one is started on
            this machine and ends with this process.
        groups: of shards; None for one a node, or one a shard if that is fewer.
        replicas: owners of each group, on different nodes if there are so many.
        load: as for `infgram.open`.
        cache: the folder, on every node, for copies of what is behind a URL; None for each node's own choice.

    Raises:
        IndexExistsError: the cluster has an index of that name.
        IndexNotFoundError, IndexDamagedError, StorageError: there is none at the location, or it cannot be opened.
        ShardUnavailableError: there is no cluster.
        MissingExtraError: Ray is not installed.
    """
    checked_path(location, "location")
    if not text(name, "name"):
        raise refusal(name, "name", "a name for the index in the cluster")
    choice(load, "load", get_args(Load))
    n_replicas = at_least(replicas, 1, "replicas")
    n_groups = None if groups is None else at_least(groups, 1, "groups")
    if cache is not None:
        checked_path(cache, "cache")
    if "://" not in location:
        location = os.path.abspath(location)  # owners work elsewhere
    ray = connected(text_or_none(address, "address"), start=True)
    if find(name) is not None:
        raise IndexExistsError(f"the cluster has an index {name!r}; choose another name, or undeploy({name!r}) first")
    manifest = Manifest.read(Cache(default_cache_folder()).index(location))
    nodes = sorted((node for node in ray.nodes() if node["Alive"]), key=lambda node: str(node["NodeID"]))
    n_groups = min(len(nodes) if n_groups is None else n_groups, len(manifest.shards))
    rooms = [_room(nodes, group, n_groups) for group in range(n_groups)]
    layout = Layout(manifest, spread([shard.size_bytes for shard in manifest.shards], rooms))
    deployment = Deployment(name, secrets.token_hex(4), location, manifest.fingerprint, layout.groups, n_replicas)
    owners: list[Any] = []
    try:
        for group in range(n_groups):
            for replica in range(deployment.n_replicas):
                node = nodes[(group + replica) % len(nodes)]
                options = _options(deployment.owner_name(group, replica), node["NodeID"], layout, group)
                shards = list(layout.shards_of(group))
                arguments = (location, manifest.fingerprint, shards, layout.first_documents[group], load, cache)
                owners.append(ray.remote(Owner).options(**options).remote(*arguments))
        for outcome in ray.get([owner.answer.remote([]) for owner in owners], timeout=READY_S):
            if outcome.error is not None:
                raise outcome.error
        register = _start_register(deployment)
        owners.append(register)
        ray.get(register.deployment.remote(), timeout=READY_S)
    except BaseException as error:
        for owner in owners:
            ray.kill(owner)
        if isinstance(error, ray.exceptions.RayError):
            raise ShardUnavailableError(
                f"the cluster cannot hold the shards of {location}; look at its nodes with `ray status`: {error}"
            ) from error
        raise


def undeploy(name: str, *, address: str | None = None) -> None:
    """Take an index down: its owners end, and what asks them is refused.

    Args:
        name: of the index in the cluster.
        address: of the cluster, as for `deploy`.

    Raises:
        IndexNotFoundError: the cluster has no index of that name.
        ShardUnavailableError, MissingExtraError: as for `deploy`.
    """
    text(name, "name")
    ray = connected(text_or_none(address, "address"))
    deployment = deployment_of(name)
    names = [
        deployment.owner_name(group, replica)
        for group in range(len(deployment.groups))
        for replica in range(deployment.n_replicas)
    ]
    for each in [*names, _register_name(name)]:  # the register last, so that what is interrupted can be done again
        try:
            ray.kill(ray.get_actor(each, namespace=NAMESPACE))
        except ValueError:  # it is gone
            continue


def deployment_of(name: str) -> Deployment:
    """Where the groups of an index are.

    Raises:
        IndexNotFoundError: the cluster has no index of that name.
    """
    deployment = find(name)
    if deployment is None:
        raise IndexNotFoundError(
            f"the cluster has no index {name!r}; spread one over it: infgram.cluster.deploy(LOCATION, {name!r}), or "
            "infgram serve --engine ray LOCATION"
        )
    return deployment


def find(name: str) -> Deployment | None:
    """As `deployment_of`; None if there is none.

    Raises:
        ShardUnavailableError: the cluster does not say.
    """
    ray = ray_module()
    try:
        register = ray.get_actor(_register_name(name), namespace=NAMESPACE)
        found: Deployment = ray.get(register.deployment.remote(), timeout=_ANSWER_S)
    except (ValueError, ray.exceptions.ActorDiedError):
        return None
    except ray.exceptions.RayError as error:
        raise ShardUnavailableError(f"the cluster does not say where {name!r} is: {error}; try again") from error
    return found


def _start_register(deployment: Deployment) -> Any:
    """It survives its node, and so do the questions to it.

    Raises:
        IndexExistsError: another deployment of that name was faster.
    """
    ray = ray_module()
    register = ray.remote(Register).options(
        name=_register_name(deployment.name),
        namespace=NAMESPACE,
        lifetime="detached",
        num_cpus=0,
        max_restarts=-1,
        max_task_retries=-1,
    )
    try:
        return register.remote(deployment)
    except ValueError as error:
        raise IndexExistsError(f"the cluster has an index {deployment.name!r} now; choose another name") from error


def _register_name(name: str) -> str:
    return f"infgram/{name}"


def _room(nodes: Sequence[Mapping[str, Any]], group: int, n_groups: int) -> int:
    """A group's share of the memory of its node."""
    place = group % len(nodes)
    n_there = len(range(place, n_groups, len(nodes)))
    return max(1, int(nodes[place]["Resources"].get("memory", 0)) // n_there)


def _options(name: str, node: str, layout: Layout, group: int) -> dict[str, Any]:
    """How Ray is to run an owner: where it is told, or elsewhere if that node is gone."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    shards = [layout.manifest.shards[number] for number in layout.shards_of(group)]
    return {
        "name": name,
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "num_cpus": 0,  # actors that hold CPUs can keep all others from ever starting
        "memory": _OWNER_BYTES + sum(shard.directory_bytes for shard in shards),
        "max_restarts": -1,
        "max_concurrency": _QUESTIONS_AT_A_TIME,
        "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=True),
    }
