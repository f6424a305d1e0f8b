"""Deploy an index on a Ray cluster, and undeploy it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from infgram.arguments import at_least, choice, path as checked_path, refusal, text, text_or_none
from infgram.cluster.ray_cluster import NAMESPACE, connected, ray_module
from infgram.cluster.serving.layout import Layout, spread
from infgram.cluster.serving.owner import Owner
from infgram.cluster.storage.cache import Cache, default_cache_folder
from infgram.errors import IndexExistsError, IndexNotFoundError, ShardUnavailableError
from infgram.files.manifest import Manifest
from infgram.types import Load

READY_S: Final = 3600.0
"""The time limit for all owners to download and open their shards, in seconds."""

_ANSWER_S: Final = 60.0
_OWNER_BYTES: Final = 256 << 20  # memory of an owner besides the directories of its shards
_CONCURRENT_MESSAGES: Final = 8


@dataclass(frozen=True)
class Deployment:
    """The deployment of an index: its groups of shards and their owners.

    Attributes:
        name: the name of the index in the cluster.
        generation: a random id of this deployment.
        location: the path or URL of the index.
        fingerprint: the fingerprint of its manifest, which differs if the index is rebuilt.
        groups: the number of shards of each group.
        n_replicas: the number of owners of each group.
    """

    name: str
    generation: str
    location: str
    fingerprint: str
    groups: tuple[int, ...]
    n_replicas: int

    def owner_name(self, group: int, replica: int) -> str:
        """Return the actor name of an owner."""
        return f"infgram/{self.name}/{self.generation}/{group}/{replica}"


class Register:
    """A Ray actor that returns the deployment of the index it is named after."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def deployment(self) -> Deployment:
        """Return the deployment."""
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
    """Deploy an index on a Ray cluster, for `infgram.open(f"ray:///{name}")` on any machine of the cluster.

    Neighboring shards form groups, whose sizes are proportional to the memory of the nodes. Each group has an owner: a
    detached actor that reserves no CPU, copies its shards to its node if necessary, and opens them. If an owner dies,
    Ray restarts it on the same node, or on another one if the node is gone.

    Args:
        location: a folder that all nodes can open under this path, or a URL that fsspec supports.
        name: the name of the index in the cluster.
        address: the address of the cluster; None for the one that this machine belongs to. If there is none, one is
            started on this machine and stops with this process.
        groups: the number of groups; None for one per node, but at most one per shard.
        replicas: the number of owners of each group, on different nodes if there are enough.
        load: as for `infgram.open`.
        cache: the folder on every node for copies of shards behind a URL; None for the default of each node.

    Raises:
        IndexExistsError: the cluster already has an index of that name.
        IndexNotFoundError, IndexDamagedError, StorageError: the location has no index, or it cannot be opened.
        ShardUnavailableError: no cluster can be reached.
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
        location = os.path.abspath(location)  # owners have other working directories
    ray = connected(text_or_none(address, "address"), start=True)
    if find(name) is not None:
        raise IndexExistsError(
            f"the cluster already has an index {name!r}; choose another name, or undeploy({name!r}) first"
        )
    manifest = Manifest.read(Cache(default_cache_folder()).index(location))
    nodes = sorted((node for node in ray.nodes() if node["Alive"]), key=lambda node: str(node["NodeID"]))
    n_groups = min(len(nodes) if n_groups is None else n_groups, len(manifest.shards))
    memory_bytes = [_memory_bytes(nodes, group, n_groups) for group in range(n_groups)]
    layout = Layout(manifest, spread([shard.size_bytes for shard in manifest.shards], memory_bytes))
    deployment = Deployment(name, secrets.token_hex(4), location, manifest.fingerprint, layout.groups, n_replicas)
    owners: list[Any] = []
    try:
        for group in range(n_groups):
            for replica in range(deployment.n_replicas):
                node = nodes[(group + replica) % len(nodes)]
                options = _options(deployment.owner_name(group, replica), node["NodeID"], layout, group)
                shards = list(layout.shards_of(group))
                arguments = (location, manifest.fingerprint, shards, load, cache)
                owners.append(ray.remote(Owner).options(**options).remote(*arguments))
        for response in ray.get([owner.answer.remote([]) for owner in owners], timeout=READY_S):
            if response.error is not None:
                raise response.error
        register = _start_register(deployment)
        owners.append(register)
        ray.get(register.deployment.remote(), timeout=READY_S)
    except BaseException as error:
        for owner in owners:
            ray.kill(owner)
        if isinstance(error, ray.exceptions.RayError):
            raise ShardUnavailableError(
                f"the cluster cannot load the shards of {location}; check its nodes with `ray status`: {error}"
            ) from error
        raise


def undeploy(name: str, *, address: str | None = None) -> None:
    """Stop the owners of an index. Later queries raise an error.

    Args:
        name: the name of the index in the cluster.
        address: the address of the cluster, as for `deploy`.

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
    for each in [*names, _register_name(name)]:  # the register last, so that an interrupted call can be repeated
        try:
            ray.kill(ray.get_actor(each, namespace=NAMESPACE))
        except ValueError:  # it has ended
            continue


def deployment_of(name: str) -> Deployment:
    """Return the deployment of an index.

    Raises:
        IndexNotFoundError: the cluster has no index of that name.
    """
    deployment = find(name)
    if deployment is None:
        raise IndexNotFoundError(
            f"the cluster has no index {name!r}; deploy it with infgram.cluster.deploy(LOCATION, {name!r}), or with "
            "infgram serve --engine ray LOCATION"
        )
    return deployment


def find(name: str) -> Deployment | None:
    """Return the deployment of an index; None if the cluster has no index of that name.

    Raises:
        ShardUnavailableError: the cluster does not respond.
    """
    ray = ray_module()
    try:
        register = ray.get_actor(_register_name(name), namespace=NAMESPACE)
        deployment: Deployment = ray.get(register.deployment.remote(), timeout=_ANSWER_S)
    except (ValueError, ray.exceptions.ActorDiedError):
        return None
    except ray.exceptions.RayError as error:
        raise ShardUnavailableError(
            f"the cluster does not respond with the location of {name!r}: {error}; try again"
        ) from error
    return deployment


def _start_register(deployment: Deployment) -> Any:
    """Start the register actor, which survives the loss of its node, as do calls to it.

    Raises:
        IndexExistsError: an index of that name was deployed concurrently.
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
        raise IndexExistsError(
            f"an index {deployment.name!r} was deployed concurrently; choose another name"
        ) from error


def _register_name(name: str) -> str:
    return f"infgram/{name}"


def _memory_bytes(nodes: Sequence[Mapping[str, Any]], group: int, n_groups: int) -> int:
    """Return the share of a group of the memory of its node, in bytes."""
    node = group % len(nodes)
    n_there = len(range(node, n_groups, len(nodes)))
    return max(1, int(nodes[node]["Resources"].get("memory", 0)) // n_there)


def _options(name: str, node: str, layout: Layout, group: int) -> dict[str, Any]:
    """Return the Ray options of an owner: it prefers its node, and moves if the node is gone."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    shards = [layout.manifest.shards[number] for number in layout.shards_of(group)]
    return {
        "name": name,
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "num_cpus": 0,  # actors that reserve CPUs can prevent others from starting
        "memory": _OWNER_BYTES + sum(shard.directory_bytes for shard in shards),
        "max_restarts": -1,
        "max_concurrency": _CONCURRENT_MESSAGES,
        "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=True),
    }
