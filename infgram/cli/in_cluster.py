"""Deploy indexes to a Ray cluster while a command runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infgram.types import Load


@contextmanager
def spread(
    indexes: Mapping[str, str | os.PathLike[str]], load: Load, n_replicas: int
) -> Iterator[dict[str, str | os.PathLike[str]]]:
    """Deploy indexes to the Ray cluster, and remove them at the end.

    If no cluster is named or running, one is started and stopped at the end.

    Args:
        indexes: the folder or URL of each index, by name. One that is in the cluster already (`ray://…`) is kept as is.
        load: as for `infgram.open`.
        n_replicas: the number of replicas of each shard.

    Yields:
        The URL of each index in the cluster.

    Raises:
        IndexExistsError, IndexNotFoundError, ShardUnavailableError, MissingExtraError: as `infgram.cluster.deploy`.
    """
    from infgram.cluster import deploy, undeploy
    from infgram.cluster.ray_cluster import connection

    urls = dict(indexes)
    with connection(), ExitStack() as stack:
        for name, place in indexes.items():
            location = os.fspath(place)
            if location.startswith("ray://"):
                continue
            if "://" not in location:
                location = os.path.abspath(location)  # the cluster's processes have other working folders
            deploy(location, name, load=load, replicas=n_replicas)
            stack.callback(undeploy, name)
            urls[name] = f"ray:///{name}"
        yield urls
