"""Indexes that are in a Ray cluster as long as a command runs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infgram.types import Load


@contextmanager
def spread(
    indexes: Mapping[str, str | os.PathLike[str]], load: Load, n_replicas: int
) -> Iterator[dict[str, str | os.PathLike[str]]]:
    """Spread indexes over the cluster of this machine, and take them down at the end.

    Where no cluster is named and none runs, one is started, and ends at the end.

    Args:
        indexes: the place of each; one that is in the cluster already (`ray://…`) is left alone.
        load: as for `infgram.open`.
        n_replicas: who holds each shard, so many.

    Yields:
        The address of each in the cluster.

    Raises:
        IndexExistsError, IndexNotFoundError, ShardUnavailableError, MissingExtraError: as `infgram.cluster.deploy`.
    """
    from infgram.cluster import deploy, undeploy
    from infgram.cluster.ray_cluster import connection

    urls = dict(indexes)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the service has ended when it lets the signal through
    with connection(), ExitStack() as stack:
        for name, place in indexes.items():
            location = os.fspath(place)
            if location.startswith("ray://"):
                continue
            if "://" not in location:
                location = os.path.abspath(location)  # the cluster's processes are elsewhere
            deploy(location, name, load=load, replicas=n_replicas)
            stack.callback(undeploy, name)
            urls[name] = f"ray:///{name}"
        yield urls
