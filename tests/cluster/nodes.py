"""Ray clusters on this machine, over its loopback interface."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray.cluster_utils import Cluster

ADDRESS = "127.0.0.2"
"""Loopback, so that no other machine can reach it. Ray takes 127.0.0.1 to mean the machine's own address."""

OPTIONS: dict[str, Any] = {"object_store_memory": 80 << 20, "node_ip_address": ADDRESS}
"""Of each node; no more shared memory than Ray must have, as no data go through it."""


@contextmanager
def cluster_of(n_nodes: int) -> Iterator[Cluster]:
    """Start a cluster of `n_nodes` nodes with one CPU each, including the head, and connect to it."""
    with _elsewhere():
        cluster = Cluster(initialize_head=True, head_node_args={**OPTIONS, "num_cpus": 1, "include_dashboard": False})
    try:
        for _ in range(n_nodes - 1):
            add_node(cluster, num_cpus=1)
        with _elsewhere():
            ray.init(
                address=cluster.address, _node_ip_address=ADDRESS, log_to_driver=False, logging_level=logging.ERROR
            )
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


def add_node(cluster: Cluster, num_cpus: int = 0, resources: dict[str, float] | None = None) -> Any:
    """Add a node; it is running on return."""
    with _elsewhere():
        node = cluster.add_node(num_cpus=num_cpus, resources=resources or {}, **OPTIONS)
    cluster.wait_for_nodes()
    return node


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Change to another folder, so that workers import the installed package."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)
