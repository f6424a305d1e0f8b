"""Open `ray://` addresses of deployed indexes."""

from __future__ import annotations

from infgram.cluster.ray_cluster import connected
from infgram.cluster.serving.deployment import deployment_of
from infgram.cluster.serving.index import Index
from infgram.cluster.serving.layout import Layout
from infgram.cluster.serving.owner import check_same
from infgram.cluster.serving.ray_backend import RayBackend
from infgram.cluster.storage.cache import Cache, default_cache_folder
from infgram.errors import IndexNotFoundError
from infgram.files.manifest import Manifest


def connect(url: str) -> Index:
    """Open `ray:///NAME` or `ray://ADDRESS:PORT/NAME`.

    Raises:
        IndexNotFoundError: the address names no index, or the cluster has no index of that name.
        IndexDamagedError: the index was rebuilt after it was deployed.
        ShardUnavailableError: no cluster can be reached.
        MissingExtraError: Ray is not installed.
    """
    address, _, name = url.removeprefix("ray://").partition("/")
    if not name:
        raise IndexNotFoundError(f"{url} names no index; expected ray:///NAME, or ray://ADDRESS:PORT/NAME")
    connected(address or None)
    deployment = deployment_of(name)
    folder = Cache(default_cache_folder()).index(deployment.location)
    manifest = Manifest.read(folder)
    check_same(deployment.location, manifest, deployment.fingerprint)
    return Index(RayBackend(deployment, Layout(manifest, deployment.groups)), folder, url)
